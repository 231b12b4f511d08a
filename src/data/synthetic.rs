//! A small generated corpus with a known truth: coloured squares and discs at four places, with captions in words.
//!
//! For the device self-test, tests and gradients; never for claims.

use super::corpus::{Corpus, Item, QuerySet, Tiles, View};
use crate::rng::{Purpose, stream};
use rand::Rng as _;

const COLOURS: [(&str, [u8; 3]); 4] =
    [("red", [214, 40, 40]), ("green", [42, 157, 80]), ("blue", [38, 84, 214]), ("yellow", [244, 200, 20])];
const SHAPES: [&str; 2] = ["square", "disc"];
const PLACES: [(&str, usize, usize); 4] =
    [("top left", 4, 4), ("top right", 36, 4), ("bottom left", 4, 36), ("bottom right", 36, 36)];
/// Side of a tile.
const SIZE: usize = 64;
/// Every fifth item is held out.
const HELD_OUT_EVERY: usize = 5;

/// `n` items; the same `(n, seed)` gives the same corpus.
pub fn corpus(n: usize, seed: u64) -> Corpus {
    let mut rng = stream(seed, Purpose::Split, n as u64);
    let mut rgb = Vec::with_capacity(n * SIZE * SIZE * 3);
    let mut items = Vec::with_capacity(n);
    for i in 0..n {
        let (colour, shape, place) = (i % 4, (i / 4) % 2, (i / 8) % 4);
        let (name, value) = COLOURS[colour];
        let (place_name, left, top) = PLACES[place];
        let (dx, dy) = (rng.random_range(0..4), rng.random_range(0..4));
        for y in 0..SIZE {
            for x in 0..SIZE {
                let (u, v) = (x as i32 - (left + dx) as i32, y as i32 - (top + dy) as i32);
                let square = (0..20).contains(&u) && (0..20).contains(&v);
                let disc = (u - 10).pow(2) + (v - 10).pow(2) <= 100;
                let inside = if shape == 0 { square } else { disc };
                rgb.extend(if inside { value } else { [255; 3] });
            }
        }
        let title = format!("{name} {} {place_name} {i}", SHAPES[shape]);
        items.push(Item {
            key: format!("shape-{i}"),
            captions: vec![title.clone(), format!("a {name} {} at the {place_name}", SHAPES[shape])],
            title,
            class: Some(colour as u32),
            family: i as u32,
            held_out: i % HELD_OUT_EVERY == HELD_OUT_EVERY - 1,
            ..Default::default()
        });
    }
    Corpus {
        name: "synthetic".into(),
        fingerprint: format!("synthetic-{n}-{seed}"),
        query_sets: vec![QuerySet { name: "en".into(), texts: items.iter().map(|i| vec![i.title.clone()]).collect() }],
        items,
        views: vec![View { name: "drawing".into(), tiles: Tiles { size: SIZE, rgb }, features: None }],
        classes: COLOURS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        ..Default::default()
    }
}
