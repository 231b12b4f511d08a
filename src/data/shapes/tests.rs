use super::*;
use crate::config::DataConfig;
use crate::data::Partition;
use std::collections::BTreeSet;

fn of(items: usize, seed: u64) -> Corpus {
    shapes(ShapesOptions { items, seed }).unwrap()
}

/// Colour, shape, size and field of every object that the exact description names, read back from its words.
fn told(text: &str) -> Vec<Object> {
    let fields = [
        ("at the top left", (0, 0)),
        ("at the top right", (0, 2)),
        ("at the top", (0, 1)),
        ("on the left", (1, 0)),
        ("in the middle", (1, 1)),
        ("on the right", (1, 2)),
        ("at the bottom left", (2, 0)),
        ("at the bottom right", (2, 2)),
        ("at the bottom", (2, 1)),
    ];
    let object = |part: &str| {
        let words: Vec<&str> = part.split(' ').collect();
        Object {
            large: words[1] == "large",
            colour: COLOURS.iter().position(|(name, _)| *name == words[2]).unwrap(),
            shape: SHAPES.iter().position(|name| *name == words[3]).unwrap(),
            field: fields.iter().find(|(place, _)| part.ends_with(place)).unwrap().1,
        }
    };
    text.split(" and ").map(object).collect()
}

/// Number of the nearest colour of a pixel; none for the ground.
fn seen(pixel: &[u8]) -> Option<usize> {
    let distance =
        |rgb: [u8; 3]| rgb.iter().zip(pixel).map(|(a, b)| (i32::from(*a) - i32::from(*b)).pow(2)).sum::<i32>();
    let colours = COLOURS.iter().map(|(_, rgb)| distance(*rgb)).enumerate();
    colours.min_by_key(|(_, d)| *d).filter(|(_, d)| *d < distance([255; 3])).map(|(colour, _)| colour)
}

/// Pixels of each colour in each field of the grid.
fn counts(tile: &[u8]) -> [[[usize; 8]; 3]; 3] {
    let mut counts = [[[0; 8]; 3]; 3];
    for (at, pixel) in tile.chunks(3).enumerate() {
        if let Some(colour) = seen(pixel) {
            counts[at / 64 * 3 / 64][at % 64 * 3 / 64][colour] += 1;
        }
    }
    counts
}

#[test]
fn the_pixels_show_what_the_description_says() {
    let corpus = of(400, 3);
    for (i, item) in corpus.items.iter().enumerate() {
        let text = &corpus.query_sets[0].texts[i][0];
        let objects = told(text);
        let counts = counts(corpus.views[0].tiles.tile(i));
        for (row, counts) in counts.iter().enumerate() {
            for (column, here) in counts.iter().enumerate() {
                let most = (0..8).max_by_key(|c| here[*c]).unwrap();
                match objects.iter().find(|o| o.field == (row, column)) {
                    Some(o) => assert!(most == o.colour && here[most] >= 15, "{text}: {row} {column} {here:?}"),
                    None => assert!(here[most] <= 3, "{text}: {row} {column} is to be empty: {here:?}"),
                }
            }
        }
        let area = |o: &Object| counts[o.field.0][o.field.1][o.colour];
        for o in &objects[1..] {
            assert!(objects[0].large && !o.large && area(&objects[0]) > area(o), "{text}: the first is the largest");
        }
        assert_eq!((item.class, item.subclass), (Some(objects[0].shape as u32), Some(objects[0].colour as u32)));
    }
}

#[test]
fn every_shape_has_its_own_outline() {
    // The share of its bounding square that a large shape fills, and whether its middle is filled.
    let corpus = of(600, 1);
    let mut share = [0.0; 6];
    for (shape, share) in share.iter_mut().enumerate() {
        let alone = |i: &usize| {
            let objects = told(&corpus.query_sets[0].texts[*i][0]);
            objects.len() == 1 && objects[0].large && objects[0].shape == shape
        };
        let i = (0..corpus.len()).find(alone).unwrap();
        let tile = corpus.views[0].tiles.tile(i);
        let drawn: Vec<(usize, usize)> =
            tile.chunks(3).enumerate().filter(|(_, p)| seen(p).is_some()).map(|(at, _)| (at % 64, at / 64)).collect();
        let span = |of: fn(&(usize, usize)) -> usize| {
            let (low, high) = (drawn.iter().map(of).min().unwrap(), drawn.iter().map(of).max().unwrap());
            (low, high + 1 - low)
        };
        let ((left, width), (top, height)) = (span(|p| p.0), span(|p| p.1));
        *share = drawn.len() as f32 / (width * height) as f32;
        assert_eq!(drawn.contains(&(left + width / 2, top + height / 2)), SHAPES[shape] != "ring");
    }
    // Hand-computed: π/4, 1, 1/2, star, 0.7 π/4, cross.
    for (got, want) in share.iter().zip([0.785, 1.0, 0.5, 0.41, 0.55, 0.56]) {
        assert!((got - want).abs() < 0.09, "{share:?}");
    }
}

