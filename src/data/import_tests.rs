//! Folders a user might have, good and bad.

use super::*;
use crate::config::DataConfig;
use crate::data::Partition;
use image::{Rgb, RgbImage};
use std::path::Path;

/// A folder with pictures of one colour each (`name`, `shade`) and a metadata file.
fn folder(pictures: &[(&str, u8)], metadata: (&str, &str)) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, shade) in pictures {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        RgbImage::from_pixel(6, 4, Rgb([*shade, 0, 0])).save(path).unwrap();
    }
    std::fs::write(dir.path().join(metadata.0), metadata.1).unwrap();
    dir
}

const FIVE: [(&str, u8); 5] = [("a.png", 10), ("b.png", 60), ("sub/c.png", 110), ("d.jpg", 160), ("e.png", 210)];

fn problems(corpus: &Corpus) -> Vec<(usize, &str)> {
    corpus.problems.iter().map(|p| (p.row, p.file.as_str())).collect()
}

#[test]
fn a_good_folder() {
    let text = "file_name,text,label\na.png,one,red\nb.png,two,blue\nsub/c.png,three,red\nd.jpg,four,\ne.png,five,red\n\
        ./a.png,\"uno, one\",red\n";
    let dir = folder(&FIVE, ("metadata.csv", text));
    let corpus = read_folder(dir.path()).unwrap();
    assert_eq!(corpus.problems, []);
    let keys: Vec<&str> = corpus.items.iter().map(|item| item.key.as_str()).collect();
    assert_eq!(keys, ["a.png", "b.png", "sub/c.png", "d.jpg", "e.png"]);
    assert_eq!(corpus.items[0].captions, ["one", "uno, one"]);
    assert_eq!(corpus.query_sets[0].texts[0], ["one", "uno, one"]);
    assert_eq!(corpus.classes, ["blue", "red"]);
    let classes: Vec<_> = corpus.items.iter().map(|item| item.class).collect();
    assert_eq!(classes, [Some(1), Some(0), Some(1), None, Some(1)]);
    let view = &corpus.views[0];
    assert_eq!((view.name.as_str(), view.tiles.size, view.tiles.len()), ("photo", 64, 5));
    // The middle of tile 1 has the colour of b.png, its top is white.
    assert_eq!(view.tiles.tile(1)[(32 * 64 + 32) * 3], 60);
    assert_eq!(view.tiles.tile(1)[1], 255);
    // A fifth of five families.
    assert_eq!(corpus.items.iter().filter(|item| item.held_out).count(), 1);
    let partition = Partition::new(&corpus, &DataConfig::default()).unwrap();
    assert_eq!((partition.train_items.len(), partition.test_items.len()), (4, 1));
    // Read again: the same. A changed caption or picture: another fingerprint.
    let again = read_folder(dir.path()).unwrap();
    assert_eq!((&again.fingerprint, &again.items), (&corpus.fingerprint, &corpus.items));
    assert_eq!(corpus.fingerprint.len(), 64);
    std::fs::write(dir.path().join("metadata.csv"), text.replace("four", "vier")).unwrap();
    assert_ne!(read_folder(dir.path()).unwrap().fingerprint, corpus.fingerprint);
    std::fs::write(dir.path().join("metadata.csv"), text).unwrap();
    RgbImage::from_pixel(6, 4, Rgb([11, 0, 0])).save(dir.path().join("a.png")).unwrap();
    assert_ne!(read_folder(dir.path()).unwrap().fingerprint, corpus.fingerprint);
}

