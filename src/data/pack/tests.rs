//! A pack of three concepts, made here, round trip and broken in every way a download breaks.

use super::parts::sha256_hex;
use super::*;
use crate::data::corpus::Credit;
use crate::features::int8::{Int8, Scaled, write};
use std::io::Write;

const TILE: usize = 2;
/// Two concepts in block `a`, one in block `b`.
const BLOCKS: [(&str, usize, usize); 2] = [("a", 0, 2), ("b", 2, 1)];

fn texts(block: usize) -> Vec<Vec<String>> {
    let all = [vec!["red apple", "fruit", "red", "sweet"], vec!["dog", "pet"], vec!["heart", "love", "red"]];
    let (_, start, len) = BLOCKS[block];
    all[start..start + len].iter().map(|texts| texts.iter().map(|text| text.to_string()).collect()).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// An atlas one tile wide; concept `c` is filled with `10 * c + 1`.
fn atlas(block: usize) -> Vec<u8> {
    let (_, start, len) = BLOCKS[block];
    let pixels = image::RgbImage::from_fn(TILE as u32, (len * TILE) as u32, |_, y| {
        image::Rgb([(10 * (start + y as usize / TILE) + 1) as u8; 3])
    });
    let mut png = std::io::Cursor::new(Vec::new());
    pixels.write_to(&mut png, image::ImageFormat::Png).unwrap();
    png.into_inner()
}

fn features(block: usize) -> Vec<u8> {
    let (_, start, len) = BLOCKS[block];
    let values: Vec<f32> = (start..start + len).flat_map(|c| [c as f32 + 1.0, -0.5 * c as f32]).collect();
    write("f", &Int8::quantise(&values, &[len, 2], Scaled::Columns).entries("features")).unwrap()
}

fn pack() -> (Manifest, Vec<(String, Vec<u8>)>) {
    let mut parts = Vec::new();
    let mut files = Vec::new();
    for (b, (block, _, len)) in BLOCKS.iter().enumerate() {
        let json = serde_json::to_vec(&texts(b)).unwrap();
        for (name, kind, style, language, bytes) in [
            (format!("en-{block}"), Kind::Texts, "", "en", gzip(&json)),
            (format!("de-{block}"), Kind::Texts, "", "de", gzip(&json)),
            (format!("emojilib-{block}"), Kind::Keywords, "", "emojilib", gzip(&json)),
            (format!("noto-{block}-features"), Kind::Features, "noto", "", features(b)),
            (format!("noto-{block}"), Kind::Atlas, "noto", "", atlas(b)),
        ] {
            parts.push(Part {
                name: name.clone(),
                file: format!("{name}.bin"),
                kind,
                bytes: bytes.len(),
                sha256: sha256_hex(&bytes),
                credit: "all".into(),
                style: style.into(),
                language: language.into(),
                block: block.to_string(),
                rows: *len,
                tile: if kind == Kind::Atlas { TILE } else { 0 },
                columns: match kind {
                    Kind::Atlas => 1,
                    Kind::Features => 2,
                    _ => 0,
                },
                pack: String::new(),
            });
            files.push((name, bytes));
        }
    }
    let manifest = Manifest {
        format: PACK_FORMAT.into(),
        version: PACK_VERSION,
        name: "tiny".into(),
        title: "Tiny".into(),
        concepts: 3,
        subsets: vec![Subset { name: "two".into(), title: "Two".into(), concepts: 2 }],
        blocks: BLOCKS.map(|(name, start, len)| Block { name: name.into(), start, len }).to_vec(),
        styles: vec!["noto".into()],
        languages: vec!["en".into(), "de".into()],
        groups: ["symbols", "food", "animals"].map(String::from).to_vec(),
        subgroups: ["hearts", "fruit", "mammals"].map(String::from).to_vec(),
        key: ["1f34e", "1f436", "2764"].map(String::from).to_vec(),
        group: vec![1, 2, 0],
        subgroup: vec![1, 2, 0],
        family: vec![7, 8, 9],
        fold: vec![0, 1, 2],
        held_out: vec![0, 1, 0],
        parts,
        credits: vec![Credit { part: "all".into(), ..Credit::default() }],
    };
    (manifest, files)
}

fn parse(manifest: &Manifest) -> Result<Manifest> {
    Manifest::parse(&serde_json::to_vec(manifest).unwrap())
}

fn loaded() -> Pack {
    let (manifest, files) = pack();
    let mut pack = Pack::new(parse(&manifest).unwrap());
    for (name, bytes) in &files {
        pack.add_part(name, bytes).unwrap();
    }
    pack
}

fn says<T: std::fmt::Debug>(result: Result<T>, words: &[&str]) {
    let text = result.unwrap_err().to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn a_pack_becomes_a_corpus() {
    let corpus = loaded().corpus(&PackOptions::default()).unwrap();
    assert_eq!(corpus.len(), 3);
    assert_eq!(corpus.classes, ["symbols", "food", "animals"]);
    let apple = &corpus.items[0];
    assert_eq!((apple.key.as_str(), apple.title.as_str(), apple.family), ("1f34e", "red apple", 7));
    assert_eq!((apple.class, apple.held_out, apple.fold), (Some(1), false, Some(0)));
    assert!(corpus.items[1].held_out);
    assert_eq!(apple.captions[..3], ["red apple", "fruit, red, sweet", "red apple, fruit, red, sweet"]);
    assert_eq!(apple.captions.len(), 6);
    for half in &apple.captions[3..] {
        let tags: Vec<&str> = half.split(", ").collect();
        assert_eq!(tags.len(), 2, "half of three tags, rounded up");
        assert!(tags.iter().all(|tag| ["fruit", "red", "sweet"].contains(tag)) && tags[0] != tags[1]);
    }
    let sets: Vec<&str> = corpus.query_sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(sets, ["en", "emojilib", "de"]);
    assert_eq!(corpus.query_sets[0].texts[1], ["dog, pet"]);
    let view = &corpus.views[0];
    assert_eq!((view.tiles.len(), view.tiles.tile(2)), (3, &[21u8; 12][..]));
    let features = view.features.as_ref().unwrap();
    assert_eq!((features.rows, features.cols), (3, 2));
    assert!((features.row(1)[0] - 2.0).abs() < 0.01 && (features.row(2)[1] + 1.0).abs() < 0.01);
}

#[test]
fn a_subset_needs_its_own_blocks_only_and_keeps_its_own_classes() {
    let (manifest, files) = pack();
    let mut pack = Pack::new(manifest);
    let names = pack.parts_for("two", &["noto"], &[]).unwrap();
    assert_eq!(names, ["en-a", "noto-a-features", "noto-a"]);
    for (name, bytes) in files.iter().filter(|(name, _)| names.contains(name)) {
        pack.add_part(name, bytes).unwrap();
    }
    let corpus = pack.corpus(&PackOptions { subset: "two".into(), views: vec![] }).unwrap();
    assert_eq!((corpus.len(), corpus.name.as_str()), (2, "two"));
    assert_eq!(corpus.classes, ["food", "animals"]);
    assert_eq!((corpus.items[0].class, corpus.items[1].class), (Some(0), Some(1)));
    assert_ne!(corpus.fingerprint, loaded().corpus(&PackOptions::default()).unwrap().fingerprint);
    says(pack.corpus(&PackOptions::default()), &["not loaded"]);
}

#[test]
fn the_fingerprint_ignores_query_languages_and_atlases() {
    let (manifest, files) = pack();
    let mut pack = Pack::new(manifest);
    for (name, bytes) in files.iter().filter(|(name, _)| name.starts_with("en") || name.ends_with("features")) {
        pack.add_part(name, bytes).unwrap();
    }
    let corpus = pack.corpus(&PackOptions::default()).unwrap();
    assert!(corpus.views[0].tiles.is_empty());
    assert_eq!(corpus.fingerprint, loaded().corpus(&PackOptions::default()).unwrap().fingerprint);
}

#[test]
fn damaged_parts_name_themselves_and_the_remedy() {
    let (manifest, files) = pack();
    let mut pack = Pack::new(manifest);
    for (name, bytes) in &files {
        says(pack.add_part(name, &bytes[..bytes.len() - 1]), &[name, "truncated", "rebuild"]);
        says(pack.add_part(name, &[bytes, &[0][..]].concat()), &[name, "instead of"]);
        let mut flipped = bytes.clone();
        flipped[bytes.len() / 2] ^= 1;
        says(pack.add_part(name, &flipped), &[name, "SHA-256"]);
        assert!(!pack.has_part(name));
    }
    says(pack.add_part("noto-z", &[]), &["noto-z", "no such part"]);
    says(pack.parts_for("two", &["sketch"], &[]), &["sketch", "noto"]);
    says(pack.parts_for("three", &[], &[]), &["three", "two"]);
}

/// The checksum is right, but the content is not what the manifest says.
#[test]
fn wrong_content_is_found_behind_a_right_checksum() {
    let (manifest, _) = pack();
    let check = |name: &str, bytes: Vec<u8>, words: &[&str]| {
        let mut manifest = manifest.clone();
        let part = manifest.parts.iter_mut().find(|part| part.name == name).unwrap();
        (part.bytes, part.sha256) = (bytes.len(), sha256_hex(&bytes));
        says(Pack::new(manifest).add_part(name, &bytes), &[&[name], words].concat());
    };
    check("en-a", gzip(b"[[\"one\"]]"), &["1 concepts instead of 2"]);
    check("en-a", gzip(b"[[\"one\"],[]]"), &["no label"]);
    check("en-a", b"[[]]".to_vec(), &["rebuild"]);
    check("noto-a", atlas(1), &["2 x 2 pixels instead of 2 x 4"]);
    check("noto-a", gzip(b"no picture"), &["rebuild"]);
    check("noto-a-features", features(1), &["[1, 2]", "[2, 2]"]);
    check("noto-a-features", vec![0; 40], &["rebuild"]);
}

#[test]
fn manifests_that_contradict_themselves_are_refused() {
    let (manifest, _) = pack();
    let broken = |change: &dyn Fn(&mut Manifest), words: &[&str]| {
        let mut manifest = manifest.clone();
        change(&mut manifest);
        says(parse(&manifest), &[&["manifest.json"], words].concat());
    };
    assert_eq!(parse(&manifest).unwrap(), manifest);
    broken(&|m| m.version = PACK_VERSION + 1, &["version 2", "update"]);
    broken(&|m| m.version = 0, &["version 0", "rebuild"]);
    broken(&|m| m.format = "zip".into(), &["not a pack"]);
    broken(&|m| _ = m.fold.pop(), &["fold", "2 entries for 3"]);
    broken(&|m| m.group[0] = 3, &["group"]);
    broken(&|m| m.blocks[1].start = 1, &["block `b`"]);
    broken(&|m| m.subsets[0].concepts = 1, &["subset `two`"]);
    broken(&|m| m.parts[0].file = "../secret".into(), &["plain file name"]);
    broken(&|m| m.parts[0].sha256 = "ABC".into(), &["SHA-256"]);
    broken(&|m| m.parts[0].credit = "nobody".into(), &["nobody"]);
    broken(&|m| m.parts[1].name = m.parts[0].name.clone(), &["listed twice"]);
    says(Manifest::parse(b"{\"format\":"), &["manifest.json", "rebuild"]);
    says(Manifest::parse(b""), &["manifest.json"]);
}