#[test]
fn captions_say_nothing_untrue() {
    let corpus = of(300, 5);
    for (i, item) in corpus.items.iter().enumerate() {
        let objects = told(&corpus.query_sets[0].texts[i][0]);
        assert_eq!(item.captions[0], corpus.query_sets[0].texts[i][0]);
        assert_eq!(item.captions.len(), 5);
        let with = |words: &str| -> Vec<&Object> {
            let matches = |o: &&Object| words.contains(COLOURS[o.colour].0) && words.contains(SHAPES[o.shape]);
            objects.iter().filter(matches).collect()
        };
        // Relations between objects that are called by their plain names: every one must hold.
        for caption in &item.captions[3..] {
            for (words, holds) in [
                (" above ", (|a, b| a.0 < b.0) as fn((usize, usize), (usize, usize)) -> bool),
                (" under ", |a, b| a.0 > b.0),
                (" left of ", |a, b| a.1 < b.1),
                (" right of ", |a, b| a.1 > b.1),
            ] {
                for part in caption.match_indices(words) {
                    let before = caption.split_once(" and ").map_or(caption.as_str(), |(first, _)| first);
                    let first = before.split([' ']).take(4).collect::<Vec<_>>().join(" ");
                    let second = caption[part.0 + words.len()..].split(" and ").next().unwrap();
                    if let ([a], [b]) = (with(&first).as_slice(), with(second).as_slice()) {
                        assert!(holds(a.field, b.field), "{caption}: {objects:?}");
                    }
                }
            }
        }
    }
    let all = corpus.items.iter().flat_map(|item| &item.captions);
    assert!(all.clone().any(|c| c.contains(" above ")) && all.clone().any(|c| c.contains(" right of ")));
    assert!(all.clone().any(|c| c.starts_with("an orange")) && !all.clone().any(|c| c.contains("a orange")));
}

#[test]
fn held_out_combinations_are_never_trained_on() {
    let corpus = of(2000, 1);
    let partition = Partition::new(&corpus, &DataConfig::default()).unwrap();
    let shows = |i: &usize| told(&corpus.query_sets[0].texts[*i][0]).into_iter().map(|o| (o.shape, o.colour));
    let trained: BTreeSet<_> = partition.train_items.iter().flat_map(shows).collect();
    assert!(HELD_OUT.iter().all(|combination| !trained.contains(combination)));
    assert_eq!(trained.len(), SHAPES.len() * COLOURS.len() - HELD_OUT.len(), "every other combination is seen");
    assert!(partition.test_items.iter().all(|i| shows(i).any(|combination| HELD_OUT.contains(&combination))));
    // No caption of a training scene names one either.
    for &i in &partition.train_items {
        assert!(corpus.items[i].captions.iter().all(|c| !c.contains("red triangle") && !c.contains("blue star")));
    }
    let share = partition.test_items.len() as f32 / corpus.len() as f32;
    assert!((0.16..0.24).contains(&share), "{share}");
    let families = |items: &[usize]| items.iter().map(|&i| corpus.items[i].family).collect::<BTreeSet<_>>();
    assert!(families(&partition.train_items).is_disjoint(&families(&partition.test_items)));
    for fold in 0..5 {
        let config = DataConfig { fold: Some(fold), ..DataConfig::default() };
        let share = Partition::new(&corpus, &config).unwrap().test_items.len() as f32 / corpus.len() as f32;
        assert!((0.15..0.25).contains(&share), "fold {fold}: {share}");
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_a_shorter_corpus_is_a_beginning() {
    let (short, long, other) = (of(60, 7), of(90, 7), of(60, 8));
    assert_eq!(short.items, long.items[..60]);
    assert_eq!(short.query_sets[0].texts, long.query_sets[0].texts[..60]);
    let bytes = &short.views[0].tiles.rgb;
    assert_eq!(*bytes, long.views[0].tiles.rgb[..bytes.len()]);
    assert_ne!(*bytes, other.views[0].tiles.rgb);
    let fingerprints: BTreeSet<_> = [&short, &long, &other].map(|c| c.fingerprint.clone()).into();
    assert_eq!(fingerprints.len(), 3);
    let descriptions: BTreeSet<_> = long.query_sets[0].texts.iter().flatten().collect();
    assert_eq!(descriptions.len(), 90, "no two scenes have the same description");
    // Another generator is another version: raise VERSION with this number.
    let digest = hex(&format!("{:?}{}", Sha256::digest(bytes), short.items[59].captions.join("\n")));
    assert_eq!((VERSION, &digest[..16]), (1, "3e00da4478f21902"));
}

#[test]
fn sizes_out_of_range_are_refused() {
    for items in [0, 49, 100_001] {
        let error = shapes(ShapesOptions { items, seed: 1 }).unwrap_err().to_string();
        assert!(error.contains("50 to 100000"), "{error}");
    }
}