#[test]
fn every_problem_is_reported_and_the_rest_goes_on() {
    let text = "file_name,caption,label\na.png,one,x\ngone.png,lost,x\nb.png,,x\nbroken.png,text,x\nsub/c.png,three,x\n\
        ../secret.png,out,x\n/etc/hostname,out,x\nsub,a folder,x\na.png,one,x\nd.jpg,four,x\na.png,uno,y\n\
        e.png,five,x\ngone.png,lost again,x\n.,dot,x\nnul\0.png,nul,x\nb.png,two,x\n";
    let dir = folder(&FIVE, ("metadata.csv", text));
    std::fs::write(dir.path().join("broken.png"), b"\x89PNG\r\n\x1a\nnothing").unwrap();
    let corpus = read_folder(dir.path()).unwrap();
    assert_eq!(
        problems(&corpus),
        [
            (3, "gone.png"),
            (4, "b.png"),
            (5, "broken.png"),
            (7, "../secret.png"),
            (8, "/etc/hostname"),
            (9, "sub"),
            (10, "a.png"),
            (12, "a.png"),
            (14, "gone.png"),
            (15, "."),
            (16, "nul\0.png"),
        ]
    );
    let says = [
        "missing",
        "empty",
        "cannot be read",
        "leads out",
        "leads out",
        "not a file",
        "duplicate",
        "differs",
        "missing",
    ];
    for (problem, what) in corpus.problems.iter().zip(says) {
        assert!(problem.problem.contains(what), "{problem:?}");
    }
    // Every row is either used or reported: 16 rows, 5 pictures and one more caption used, one used and reported.
    assert_eq!(corpus.len(), 5);
    assert_eq!(corpus.items[0].captions, ["one", "uno"]);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_refused() {
    let outside = folder(&[("secret.png", 9)], ("x", ""));
    let text = "file_name,text\na.png,1\nb.png,2\nsub/c.png,3\nd.jpg,4\nlink.png,5\ninner.png,6\n";
    let dir = folder(&FIVE, ("metadata.csv", text));
    std::os::unix::fs::symlink(outside.path().join("secret.png"), dir.path().join("link.png")).unwrap();
    std::os::unix::fs::symlink("e.png", dir.path().join("inner.png")).unwrap();
    let corpus = read_folder(dir.path()).unwrap();
    assert_eq!(problems(&corpus), [(6, "link.png")]);
    assert_eq!(corpus.len(), 5);
}

#[test]
fn equal_captions_and_equal_pixels_are_one_family() {
    // 0 and 2 share a caption, 2 and 4 their pixels (one is a copy), 1 and 3 nothing.
    let pictures = [("a.png", 1), ("b.png", 60), ("c.png", 110), ("d.png", 160), ("e.png", 110)];
    let text = "file_name,text\na.png,cat\nb.png,dog\nc.png,kitten\nc.png,cat\nd.png,cow\ne.png,puss\n";
    let corpus = read_folder(folder(&pictures, ("metadata.csv", text)).path()).unwrap();
    let families: Vec<u32> = corpus.items.iter().map(|item| item.family).collect();
    assert_eq!(families, [0, 1, 0, 3, 0]);
    let held: Vec<u32> = corpus.items.iter().filter(|item| item.held_out).map(|item| item.family).collect();
    let kept: Vec<u32> = corpus.items.iter().filter(|item| !item.held_out).map(|item| item.family).collect();
    assert!(!held.is_empty() && held.iter().all(|family| !kept.contains(family)));
}

#[test]
fn the_split_column_stands_and_its_leaks_are_said() {
    let text = "{\"file_name\":\"a.png\",\"text\":\"same\",\"split\":\"train\"}\n\
        {\"file_name\":\"b.png\",\"text\":\"two\",\"split\":\"train\"}\n\
        {\"file_name\":\"sub/c.png\",\"text\":\"three\",\"split\":\"validation\"}\n\
        {\"file_name\":\"d.jpg\",\"text\":\"four\"}\n\
        {\"file_name\":\"e.png\",\"text\":\"same\",\"split\":\"test\"}\n";
    let corpus = read_folder(folder(&FIVE, ("metadata.jsonl", text)).path()).unwrap();
    let held: Vec<bool> = corpus.items.iter().map(|item| item.held_out).collect();
    assert_eq!(held, [false, false, true, false, true]);
    assert_eq!(problems(&corpus), [(4, "d.jpg"), (5, "e.png")]);
    // A split column that holds nothing out leaves the draw to us.
    let all_train = text.replace("validation", "train").replace("\"test\"", "\"train\"");
    let corpus = read_folder(folder(&FIVE, ("metadata.jsonl", &all_train)).path()).unwrap();
    assert!(corpus.items.iter().any(|item| item.held_out));
}

#[test]
fn what_cannot_be_a_corpus_says_why() {
    let says = |dir: &Path, what: &[&str]| {
        let error = read_folder(dir).unwrap_err().to_string();
        assert!(what.iter().all(|w| error.contains(w)), "{error}");
    };
    says(Path::new("no/such/folder"), &["no/such/folder"]);
    says(tempfile::tempdir().unwrap().path(), &["metadata.csv", "file_name", "caption"]);
    says(folder(&FIVE, ("metadata.csv", "picture,words\na.png,b\n")).path(), &["file_name", "picture, words"]);
    let three = "file_name,text\na.png,1\nb.png,2\nd.jpg,4\nx.png,5\n";
    says(folder(&FIVE, ("metadata.csv", three)).path(), &["3 usable", "at least 4", "row 5", "x.png"]);
    says(folder(&FIVE, ("metadata.csv", "file_name,text\n")).path(), &["0 usable"]);
    let same = "file_name,text\na.png,x\nb.png,x\nd.jpg,x\ne.png,x\n";
    says(folder(&FIVE, ("metadata.csv", same)).path(), &["nothing to tell apart"]);
    says(folder(&FIVE, ("metadata.jsonl", "not json\n")).path(), &["metadata.jsonl", "row 1"]);
    let named = [("IMG_1.png", 1), ("IMG_2.png", 60), ("IMG_3.png", 110), ("IMG_4.png", 160)];
    says(folder(&named, ("readme.md", "")).path(), &["0 usable", "caption is empty"]);
}

#[test]
fn both_metadata_files_is_said() {
    let text = "file_name,text\na.png,1\nb.png,2\nd.jpg,3\ne.png,4\n";
    let dir = folder(&FIVE, ("metadata.csv", text));
    std::fs::write(dir.path().join("metadata.jsonl"), "{}").unwrap();
    assert_eq!(problems(&read_folder(dir.path()).unwrap()), [(0, "metadata.jsonl")]);
}
