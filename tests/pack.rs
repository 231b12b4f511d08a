//! The committed packs are what the documentation and the reference figures say they are.
#![cfg(not(target_arch = "wasm32"))]

use mtls_lab::data::pack::{Kind, Pack, PackOptions};
use mtls_lab::data::pack_files::PackFolder;
use std::collections::BTreeMap;

fn load(subset: &str, styles: &[&str], languages: &[&str]) -> Pack {
    let folder = PackFolder::find("emoji").unwrap();
    let names = Pack::new(folder.manifest().clone()).parts_for(subset, styles, languages).unwrap();
    folder.load(names).unwrap()
}

fn options(subset: &str, views: &[&str]) -> PackOptions {
    PackOptions { subset: subset.into(), views: views.iter().map(|view| view.to_string()).collect() }
}

#[test]
fn emoji_4_has_the_reference_concepts() {
    let pack = load("emoji-4", &[], &["de", "fr", "es", "ja", "emojilib"]);
    let corpus = pack.corpus(&options("emoji-4", &[])).unwrap();
    assert_eq!((corpus.len(), corpus.classes.len(), corpus.subclasses.len()), (1562, 8, 94));
    assert_eq!(corpus.items.iter().filter(|item| item.held_out).count(), 313);
    let views: Vec<&str> = corpus.views.iter().map(|view| view.name.as_str()).collect();
    assert_eq!(views, ["noto", "twemoji", "openmoji", "fluent"]);
    for view in &corpus.views {
        assert_eq!((view.tiles.size, view.tiles.len()), (64, 1562));
        let features = view.features.as_ref().unwrap();
        assert_eq!((features.rows, features.cols), (1562, 256));
        // Every picture shows something (a white heart little), on a light ground (a window may fill its tile).
        for i in 0..1562 {
            let tile = view.tiles.tile(i);
            assert!(tile.iter().any(|byte| *byte < 240) && tile.iter().any(|byte| *byte > 240), "{} {i}", view.name);
        }
    }
    let sets: Vec<&str> = corpus.query_sets.iter().map(|set| set.name.as_str()).collect();
    assert_eq!(sets, ["en", "emojilib", "de", "fr", "es", "ja"]);
    let covered = |set: usize| corpus.query_sets[set].texts.iter().filter(|texts| !texts.is_empty()).count();
    assert_eq!([0, 1, 2, 3, 4, 5].map(covered), [1562, 1548, 1562, 1562, 1562, 1562]);
    assert!(corpus.items.iter().all(|item| item.captions.len() == 6));
    let apple = corpus.items.iter().find(|item| item.key == "1f34e").unwrap();
    assert_eq!(
        (apple.title.as_str(), corpus.classes[apple.class.unwrap() as usize].as_str()),
        ("red apple", "food-drink")
    );
    let credited: Vec<&str> = corpus.credits.iter().map(|credit| credit.part.as_str()).collect();
    assert_eq!(credited, ["noto", "twemoji", "openmoji", "fluent", "texts", "emojilib", "encoder"]);
}

#[test]
fn families_and_splits_are_the_reference_list() {
    let list = include_str!("../packer/data/emoji_families.csv");
    let corpus = load("emoji-4", &["noto"], &[]).corpus(&options("", &[])).unwrap();
    let by_key: BTreeMap<&str, _> = corpus.items.iter().map(|item| (item.key.as_str(), item)).collect();
    let mut family_side = BTreeMap::new();
    assert_eq!(list.lines().skip(1).count(), by_key.len());
    for line in list.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let item = by_key[fields[0]];
        let (held_out, fold) = (fields[2] == "1", fields[3].parse::<u8>().unwrap());
        assert_eq!((item.family.to_string().as_str(), item.held_out, item.fold), (fields[1], held_out, Some(fold)));
        assert_eq!(*family_side.entry(item.family).or_insert((held_out, fold)), (held_out, fold), "{}", fields[0]);
    }
}

