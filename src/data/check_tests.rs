//! Data with one thing wrong at a time.

use super::*;
use crate::data::files::{FileEntry, Files};
use crate::data::import::{Advance, Import};
use image::{ImageFormat, RgbImage};
use std::io::Cursor;

struct Given(Vec<FileEntry>, Vec<Vec<u8>>);

impl Files for Given {
    fn list(&self) -> &[FileEntry] {
        &self.0
    }
    fn read(&mut self, index: usize) -> std::result::Result<Vec<u8>, String> {
        Ok(self.1[index].clone())
    }
}

/// A picture that no other seed's looks like; `light` makes a near copy.
fn picture(seed: u32, light: i32) -> Vec<u8> {
    let image = RgbImage::from_fn(32, 32, |x, y| {
        let field = |c: u32| (x / 8 * 7 + y / 8 * 13 + c * 5 + seed * 29 + (x / 8) * (y / 8) * seed) * 37 % 200;
        image::Rgb([0, 1, 2].map(|c| (field(c) as i32 + light).clamp(0, 255) as u8))
    });
    let mut bytes = Vec::new();
    image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

fn import(table: &str, pictures: &[(&str, Vec<u8>)]) -> Import {
    let mut files = vec![("metadata.csv", table.as_bytes().to_vec())];
    files.extend(pictures.iter().map(|(name, bytes)| (*name, bytes.clone())));
    let list = files.iter().map(|(name, bytes)| FileEntry { path: (*name).into(), bytes: bytes.len() as u64 });
    let given = Given(list.collect(), files.iter().map(|(_, bytes)| bytes.clone()).collect());
    let mut import = Import::open("test", Box::new(given), false).unwrap();
    while import.advance() != Advance::Done {}
    import
}

/// Five pictures: 1 is 0 again, 3 nearly 2.
fn five() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("a.png", picture(1, 0)),
        ("b.png", picture(1, 0)),
        ("c.png", picture(2, 0)),
        ("d.png", picture(2, 3)),
        ("e.png", picture(3, 0)),
    ]
}

fn groups(check: &Check, kind: Kind) -> Option<Vec<Vec<usize>>> {
    check.findings.iter().find(|f| f.kind == kind).map(|f| f.groups.clone())
}

fn remedy(check: &Check, kind: Kind) -> Plan {
    check.findings.iter().find(|f| f.kind == kind).and_then(|f| f.remedy.clone()).expect("a remedy")
}

#[test]
fn copies_and_near_copies_are_found_told_apart_and_merged() {
    let import = import("file_name,text\na.png,one\nb.png,uno\nc.png,two\nd.png,deux\ne.png,three\n", &five());
    let check = import.check(&Plan::default());
    assert_eq!(groups(&check, Kind::SamePicture), Some(vec![vec![0, 1]]));
    assert_eq!(groups(&check, Kind::NearDuplicates), Some(vec![vec![2, 3]]));
    assert_eq!((check.usable, check.families, check.own_split), (5, 3, false));
    let plan = remedy(&check, Kind::SamePicture);
    assert_eq!(
        (plan.drop.iter().copied().collect::<Vec<_>>(), &plan.captions[&0]),
        (vec![1], &vec!["one".to_owned(), "uno".into()])
    );
    let after = import.check(&plan);
    assert_eq!((groups(&after, Kind::SamePicture), after.usable), (None, 4));
    let corpus = import.finish(&plan).unwrap();
    // Near copies stay on one side, and what is left keeps its picture.
    assert_eq!(
        corpus.items.iter().map(|i| (i.title.as_str(), i.family)).collect::<Vec<_>>(),
        [("one", 0), ("two", 1), ("deux", 1), ("three", 3)]
    );
    for (item, at) in corpus.items.iter().zip([0, 2, 3, 4]) {
        let n = corpus.items.iter().position(|other| other == item).unwrap();
        assert_eq!(corpus.views[0].tiles.tile(n), import.tile(at).unwrap());
    }
}

