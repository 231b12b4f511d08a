//! A corpus as one file: own data, read and checked once, for every worker that trains on it and for the next visit.
//!
//! A safetensors file (docs/formats.md): tiles as pages of PNG, features as they are, everything else as JSON in the
//! metadata, under a checksum.

use super::corpus::{Corpus, Item, QuerySet, Tiles, View};
use super::sheet;
use crate::error::{Error, Result};
use crate::features::pca::Pca;
use crate::matrix::Matrix;
use safetensors::tensor::{self, Dtype, SafeTensors};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;

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

/// A tensor of the file.
struct Part<'a> {
    dtype: Dtype,
    shape: Vec<usize>,
    data: Data<'a>,
}

enum Data<'a> {
    Bytes(Vec<u8>),
    /// A page that is drawn when it is asked for: all pages at once may be more than there is room for.
    #[cfg_attr(target_arch = "wasm32", expect(dead_code, reason = "a browser has no file to write to"))]
    Page(&'a Tiles, usize),
}

impl tensor::View for &Part<'_> {
    fn dtype(&self) -> Dtype {
        self.dtype
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        match &self.data {
            Data::Bytes(bytes) => Cow::Borrowed(bytes),
            // It was drawn before, for its length; that it fails now is out of the question.
            Data::Page(tiles, first) => Cow::Owned(page(tiles, *first).unwrap_or_default()),
        }
    }

    fn data_len(&self) -> usize {
        self.shape.iter().product::<usize>() * if self.dtype == Dtype::F32 { 4 } else { 1 }
    }
}

/// Writes `corpus`; its problems are not part of it.
///
/// # Errors
/// Tiles that cannot be written, which does not happen on a whole corpus.
pub fn write(corpus: &Corpus) -> Result<Vec<u8>> {
    let (parts, metadata) = parts(corpus, |_, _, page| Data::Bytes(page))?;
    let bytes = tensor::serialize(parts.iter().map(|(name, part)| (name, part)), Some(metadata));
    bytes.map_err(|e| Error::Data(format!("the data cannot be written ({e})")))
}

/// The same into a file, with no more than a page of thumbnails in memory besides the corpus.
///
/// # Errors
/// As [`write()`]; the disk is full.
#[cfg(not(target_arch = "wasm32"))]
pub fn write_file(corpus: &Corpus, path: &std::path::Path) -> Result<()> {
    let (parts, metadata) = parts(corpus, |tiles, first, _| Data::Page(tiles, first))?;
    let written = tensor::serialize_to_file(parts.iter().map(|(name, part)| (name, part)), Some(metadata), path);
    written.map_err(|e| Error::Data(format!("{} cannot be written ({e})", path.display())))
}

/// What a part is made from.
#[derive(Clone, Copy)]
enum From<'a> {
    /// The tiles of a view, from this one on.
    Page(&'a Tiles, usize),
    Features(&'a Matrix),
    Projection(&'a Pca),
}

/// All parts by name, and the metadata; `keep`: what becomes of a page.
#[expect(clippy::type_complexity, reason = "used twice, taken apart at once")]
fn parts<'a>(
    corpus: &'a Corpus,
    keep: impl Fn(&'a Tiles, usize, Vec<u8>) -> Data<'a>,
) -> Result<(Vec<(String, Part<'a>)>, HashMap<String, String>)> {
    let mut sources = Vec::new();
    let mut views = Vec::new();
    for (v, view) in corpus.views.iter().enumerate() {
        let pages = view.tiles.len().div_ceil(PAGE * PAGE);
        let (name, features) = (view.name.clone(), view.features.is_some());
        views.push(ViewHeader { name, tile: view.tiles.size, pages, features });
        sources.extend((0..pages).map(|p| (format!("view/{v}/page/{p}"), From::Page(&view.tiles, p * PAGE * PAGE))));
        sources.extend(view.features.iter().map(|m| (format!("view/{v}/features"), From::Features(m))));
    }
    sources.extend(corpus.projection.iter().map(|pca| (PROJECTION.to_owned(), From::Projection(pca))));
    sources.sort_by(|a, b| a.0.cmp(&b.0));
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
    let mut sum = Checksum::new(&text);
    let mut parts = Vec::new();
    for (name, source) in sources {
        let bytes = match source {
            From::Page(tiles, first) => page(tiles, first)?,
            From::Features(features) => features.data.iter().flat_map(|x| x.to_le_bytes()).collect(),
            From::Projection(projection) => projection.to_part(PROJECTION)?,
        };
        sum.add(&name, &bytes);
        let (dtype, shape) = match source {
            From::Features(features) => (Dtype::F32, vec![features.rows, features.cols]),
            _ => (Dtype::U8, vec![bytes.len()]),
        };
        let data = match source {
            From::Page(tiles, first) => keep(tiles, first, bytes),
            _ => Data::Bytes(bytes),
        };
        parts.push((name, Part { dtype, shape, data }));
    }
    Ok((parts, HashMap::from([("header".to_owned(), text), ("sha256".to_owned(), sum.finish())])))
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
    let mut found = Checksum::new(text);
    tensors.iter().for_each(|(name, view)| found.add(name, view.data()));
    if found.finish() != *sum {
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

/// The page whose first tile is `first`, as PNG.
fn page(tiles: &Tiles, first: usize) -> Result<Vec<u8>> {
    let (size, line) = (tiles.size, tiles.size * 3);
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
    let (width, height) = (columns * size, rows * size);
    let png = sheet::write(&sheet::Sheet { width, height, rgb });
    png.map_err(|problem| Error::Data(format!("thumbnails cannot be written ({problem})")))
}

/// Appends up to `most` tiles of a page.
fn unpage(png: &[u8], most: usize, tiles: &mut Tiles) -> Result<()> {
    let bad = |problem: String| Error::format("data file", problem);
    let size = tiles.size;
    let sheet = sheet::read(png, (size * PAGE, size * PAGE));
    let sheet = sheet.map_err(|problem| bad(format!("has a damaged page of thumbnails ({problem})")))?;
    if size == 0 || sheet.width % size != 0 || sheet.height % size != 0 {
        return Err(bad(format!("has a page of {} x {} pixels", sheet.width, sheet.height)));
    }
    let (columns, rows, line) = (sheet.width / size, sheet.height / size, size * 3);
    for i in 0..(columns * rows).min(most) {
        for y in 0..size {
            let start = ((i / columns * size + y) * columns + i % columns) * line;
            tiles.rgb.extend_from_slice(&sheet.rgb[start..start + line]);
        }
    }
    Ok(())
}

/// SHA-256 over the header and the tensors in the order of their names.
struct Checksum(Sha256);

impl Checksum {
    fn new(header: &str) -> Self {
        Self(Sha256::new_with_prefix(header))
    }

    fn add(&mut self, name: &str, bytes: &[u8]) {
        self.0.update(name);
        self.0.update((bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    fn finish(self) -> String {
        self.0.finalize().iter().map(|b| format!("{b:02x}")).collect()
    }
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
        #[cfg(not(target_arch = "wasm32"))]
        {
            let file = tempfile::NamedTempFile::new().unwrap();
            write_file(&corpus, file.path()).unwrap();
            let same = read(&std::fs::read(file.path()).unwrap()).unwrap();
            assert_eq!((&same.items, &same.views[0].tiles), (&corpus.items, &corpus.views[0].tiles));
        }
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