#[test]
fn emoji_1k_with_its_first_style_is_small() {
    let folder = PackFolder::find("emoji").unwrap();
    let names = Pack::new(folder.manifest().clone()).parts_for("emoji-1k", &["noto"], &[]).unwrap();
    let parts = names.iter().map(|name| folder.manifest().part(name).unwrap().bytes).sum::<usize>();
    let manifest = serde_json::to_vec(folder.manifest()).unwrap().len() + 1;
    assert!(parts + manifest <= 1_100_000, "{parts} + {manifest} bytes");
    let corpus = folder.load(names).unwrap().corpus(&options("emoji-1k", &["noto"])).unwrap();
    assert_eq!((corpus.len(), corpus.classes.len()), (1015, 6));
    assert!(!corpus.classes.iter().any(|class| class == "people-body" || class == "symbols"));
    assert!(corpus.credits.iter().any(|credit| credit.part == "noto"));
    assert!(!corpus.credits.iter().any(|credit| credit.part == "openmoji"));
}

#[test]
fn every_listed_part_loads() {
    let folder = PackFolder::find("emoji").unwrap();
    let pack = folder.load(folder.manifest().parts.iter().map(|part| &part.name)).unwrap();
    assert_eq!(pack.projection().unwrap().dim(), 256);
    assert!(pack.encoder_part().is_some());
    let blocks = folder.manifest().parts.iter().filter(|part| part.kind == Kind::Features).count();
    assert_eq!(blocks, 8);
}

#[test]
fn a_missing_pack_says_where_it_looked() {
    let problem = PackFolder::find("no-such-pack").unwrap_err().to_string();
    assert!(problem.contains("packs/no-such-pack") && problem.contains("MTLS_LAB_PACKS"), "{problem}");
}

#[test]
fn clipart_is_small_whole_and_divided_by_title() {
    let folder = PackFolder::find("clipart").unwrap();
    let own = folder.manifest().parts.iter().filter(|part| part.pack.is_empty()).map(|part| part.bytes).sum::<usize>();
    let manifest = serde_json::to_vec(folder.manifest()).unwrap().len();
    assert!(own + manifest <= 2_500_000, "{own} + {manifest} bytes");
    // Every part loads; the encoder lies in the emoji pack.
    let pack = folder.load(folder.manifest().parts.iter().map(|part| &part.name)).unwrap();
    assert!(pack.encoder_part().is_some() && pack.projection().is_some());
    let corpus = pack.corpus(&options("clipart", &[])).unwrap();
    assert_eq!((corpus.views[0].name.as_str(), corpus.views[0].features.as_ref().unwrap().cols), ("clipart", 256));
    let credited: Vec<&str> = corpus.credits.iter().map(|credit| credit.part.as_str()).collect();
    assert_eq!(credited, ["clipart", "encoder"]);

    let held_out = corpus.items.iter().filter(|item| item.held_out).count();
    assert!((0.18..0.22).contains(&(held_out as f32 / corpus.len() as f32)), "{held_out} of {}", corpus.len());
    let (mut sides, mut folds, mut alike) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for (i, item) in corpus.items.iter().enumerate() {
        let title = item.title.to_lowercase();
        assert_eq!(*sides.entry(title.clone()).or_insert(item.held_out), item.held_out, "{title} is in both parts");
        assert_eq!(*folds.entry(title).or_insert(item.fold), item.fold);
        let first = *alike.entry(corpus.views[0].tiles.tile(i)).or_insert(i);
        assert_eq!(first, i, "{} and {} look alike", corpus.items[first].key, item.key);
        // No tag names the folder: the label would stand in the text.
        let class = &corpus.classes[item.class.unwrap() as usize];
        assert!(!corpus.query_sets[0].texts[i][0].split(", ").skip(1).any(|tag| tag == class), "{}", item.key);
        assert!(!["people/stripper", "shapes/stars", "flags/"].iter().any(|left_out| item.key.contains(left_out)));
    }
    for fold in 0..5 {
        let share = corpus.items.iter().filter(|item| item.fold == Some(fold)).count() as f32 / corpus.len() as f32;
        assert!((0.18..0.22).contains(&share), "fold {fold}: {share}");
    }
}
