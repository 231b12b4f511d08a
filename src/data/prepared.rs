//! A corpus as one file: own data, read and checked once, for every worker that trains on it and for the next visit.
//!
//! A safetensors file (docs/formats.md): tiles as pages of PNG, features as they are, everything else as JSON in the
//! metadata, under a checksum.

use super::corpus::{Corpus, Item, QuerySet, Tiles, View};
use crate::error::{Error, Result};
use crate::features::pca::Pca;
use crate::matrix::Matrix;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _, ImageReader};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io::Cursor;

/// Version of the file; a reader refuses others.
pub const PREPARED_VERSION: u32 = 1;
const FORMAT: &str = "mtls-lab-data";
/// Tiles in a row and in a column of a page.
const PAGE: usize = 64;
const PROJECTION: &str = "projection";

#[derive(Serialize, Deserialize)]
struct Header {
    format: String,
    version: u32,
    name: String,
    fingerprint: String,
    items: Vec<Item>,
    classes: Vec<String>,
    subclasses: Vec<String>,
    query_sets: Vec<QuerySet>,
    credits: Vec<super::Credit>,
    views: Vec<ViewHeader>,
}

#[derive(Serialize, Deserialize)]
struct ViewHeader {
    name: String,
    tile: usize,
    pages: usize,
    features: bool,
}

/// Writes `corpus`; its problems are not part of it.
///
/// # Errors
/// Tiles that cannot be written, which does not happen on a whole corpus.
pub fn write(corpus: &Corpus) -> Result<Vec<u8>> {
    let mut parts: Vec<(String, Dtype, Vec<usize>, Vec<u8>)> = Vec::new();
    let mut views = Vec::new();
    for (v, view) in corpus.views.iter().enumerate() {
        let pages = pages(&view.tiles)?;
        views.push(ViewHeader {
            name: view.name.clone(),
            tile: view.tiles.size,
            pages: pages.len(),
            features: view.features.is_some(),
        });
        for (p, page) in pages.into_iter().enumerate() {
            parts.push((format!("view/{v}/page/{p}"), Dtype::U8, vec![page.len()], page));
        }
        if let Some(features) = &view.features {
            let bytes = features.data.iter().flat_map(|x| x.to_le_bytes()).collect();
            parts.push((format!("view/{v}/features"), Dtype::F32, vec![features.rows, features.cols], bytes));
        }
    }
    if let Some(projection) = &corpus.projection {
        let part = projection.to_part(PROJECTION)?;
        parts.push((PROJECTION.to_owned(), Dtype::U8, vec![part.len()], part));
    }
    let header = Header {
        format: FORMAT.to_owned(),
        version: PREPARED_VERSION,
        name: corpus.name.clone(),
        fingerprint: corpus.fingerprint.clone(),
        items: corpus.items.clone(),
        classes: corpus.classes.clone(),
        subclasses: corpus.subclasses.clone(),
        query_sets: corpus.query_sets.clone(),
        credits: corpus.credits.clone(),
        views,
    };
    let text = serde_json::to_string(&header).map_err(|e| Error::Data(e.to_string()))?;
    parts.sort_by(|a, b| a.0.cmp(&b.0));
    let sum = checksum(&text, parts.iter().map(|(name, _, _, bytes)| (name.as_str(), bytes.as_slice())));
    let tensors = parts
        .iter()
        .map(|(name, dtype, shape, bytes)| Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>();
    let metadata = HashMap::from([("header".to_owned(), text), ("sha256".to_owned(), sum)]);
    let bytes = tensors.and_then(|tensors| serialize(tensors, Some(metadata)));
    bytes.map_err(|e| Error::Data(format!("the data cannot be written ({e})")))
}

/// Reads what [`write()`] wrote.
///
/// # Errors
/// [`Error::Format`]: another file, another version, damaged, or tables that do not fit each other.
pub fn read(bytes: &[u8]) -> Result<Corpus> {
    let bad = |problem: &str| Error::format("data file", problem);
    let foreign = || bad("is not a data file of MTLS Lab; import the pictures again");
    let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|_| foreign())?;
    let file = SafeTensors::deserialize(bytes).map_err(|_| bad("is cut off or damaged; import the pictures again"))?;
    let entry = |name: &str| metadata.metadata().as_ref().and_then(|m| m.get(name)).ok_or_else(foreign);
    let (text, sum) = (entry("header")?, entry("sha256")?);
    let header: Header =
        serde_json::from_str(text).map_err(|e| bad(&format!("has a header that cannot be read ({e})")))?;
    if header.format != FORMAT {
        return Err(foreign());
    }
    if header.version != PREPARED_VERSION {
        return Err(bad(&format!(
            "is of version {}, this program reads {PREPARED_VERSION}; import the pictures again",
            header.version
        )));
    }
    let mut tensors = file.tensors();
    tensors.sort_by(|a, b| a.0.cmp(&b.0));
    if checksum(text, tensors.iter().map(|(name, view)| (name.as_str(), view.data()))) != *sum {
        return Err(bad("is damaged (its checksum does not fit); import the pictures again"));
    }
    let n = header.items.len();
    let tensor = |name: &str| file.tensor(name).map_err(|_| bad(&format!("lacks {name}")));
    let mut views = Vec::new();
    for (v, view) in header.views.iter().enumerate() {
        let mut tiles = Tiles { size: view.tile, rgb: Vec::with_capacity(n * view.tile * view.tile * 3) };
        for p in 0..view.pages {
            unpage(tensor(&format!("view/{v}/page/{p}"))?.data(), n - tiles.len().min(n), &mut tiles)?;
        }
        let features = match view.features {
            true => {
                let tensor = tensor(&format!("view/{v}/features"))?;
                let &[rows, cols] = tensor.shape() else { return Err(bad("has features that are no matrix")) };
                let values = tensor.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                Some(Matrix::new(rows, cols, values)?)
            }
            false => None,
        };
        if tiles.len() != n || features.as_ref().is_some_and(|m| m.rows != n) {
            return Err(bad(&format!("has {} tiles for {n} pictures", tiles.len())));
        }
        views.push(View { name: view.name.clone(), tiles, features });
    }
    let count = |index: Option<u32>, of: &[String]| index.is_none_or(|i| (i as usize) < of.len());
    let whole = header.items.iter().all(|item| {
        !item.captions.is_empty() && count(item.class, &header.classes) && count(item.subclass, &header.subclasses)
    }) && header.query_sets.iter().all(|set| set.texts.len() == n);
    if n == 0 || views.is_empty() || !whole {
        return Err(bad("has tables that do not fit each other"));
    }
    let projection = file.tensor(PROJECTION).ok().map(|part| Pca::from_part(PROJECTION, part.data())).transpose()?;
    let Header { name, fingerprint, items, classes, subclasses, query_sets, credits, .. } = header;
    Ok(Corpus {
        name,
        fingerprint,
        items,
        views,
        classes,
        subclasses,
        query_sets,
        credits,
        projection,
        problems: Vec::new(),
    })
}