#[test]
fn missing_captions_can_be_typed() {
    let import = import("file_name,text\na.png,one\nb.png,\nc.png,two\nd.png,three\ne.png,four\n", &five());
    let check = import.check(&Plan::default());
    assert_eq!((groups(&check, Kind::NoCaption), check.usable), (Some(vec![vec![1]]), 4));
    let plan = Plan { captions: [(1, vec!["  typed  ".to_owned(), String::new()])].into(), ..Plan::default() };
    assert_eq!(groups(&import.check(&plan), Kind::NoCaption), None);
    assert_eq!(import.finish(&plan).unwrap().items[1].captions, ["typed"]);
}

#[test]
fn labels_in_captions_dominant_and_rare_ones() {
    let table = "file_name,text,label\na.png,a red apple,Apple\nb.png,green apple,Apple\nc.png,fruit,Apple\nd.png,an apple,Apple\ne.png,a pear,pear\n";
    let import = import(table, &five());
    let check = import.check(&Plan::default());
    assert_eq!(groups(&check, Kind::LabelInCaption), Some(vec![vec![0, 1, 3, 4]]));
    assert_eq!(groups(&check, Kind::RareLabels), Some(vec![vec![4]]));
    assert_eq!(groups(&check, Kind::Dominant), None);
    assert_eq!(check.labels, [("Apple".to_owned(), 4), ("pear".to_owned(), 1)]);
    let plan = remedy(&check, Kind::LabelInCaption);
    let after = import.check(&plan);
    assert_eq!(groups(&after, Kind::LabelInCaption), None);
    let corpus = import.finish(&plan).unwrap();
    assert_eq!(corpus.items[0].title, "a red");
    let without = import.finish(&remedy(&check, Kind::RareLabels)).unwrap();
    assert!(without.classes.is_empty() && without.items.iter().all(|item| item.class.is_none()));
}

#[test]
fn a_leaking_split_is_named_and_can_be_drawn_anew() {
    let table =
        "file_name,text,split\na.png,one,train\nb.png,two,test\nc.png,three,train\nd.png,four,train\ne.png,five,test\n";
    let import = import(table, &five());
    let check = import.check(&Plan::default());
    assert_eq!((groups(&check, Kind::Leak), check.own_split, check.held_out), (Some(vec![vec![1]]), true, 2));
    let plan = remedy(&check, Kind::Leak);
    let after = import.check(&plan);
    assert!(groups(&after, Kind::Leak).is_none() && !after.own_split && after.held_out > 0);
    let corpus = import.finish(&plan).unwrap();
    let of = |held: bool| corpus.items.iter().filter(|i| i.held_out == held).map(|i| i.family).collect::<BTreeSet<_>>();
    assert!(of(true).is_disjoint(&of(false)));
}

#[test]
fn captions_in_another_language_are_shown_and_taken_out() {
    let captions = [
        "Two men in green shirts are standing in the yard near the house.",
        "Several men in hard hats are operating a giant pulley system.",
        "A little girl climbing into a wooden playhouse.",
        "A man in a blue shirt is standing on a ladder cleaning a window.",
        "Two men are at the stove preparing food.",
        "A group of people standing in front of an igloo.|Eine Gruppe von Menschen steht vor einem Iglu.",
        "Ein kleines Mädchen klettert in ein Spielhaus aus Holz.",
        "Ein Mann in einem blauen Hemd steht auf einer Leiter und putzt ein Fenster.",
    ];
    let names: Vec<String> = (0..captions.len()).map(|i| format!("{i}.png")).collect();
    let rows = captions.iter().zip(&names).flat_map(|(captions, name)| {
        captions.split('|').map(|caption| format!("{name},{caption}\n")).collect::<Vec<_>>()
    });
    let table = format!("file_name,text\n{}", rows.collect::<String>());
    let pictures: Vec<_> = (20..).zip(&names).map(|(seed, name)| (name.as_str(), picture(seed, 0))).collect();
    let import = import(&table, &pictures);
    let check = import.check(&Plan::default());
    assert_eq!(check.languages, [("eng".to_owned(), 6), ("deu".to_owned(), 3)]);
    assert_eq!(groups(&check, Kind::Languages), Some(vec![vec![5, 6, 7]]));
    let after = import.check(&remedy(&check, Kind::Languages));
    assert_eq!((after.languages.clone(), after.usable), (vec![("eng".to_owned(), 6)], 6));
    assert_eq!(groups(&after, Kind::Languages), None);
    assert_eq!(groups(&after, Kind::NoCaption), Some(vec![vec![6, 7]]));
}
