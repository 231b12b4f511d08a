//! Shapes: generated scenes whose truth is known, for tests, gradients, scale runs and lessons; not for claims.
//!
//! A scene has one to three objects: [`SHAPES`] × [`COLOURS`] × two sizes × the nine fields of a 3 × 3 grid. Fields and
//! combinations of shape and colour differ within a scene. Where there are several objects exactly one is large: its
//! shape is the class, its colour the subclass. No two scenes of a corpus have the same description.
//!
//! **Held out** are the scenes that show any combination of [`HELD_OUT`] (about a fifth): the model knows red and it
//! knows triangles, but never saw a red triangle. **Family**: the combinations in the scene and which of them is large.
//! **Fold**: by the combination of the large object, shape and colour alike spread over the five.
//!
//! Scene `i` depends on the seed and on the scenes before it alone, so a shorter corpus is the beginning of a longer
//! one. Drawing uses no function that rounds differently elsewhere: the same bytes natively and in the browser.

mod captions;
mod drawing;
#[cfg(test)]
mod tests;

use super::corpus::{Corpus, Credit, Item, QuerySet, Tiles, View};
use crate::error::{Error, Result};
use crate::rng::{Purpose, Rng, stream};
use rand::Rng as _;
use sha2::{Digest, Sha256};
use std::collections::HashSet;

/// Changes with the generator: a run resumes only on the scenes it began with.
const VERSION: u32 = 1;
/// Names of the shapes; the classes.
pub const SHAPES: [&str; 6] = ["circle", "square", "triangle", "star", "ring", "cross"];
/// Names of the colours, the subclasses, with their RGB.
pub const COLOURS: [(&str, [u8; 3]); 8] = [
    ("red", [220, 30, 40]),
    ("orange", [245, 130, 20]),
    ("yellow", [245, 210, 20]),
    ("green", [40, 160, 70]),
    ("turquoise", [30, 190, 190]),
    ("blue", [35, 80, 215]),
    ("purple", [130, 50, 170]),
    ("black", [25, 25, 30]),
];
/// Combinations of shape and colour that no training scene shows: every shape and every colour is seen in others.
pub const HELD_OUT: [(usize, usize); 5] = [(2, 0), (0, 3), (3, 5), (4, 6), (5, 1)];
/// Fewer scenes leave too little on either side of the split; more do not fit into memory beside a run.
const ITEMS: std::ops::RangeInclusive<usize> = 50..=100_000;

/// How many scenes, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ShapesOptions {
    /// Scenes, 50 to 100,000.
    pub items: usize,
    /// Another seed, other scenes.
    pub seed: u64,
}

impl Default for ShapesOptions {
    fn default() -> Self {
        Self { items: 2000, seed: 1 }
    }
}

/// One object of a scene.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Object {
    shape: usize,
    colour: usize,
    large: bool,
    /// Row and column of the grid, 0-2.
    field: (usize, usize),
}

impl Object {
    fn combination(&self) -> usize {
        self.shape * COLOURS.len() + self.colour
    }
}

/// The scenes with their captions, as a corpus of one view named `drawing`.
///
/// # Errors
/// [`Error::Config`] when the number of scenes is out of range.
pub fn shapes(options: ShapesOptions) -> Result<Corpus> {
    let ShapesOptions { items: n, seed } = options;
    if !ITEMS.contains(&n) {
        return Err(Error::Config(format!("{n} shapes scenes; choose {} to {}", ITEMS.start(), ITEMS.end())));
    }
    let mut rgb = Vec::with_capacity(n * drawing::SIZE * drawing::SIZE * 3);
    let (mut items, mut queries) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let mut known = HashSet::new();
    for i in 0..n {
        let mut rng = stream(seed, Purpose::Scenes, i as u64);
        let scene = loop {
            let scene = draw_scene(&mut rng);
            if known.insert(scene.clone()) {
                break scene;
            }
        };
        drawing::draw(&scene, &mut rng, &mut rgb);
        items.push(item(i, &scene, &mut rng));
        queries.push(vec![captions::exact(&scene)]);
    }
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Ok(Corpus {
        name: if options == ShapesOptions::default() { "shapes".into() } else { format!("shapes-{n}-{seed}") },
        fingerprint: hex(&format!("shapes {VERSION} {n} {seed}")),
        items,
        views: vec![View { name: "drawing".into(), tiles: Tiles { size: drawing::SIZE, rgb }, features: None }],
        classes: names(&SHAPES),
        subclasses: names(&COLOURS.map(|(name, _)| name)),
        query_sets: vec![QuerySet { name: "en".into(), texts: queries }],
        credits: vec![Credit {
            part: "drawing".into(),
            title: "Shapes, generated".into(),
            authors: "MTLS Lab".into(),
            licence: "CC0-1.0".into(),
            source: String::new(),
        }],
        ..Corpus::default()
    })
}

/// The large object first, where there are several; then in the order drawn.
fn draw_scene(rng: &mut Rng) -> Vec<Object> {
    let count = rng.random_range(1..=3);
    let mut scene: Vec<Object> = Vec::with_capacity(count);
    while scene.len() < count {
        let large = if count == 1 { rng.random() } else { scene.is_empty() };
        let (shape, colour) = (rng.random_range(0..SHAPES.len()), rng.random_range(0..COLOURS.len()));
        let object = Object { shape, colour, large, field: (rng.random_range(0..3), rng.random_range(0..3)) };
        let taken = |o: &Object| o.field == object.field || o.combination() == object.combination();
        if !scene.iter().any(taken) {
            scene.push(object);
        }
    }
    // One order per description: the same scene told in another order is the same scene.
    scene[1..].sort_by_key(|o| o.field);
    scene
}

fn item(i: usize, scene: &[Object], rng: &mut Rng) -> Item {
    let largest = &scene[0];
    let mut others: Vec<usize> = scene[1..].iter().map(Object::combination).collect();
    others.sort_unstable();
    // A number system with one digit per object; zero: no such object.
    let digits = SHAPES.len() * COLOURS.len() + 1;
    let family = others.iter().fold(largest.combination() + 1, |family, other| family * digits + other + 1);
    Item {
        key: format!("scene-{i}"),
        title: captions::title(scene),
        captions: captions::captions(scene, rng),
        class: Some(largest.shape as u32),
        subclass: Some(largest.colour as u32),
        family: family as u32,
        fold: Some(((largest.shape + largest.colour) % 5) as u8),
        held_out: scene.iter().any(|o| HELD_OUT.contains(&(o.shape, o.colour))),
    }
}

fn hex(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
