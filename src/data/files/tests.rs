//! Archives as users have them, and as somebody might make them on purpose.

use super::*;
use crate::data::Corpus;
use crate::data::check::Plan;
use crate::data::import::{Advance, Import};
use ::zip::write::SimpleFileOptions;
use image::{ImageFormat, Rgb, RgbImage};
use std::io::{Cursor, Write as _};

fn png(shade: u8) -> Vec<u8> {
    let mut bytes = Vec::new();
    RgbImage::from_pixel(8, 8, Rgb([shade, 0, 0])).write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

fn zip(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ::zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default()).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn tar(files: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        // `set_path` refuses what is tried here.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn read(name: &str, bytes: Vec<u8>) -> Result<Corpus> {
    let files = archive(name, Cursor::new(bytes))?.ok_or_else(|| Error::Data("no archive".into()))?;
    let mut import = Import::open(name, files, false)?;
    loop {
        match import.advance() {
            Advance::Done => return import.finish(&Plan::default()),
            Advance::Foreign { .. } => import.supply(None),
            Advance::Row => {}
        }
    }
}

/// Titles by shade of red, so that a picture under another's caption is seen.
fn shades(corpus: &Corpus) -> Vec<(u8, String)> {
    let tiles = &corpus.views[0].tiles;
    let mut all: Vec<_> =
        corpus.items.iter().enumerate().map(|(i, item)| (tiles.tile(i)[0], item.title.clone())).collect();
    all.sort();
    all
}

fn want() -> Vec<(u8, String)> {
    [(10, "one cat"), (60, "two dogs"), (110, "three cows"), (160, "four owls"), (210, "five ants")]
        .map(|(shade, title)| (shade, title.to_owned()))
        .to_vec()
}

#[test]
fn a_zip_of_a_folder_with_a_table() {
    let table =
        b"file_name,text\na.png,one cat\nb.png,two dogs\nin/c.png,three cows\nd.png,four owls\ne.png,five ants\n";
    let files = [
        ("photos/metadata.csv", table.to_vec()),
        ("photos/e.png", png(210)),
        ("photos/a.png", png(10)),
        ("__MACOSX/photos/._a.png", b"litter".to_vec()),
        ("photos/.DS_Store", b"litter".to_vec()),
        ("photos/b.png", png(60)),
        ("photos/in/c.png", png(110)),
        ("photos/d.png", png(160)),
    ];
    assert_eq!(shades(&read("photos.zip", zip(&files)).unwrap()), want());
}

#[test]
fn a_webdataset_tar_plain_and_gzipped() {
    let files = [
        ("0001.png", png(10)),
        ("0001.txt", b"one cat\n".to_vec()),
        ("0001.cls", b"3".to_vec()),
        ("0002.json", b"{\"caption\":\"two dogs\",\"label\":5}".to_vec()),
        ("0002.png", png(60)),
        ("0003.txt", b"three cows".to_vec()),
        ("0003.seg.png", png(110)),
        ("0004.png", png(160)),
        ("0004.json", b"{\"text\":\"four owls\"}".to_vec()),
        ("0005.png", png(210)),
        ("0005.caption", b"five ants".to_vec()),
    ];
    let plain = read("shard.tar", tar(&files)).unwrap();
    assert_eq!(shades(&plain), want());
    assert_eq!(plain.classes, ["3", "5"]);
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(&tar(&files)).unwrap();
    assert_eq!(shades(&read("shard.tar.gz", gz.finish().unwrap()).unwrap()), want());
}

#[test]
fn names_are_captions_and_folders_are_labels() {
    let files = [
        ("pets/one_cat.png", png(10)),
        ("pets/two-dogs (2).png", png(60)),
        ("farm/three cows.png", png(110)),
        ("birds/four.owls/x.png", png(160)),
        ("five+ants.png", png(210)),
    ];
    let corpus = read("named.zip", zip(&files)).unwrap();
    let titles: Vec<String> = shades(&corpus).into_iter().map(|(_, title)| title).collect();
    assert_eq!(titles[..3], ["one cat", "two dogs", "three cows"]);
    let by_folder = ["red apple/1.png", "red apple/2.png", "pear/IMG_3.png", "plum/4.png", "plum/DSC05.png"];
    let files: Vec<_> =
        by_folder.iter().zip([10, 60, 110, 160, 210]).map(|(name, shade)| (*name, png(shade))).collect();
    let corpus = read("folders.zip", zip(&files)).unwrap();
    let titles: Vec<String> = shades(&corpus).into_iter().map(|(_, title)| title).collect();
    assert_eq!(titles, ["red apple", "red apple", "pear", "plum", "plum"]);
    assert_eq!(corpus.classes, ["pear", "plum", "red apple"]);
}

#[test]
fn features_with_texts_and_without_pictures() {
    let mut npy = b"\x93NUMPY\x01\x00".to_vec();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 4), }";
    npy.extend((header.len() as u16).to_le_bytes());
    npy.extend(header.as_bytes());
    npy.extend((0..20).flat_map(|i| ((i * i) as f32).to_le_bytes()));
    let lines = b"one\ntwo\nthree\nfour\nfive\n".to_vec();
    let corpus = read("features.zip", zip(&[("x.npy", npy.clone()), ("texts.txt", lines)])).unwrap();
    let features = corpus.views[0].features.as_ref().unwrap();
    assert_eq!((corpus.items[3].title.as_str(), features.row(3)), ("four", &[144.0, 169.0, 196.0, 225.0][..]));
    // A row without a text leaves its features out, and no others.
    let table = b"text\none\n\"\"\nthree\nfour\nfive\n".to_vec();
    let corpus = read("features.zip", zip(&[("x.npy", npy.clone()), ("captions.csv", table)])).unwrap();
    let features = corpus.views[0].features.as_ref().unwrap();
    assert_eq!((corpus.len(), corpus.items[1].title.as_str(), features.row(1)[0]), (4, "three", 64.0));
    let error =
        read("features.zip", zip(&[("x.npy", npy), ("texts.txt", b"one\ntwo".to_vec())])).unwrap_err().to_string();
    assert!(error.contains("5 rows") && error.contains("2 texts"), "{error}");
}

