//! Captions of a scene: one exact description, and templates with synonyms. Everything they say is true.

use super::{COLOURS, Object, SHAPES};
use crate::rng::Rng;
use rand::Rng as _;
use rand::seq::{IndexedRandom as _, SliceRandom as _};

const SIZES: [&[&str]; 2] = [&["small", "little", "tiny"], &["large", "big", "huge"]];
/// Synonyms by number of the colour, beside its name.
const COLOUR_WORDS: [&[&str]; 8] = [
    &["red", "crimson", "scarlet"],
    &["orange"],
    &["yellow", "golden"],
    &["green", "emerald"],
    &["turquoise", "teal", "cyan"],
    &["blue", "azure"],
    &["purple", "violet"],
    &["black"],
];
const SHAPE_WORDS: [&[&str]; 6] =
    [&["circle", "disc"], &["square", "box"], &["triangle"], &["star"], &["ring", "hoop"], &["cross", "plus sign"]];
/// By row and column of the grid.
const PLACES: [[[&str; 2]; 3]; 3] = [
    [
        ["at the top left", "in the upper left corner"],
        ["at the top", "at the upper edge"],
        ["at the top right", "in the upper right corner"],
    ],
    [["on the left", "at the left edge"], ["in the middle", "in the centre"], ["on the right", "at the right edge"]],
    [
        ["at the bottom left", "in the lower left corner"],
        ["at the bottom", "at the lower edge"],
        ["at the bottom right", "in the lower right corner"],
    ],
];

/// The scene in full, in the plainest words, the largest object first.
pub(super) fn exact(scene: &[Object]) -> String {
    let says = |o: &Object| format!("a {} {}", title(std::slice::from_ref(o)), PLACES[o.field.0][o.field.1][0]);
    scene.iter().map(says).collect::<Vec<_>>().join(" and ")
}

/// The objects without their places.
pub(super) fn title(scene: &[Object]) -> String {
    let says = |o: &Object| format!("{} {} {}", SIZES[usize::from(o.large)][0], COLOURS[o.colour].0, SHAPES[o.shape]);
    scene.iter().map(says).collect::<Vec<_>>().join(", ")
}

/// What is trained on: the exact description; places in other words; how one object stands to the others, twice; the
/// objects alone.
pub(super) fn captions(scene: &[Object], rng: &mut Rng) -> Vec<String> {
    let mut order = scene.to_vec();
    order.shuffle(rng);
    let placed: Vec<String> = order
        .iter()
        .map(|o| {
            format!("{} {}", object(o, true, rng), PLACES[o.field.0][o.field.1][usize::from(rng.random::<bool>())])
        })
        .collect();
    let alone: Vec<String> = order.iter().map(|o| object(o, false, rng)).collect();
    let mut captions = vec![exact(scene), placed.join(" and "), alone.join(" and ")];
    for _ in 0..2 {
        order.shuffle(rng);
        captions.push(related(&order, rng));
    }
    captions
}

/// "a small red circle above a blue square and left of a ring".
fn related(order: &[Object], rng: &mut Rng) -> String {
    let (first, others) = (order[0], &order[1..]);
    let first_words = object(&first, true, rng);
    if others.is_empty() {
        return format!("there is {first_words}");
    }
    let relations: Vec<String> =
        others.iter().map(|o| format!("{} {}", relation(&first, o, rng), object(o, true, rng))).collect();
    format!("{first_words} {}", relations.join(" and "))
}

/// Where `a` stands seen from `b`: one of the true ways to say it.
fn relation(a: &Object, b: &Object, rng: &mut Rng) -> &'static str {
    let ((a_row, a_column), (b_row, b_column)) = (a.field, b.field);
    let mut ways: Vec<&[&str]> = Vec::new();
    if a_row != b_row {
        ways.push(if a_row < b_row { &["above", "over"] } else { &["below", "under"] });
    }
    if a_column != b_column {
        ways.push(if a_column < b_column { &["left of", "to the left of"] } else { &["right of", "to the right of"] });
    }
    pick(pick(&ways, rng), rng)
}

fn object(o: &Object, sized: bool, rng: &mut Rng) -> String {
    let size = if sized { pick(SIZES[usize::from(o.large)], rng) } else { "" };
    let words = [size, pick(COLOUR_WORDS[o.colour], rng), pick(SHAPE_WORDS[o.shape], rng)];
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let article = if words[0].starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {}", words.join(" "))
}

/// `options` is never empty: they are the tables above.
fn pick<T: Copy + Default>(options: &[T], rng: &mut Rng) -> T {
    options.choose(rng).copied().unwrap_or_default()
}
