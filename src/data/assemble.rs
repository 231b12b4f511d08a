//! From pictures and remedies to a corpus: families, split, classes, features.
//!
//! Pictures that share a caption, whose pixels are equal, or that look nearly the same form a family, and a split by
//! families never shows in training what it tests. Held out are the rows that a `split` column marks `test` or
//! `validation`, as the user wrote them; without one, a fifth of the families, the same at every reading.

use super::check::{Plan, Settled};
use super::corpus::{Corpus, Item, QuerySet, RowProblem, Tiles, View};
use super::import::{Import, TILE};
use super::metadata::Part;
use super::split::fifth_of;
use crate::error::{Error, Result};
use crate::features::encoder::ENCODER_DIM;
use crate::features::pca::Pca;
use crate::matrix::Matrix;
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// Fewer items have nothing to be told apart from, nor anything to be held out.
pub(super) const FEWEST_ITEMS: usize = 4;
/// Numbers of the encoder's features after the projection, at most.
const PROJECTED: usize = 256;
const TILE_BYTES: usize = TILE * TILE * 3;
/// Pictures that the projection is fitted on, at most.
const FITTED_ON: usize = 1_000;

/// Puts together what `plan` leaves of `import`.
///
/// # Errors
/// Fewer than four pictures with captions, or nothing to tell them apart by.
pub(super) fn corpus(import: &Import, plan: &Plan) -> Result<Corpus> {
    let settled = Settled::new(import, plan);
    let mut tiles = Tiles { size: TILE, rgb: Vec::with_capacity(settled.used.len() * TILE_BYTES) };
    settled.used.iter().for_each(|&at| tiles.rgb.extend_from_slice(import.tiles.tile(at)));
    put_together(import, &settled, tiles)
}

/// The same of an import that is not needed any more: its thumbnails are moved, not copied.
#[cfg(not(target_arch = "wasm32"))]
pub(super) fn corpus_of(mut import: Import, plan: &Plan) -> Result<Corpus> {
    let settled = Settled::new(&import, plan);
    let mut tiles = std::mem::take(&mut import.tiles);
    // They ascend: none is overwritten before it has moved.
    for (to, &from) in settled.used.iter().enumerate() {
        tiles.rgb.copy_within(from * TILE_BYTES..(from + 1) * TILE_BYTES, to * TILE_BYTES);
    }
    tiles.rgb.truncate(settled.used.len() * TILE_BYTES);
    put_together(&import, &settled, tiles)
}

/// `tiles`: of the pictures in use.
fn put_together(import: &Import, settled: &Settled, tiles: Tiles) -> Result<Corpus> {
    let name = import.name().to_owned();
    let mut problems = import.problems.clone();
    problems.sort_by_key(|p| p.row);
    if settled.used.len() < FEWEST_ITEMS {
        let first = problems.first().map_or(String::new(), |p| {
            format!("; {} rows have problems, first row {} ({}): {}", problems.len(), p.row, p.file, p.problem)
        });
        return Err(Error::Data(format!(
            "{name} has {} usable pictures with captions, at least {FEWEST_ITEMS} are needed{first}",
            settled.used.len()
        )));
    }
    let families: BTreeSet<u32> = settled.families.iter().copied().collect();
    if families.len() < 2 {
        return Err(Error::Data(format!(
            "all pictures of {name} are linked by equal captions or pixels: there is nothing to tell apart"
        )));
    }
    let labels: BTreeSet<&str> = settled.labels.iter().flatten().map(String::as_str).collect();
    let classes: Vec<String> = labels.into_iter().map(str::to_owned).collect();
    let drawn = fifth_of(&families, 0);
    let mut items = Vec::with_capacity(settled.used.len());
    for (n, &at) in settled.used.iter().enumerate() {
        let picture = &import.pictures[at];
        let family = settled.families[n];
        let label = settled.labels[n].as_ref();
        items.push(Item {
            key: picture.key.clone(),
            title: settled.captions[n][0].clone(),
            captions: settled.captions[n].clone(),
            class: label.and_then(|label| classes.binary_search(label).ok()).map(|class| class as u32),
            family,
            held_out: if settled.marked { picture.part == Some(Part::HeldOut) } else { drawn.contains(&family) },
            ..Item::default()
        });
    }
    if settled.marked {
        problems.extend(leaks(import, settled, &items));
        problems.sort_by_key(|p| p.row);
    }
    let (features, projection) = features(import, settled)?;
    let texts = items.iter().map(|item| item.captions.clone()).collect();
    Ok(Corpus {
        name,
        fingerprint: fingerprint(import, settled, &items),
        items,
        views: vec![View { name: "photo".into(), tiles, features }],
        classes,
        query_sets: vec![QuerySet { name: "captions".into(), texts }],
        projection,
        problems,
        ..Corpus::default()
    })
}

/// The user's own split stands, but equal captions or pictures on both sides of it are said.
fn leaks(import: &Import, settled: &Settled, items: &[Item]) -> Vec<RowProblem> {
    let trained: BTreeSet<u32> = items.iter().filter(|item| !item.held_out).map(|item| item.family).collect();
    let leaking = items.iter().zip(&settled.used).filter(|(item, _)| item.held_out && trained.contains(&item.family));
    leaking
        .map(|(item, &at)| RowProblem {
            row: import.pictures[at].row,
            file: item.key.clone(),
            problem: "is held out, but shares a caption or its pixels with a training picture; kept as split says"
                .into(),
        })
        .collect()
}

/// Features of the pictures in use: those that came with the data, or the encoder's on their principal components.
fn features(import: &Import, settled: &Settled) -> Result<(Option<Matrix>, Option<Pca>)> {
    let all = &import.features;
    // Not encoded, or not to the end.
    if all.rows != import.pictures() || all.rows == 0 {
        return Ok((None, None));
    }
    let own = match settled.used.len() == all.rows {
        true => Cow::Borrowed(all),
        false => Cow::Owned(all.select(settled.used.iter().copied())),
    };
    if all.cols != ENCODER_DIM {
        return Ok((Some(own.into_owned()), None));
    }
    // Spread over all pictures, which often come sorted.
    let every = own.rows.div_ceil(FITTED_ON);
    let pca = Pca::fit(&own.select((0..own.rows).step_by(every)), PROJECTED)?;
    Ok((Some(pca.project(&own)?), Some(pca)))
}

/// SHA-256 over names, file bytes, captions, labels and split, each with its length before it.
fn fingerprint(import: &Import, settled: &Settled, items: &[Item]) -> String {
    let mut hash = Sha256::new();
    let mut put = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for (n, (item, &at)) in items.iter().zip(&settled.used).enumerate() {
        put(item.key.as_bytes());
        put(&import.pictures[at].digest);
        put(&(item.captions.len() as u64).to_le_bytes());
        item.captions.iter().for_each(|caption| put(caption.as_bytes()));
        put(settled.labels[n].as_deref().unwrap_or_default().as_bytes());
        put(&[u8::from(item.held_out)]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}