#[test]
fn hostile_archives_get_one_sentence() {
    let says = |name: &str, bytes: Vec<u8>, what: &str| {
        let error = read(name, bytes).err().unwrap_or_else(|| panic!("{name} was taken")).to_string();
        assert!(error.contains(what) && !error.contains('\n'), "{name}: {error}");
    };
    let good = zip(&[("a.png", png(1)), ("b.png", png(2))]);
    for length in [4, good.len() / 2, good.len() - 10] {
        says("cut.zip", good[..length].to_vec(), "cut off");
    }
    says("cut.tar", tar(&[("a.png", vec![1; 5000])])[..3000].to_vec(), "usable");
    says("empty.zip", zip(&[]), "no pictures");
    says("x.7z", b"7z\xbc\xaf\x27\x1c".to_vec(), "unpack it");
    says("bad.tar.gz", b"\x1f\x8b\x08\x00nonsense".to_vec(), "cannot be unpacked");
    // One that announces a million entries is refused before memory is taken for them.
    let mut many = good.clone();
    let end = many.len() - 22;
    many.extend_from_within(end..);
    let zip64 =
        [b"PK\x06\x06".as_slice(), &44u64.to_le_bytes(), &[0; 20], &1_000_000u64.to_le_bytes(), &[0; 16]].concat();
    many.splice(end..end, zip64);
    says("many.zip", many, "250000 files");
    // A bomb: 300 MiB of zeros in 300 kB. The other pictures are read.
    let bomb = zip(&[
        ("bomb.png", vec![0; 300 << 20]),
        ("one.png", png(9)),
        ("two.png", png(60)),
        ("three.png", png(99)),
        ("four.png", png(140)),
    ]);
    assert!(bomb.len() < 1 << 20);
    let corpus = read("bomb.zip", bomb).unwrap();
    assert!(corpus.len() == 4 && corpus.problems[0].problem.contains("larger than 256 MiB"), "{:?}", corpus.problems);
}