fn pages(tiles: &Tiles) -> Result<Vec<Vec<u8>>> {
    let (size, line) = (tiles.size, tiles.size * 3);
    let mut pages = Vec::new();
    for first in (0..tiles.len()).step_by(PAGE * PAGE) {
        let count = (tiles.len() - first).min(PAGE * PAGE);
        let (columns, rows) = (count.min(PAGE), count.div_ceil(PAGE));
        let mut rgb = vec![255; columns * rows * size * line];
        for i in 0..count {
            let (left, top) = ((i % PAGE) * line, (i / PAGE) * size);
            for (y, source) in tiles.tile(first + i).chunks_exact(line).enumerate() {
                let start = (top + y) * columns * line + left;
                rgb[start..start + line].copy_from_slice(source);
            }
        }
        let mut png = Vec::new();
        PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive)
            .write_image(&rgb, (columns * size) as u32, (rows * size) as u32, ExtendedColorType::Rgb8)
            .map_err(|e| Error::Data(format!("thumbnails cannot be written ({e})")))?;
        pages.push(png);
    }
    Ok(pages)
}

/// Appends up to `most` tiles of a page.
fn unpage(png: &[u8], most: usize, tiles: &mut Tiles) -> Result<()> {
    let bad = |problem: String| Error::format("data file", problem);
    let image = ImageReader::with_format(Cursor::new(png), image::ImageFormat::Png).decode();
    let image = image.map_err(|e| bad(format!("has a damaged page of thumbnails ({e})")))?.into_rgb8();
    let size = tiles.size as u32;
    if size == 0 || image.width() % size != 0 || image.height() % size != 0 || image.width() > size * PAGE as u32 {
        return Err(bad(format!("has a page of {} x {} pixels", image.width(), image.height())));
    }
    let (columns, rows) = ((image.width() / size) as usize, (image.height() / size) as usize);
    let line = tiles.size * 3;
    for i in 0..(columns * rows).min(most) {
        for y in 0..tiles.size {
            let start = ((i / columns * tiles.size + y) * columns + i % columns) * line;
            tiles.rgb.extend_from_slice(&image.as_raw()[start..start + line]);
        }
    }
    Ok(())
}

fn checksum<'a>(header: &str, parts: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    hash.update(header.as_bytes());
    for (name, bytes) in parts {
        hash.update(name.as_bytes());
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    hash.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::synthetic;

    #[test]
    fn comes_back_whole_and_damage_is_refused() {
        let mut corpus = synthetic::corpus(70, 3);
        // More than one row of tiles on a page, and the last one not full.
        corpus.projection = Some(Pca::new(vec![0.5; 3], &Matrix::new(1, 3, vec![0.0, 1.0, 0.0]).unwrap()).unwrap());
        let bytes = write(&corpus).unwrap();
        let back = read(&bytes).unwrap();
        assert_eq!(
            (&back.items, &back.fingerprint, &back.classes),
            (&corpus.items, &corpus.fingerprint, &corpus.classes)
        );
        for (a, b) in back.views.iter().zip(&corpus.views) {
            assert_eq!((&a.tiles, &a.features, &a.name), (&b.tiles, &b.features, &b.name));
        }
        assert_eq!(back.projection, corpus.projection);
        for at in (0..bytes.len()).step_by(bytes.len() / 50) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            assert!(read(&flipped).is_err(), "a flipped bit at {at} of {}", bytes.len());
            assert!(read(&bytes[..at]).is_err(), "cut at {at}");
        }
    }
}