#[test]
fn a_path_that_leads_out_is_never_read() {
    let table = b"file_name,text\n../../etc/passwd,one\n/etc/passwd,two\nC:\\x.png,three\na.png,four cats\nb.png,five\nc.png,six\nd.png,seven\n";
    let outside = [("../../etc/passwd", png(1)), ("/etc/passwd", png(2)), ("a\\..\\..\\x.png", png(3))];
    let inside = [("a.png", png(10)), ("b.png", png(60)), ("c.png", png(110)), ("d.png", png(160))];
    let mut files = vec![("metadata.csv", table.to_vec())];
    files.extend(outside.clone());
    files.extend(inside);
    for (name, bytes) in [("out.zip", zip(&files)), ("out.tar", tar(&files))] {
        let corpus = read(name, bytes).unwrap();
        assert_eq!(corpus.len(), 4, "{name}");
        let refused: Vec<&str> = corpus.problems.iter().map(|p| p.file.as_str()).collect();
        for (path, _) in &outside {
            assert!(refused.contains(path), "{name}: {path} is not among {refused:?}");
        }
    }
    for (path, want) in
        [("a/./b", Some("a/b")), ("a/../b", None), ("/a", None), ("", None), ("a\0b", None), ("a\\b", Some("a/b"))]
    {
        assert_eq!(super::inside(path).ok().as_deref(), want, "{path:?}");
    }
}

#[test]
fn five_thousand_pictures_keep_their_captions() {
    // The shade is in the name and in the caption; files, rows and reading come in three different orders.
    let names: Vec<String> = (0..5_000u64).map(|i| format!("{}.png", i * 2_654_435_761 % 5_003)).collect();
    let colour = |i: usize| Rgb([(i % 251) as u8, (i / 251) as u8, 77]);
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut add = |name: &str, bytes: &[u8]| {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        builder.append_data(&mut header, name, bytes).unwrap();
    };
    let mut table = String::from("file_name,text,label\n");
    for i in (0..5_000).rev() {
        table += &format!("{},picture {} {},{}\n", names[i], i % 251, i / 251, i % 7);
    }
    for (i, name) in names.iter().enumerate() {
        let mut bytes = Vec::new();
        // One quarter says which it is, the others make it unlike any other.
        let image = RgbImage::from_fn(64, 64, |x, y| match (x / 32, y / 32) {
            (1, 1) => colour(i),
            (x, y) => Rgb([0u64, 1, 2]
                .map(|c| (((i as u64 + 1) * (x as u64 + 2 * y as u64 + 5 + 4 * c) * 0x9e37_79b9) >> 16) as u8)),
        });
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        // A hundred of them cannot be read, and a hundred are missing.
        match i % 50 {
            7 => add(name, &bytes[..20]),
            8 => {}
            _ => add(name, &bytes),
        }
    }
    add("metadata.csv", table.as_bytes());
    let corpus = read("many.tar", builder.into_inner().unwrap()).unwrap();
    assert_eq!((corpus.len(), corpus.problems.len()), (4_800, 200));
    let tiles = &corpus.views[0].tiles;
    for (at, item) in corpus.items.iter().enumerate() {
        let middle = &tiles.tile(at)[(32 * 64 + 32) * 3..][..2];
        assert_eq!(item.title, format!("picture {} {}", middle[0], middle[1]), "item {at}");
        let i = usize::from(middle[1]) * 251 + usize::from(middle[0]);
        assert_eq!(corpus.classes[item.class.unwrap() as usize], (i % 7).to_string());
    }
}
