//! A corpus: items (concepts, or pictures of one's own) with their captions, pictures and labels.
//!
//! Shapes: `N` items, `V` views (drawing styles; own data has one). Every table is indexed by the *original* item
//! index, everywhere and always: nothing is ever joined by position after filtering.

use crate::error::{Error, Result};
use crate::features::pca::Pca;
use crate::matrix::Matrix;
use serde::{Deserialize, Serialize};

/// Pictures and texts that belong together.
#[derive(Debug, Clone, Default)]
pub struct Corpus {
    /// Short name, e.g. `emoji-4`.
    pub name: String,
    /// SHA-256 (hex) of what the corpus was made from: a run resumes only on the data it began with.
    pub fingerprint: String,
    /// `N` items.
    pub items: Vec<Item>,
    /// `V >= 1` views.
    pub views: Vec<View>,
    /// Class names (cluster labels); empty when the data has none.
    pub classes: Vec<String>,
    /// Finer class names; empty when the data has none.
    pub subclasses: Vec<String>,
    /// Query texts per item, one set per language or source; the first is the one the metrics are reported on.
    pub query_sets: Vec<QuerySet>,
    /// From the encoder's features to those of the views; none where they came from elsewhere, or are in the pack.
    pub projection: Option<Pca>,
    /// Who made the pictures and texts.
    pub credits: Vec<Credit>,
    /// Rows of the source that could not be used, each with its reason.
    pub problems: Vec<RowProblem>,
}

/// One item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Stable name: code points (`1f34e`) or file name.
    pub key: String,
    /// Human title for lists and alternative texts.
    pub title: String,
    /// Training captions, at least one; one is sampled per step.
    pub captions: Vec<String>,
    /// Index into [`Corpus::classes`].
    pub class: Option<u32>,
    /// Index into [`Corpus::subclasses`].
    pub subclass: Option<u32>,
    /// Items of one family (near-identical drawings or names) never stand on both sides of a split.
    pub family: u32,
    /// Family fold (0-4) for cross-validation, where the data brings one.
    pub fold: Option<u8>,
    /// In the held-out part of the `concept` split.
    pub held_out: bool,
}

/// One picture per item, in one style.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// Style name, e.g. `noto`.
    pub name: String,
    /// The pictures.
    pub tiles: Tiles,
    /// Features that came with the data, `[N, d]`.
    pub features: Option<Matrix>,
}

/// `N` square RGB thumbnails, one after the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Tiles {
    /// Side in pixels.
    pub size: usize,
    /// `N * size * size * 3` bytes, RGB on white.
    pub rgb: Vec<u8>,
}

impl Tiles {
    /// Number of tiles.
    pub fn len(&self) -> usize {
        if self.size == 0 { 0 } else { self.rgb.len() / (self.size * self.size * 3) }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How the tiles lie side by side, row by row, on pages of at most [`MOST_ATLAS`] pixels a side: one page as square
    /// as whole tiles allow; where one is too small, pages that are full but for the last. Where two are too small, each
    /// tile is drawn at half its side (and so on): a tab has to hold every page several times.
    pub fn sheet(&self) -> Sheet {
        let (n, mut size) = (self.len(), self.size.clamp(1, MOST_ATLAS));
        let fits = |size: usize| (MOST_ATLAS / size).pow(2);
        while n > MOST_PAGES * fits(size) && size > 1 {
            size = size.div_ceil(2);
        }
        let columns = ((n as f64).sqrt().ceil() as usize).clamp(1, MOST_ATLAS / size);
        let per_page = if n > fits(size) { fits(size) } else { n.max(1) };
        Sheet { size, columns, per_page, pages: n.div_ceil(per_page) }
    }

    /// A page of the sheet; a page that there is not is empty.
    pub fn page(&self, page: usize) -> Atlas {
        let Sheet { size, columns, per_page, .. } = self.sheet();
        let first = (page * per_page).min(self.len());
        let count = per_page.min(self.len() - first);
        let (width, height) = (columns * size, count.div_ceil(columns) * size);
        let mut rgba = vec![0; width * height * 4];
        for i in 0..count {
            let (left, top) = ((i % columns) * size, (i / columns) * size);
            let tile = self.tile(first + i);
            let smaller = (size < self.size).then(|| area_mean(tile, self.size, size, size));
            for (y, line) in smaller.as_deref().unwrap_or(tile).chunks_exact(size * 3).enumerate() {
                let start = ((top + y) * width + left) * 4;
                let out = rgba[start..start + size * 4].chunks_exact_mut(4);
                out.zip(line.chunks_exact(3)).for_each(|(o, p)| o.copy_from_slice(&[p[0], p[1], p[2], 255]));
            }
        }
        Atlas { width, height, rgba }
    }

    /// The pixels of tile `i`, `size * size * 3` bytes.
    pub fn tile(&self, i: usize) -> &[u8] {
        let n = self.size * self.size * 3;
        &self.rgb[i * n..(i + 1) * n]
    }
}

/// Side of an atlas in pixels that every browser takes as a texture.
pub const MOST_ATLAS: usize = 4096;
/// Pages at the full size of tiles.
const MOST_PAGES: usize = 2;

/// Mean colours of `width × height` fields of a tile, RGB.
pub(super) fn area_mean(tile: &[u8], size: usize, width: usize, height: usize) -> Vec<u8> {
    let bounds = |n: usize, of: usize| (n * size / of, ((n + 1) * size / of).max(n * size / of + 1).min(size));
    let mut out = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            let ((left, right), (top, bottom)) = (bounds(x, width), bounds(y, height));
            let mut sum = [0u32; 3];
            for row in top..bottom {
                for pixel in tile[(row * size + left) * 3..(row * size + right) * 3].chunks_exact(3) {
                    sum.iter_mut().zip(pixel).for_each(|(s, p)| *s += u32::from(*p));
                }
            }
            let count = ((right - left) * (bottom - top)) as u32;
            out.extend(sum.map(|s| ((s + count / 2) / count) as u8));
        }
    }
    out
}

/// Where the tiles lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Sheet {
    /// Side of a tile on it, in pixels.
    pub size: usize,
    /// Tiles in a row.
    pub columns: usize,
    /// Tiles on a page; tile `i` is tile `i % per_page` of page `i / per_page`.
    pub per_page: usize,
    /// Pages.
    pub pages: usize,
}

/// A page of tiles as one picture.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Atlas {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// `width * height * 4` bytes.
    pub rgba: Vec<u8>,
}

/// Evaluation texts: `texts[item]` holds at least one text per item, or none where the set does not cover the item.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct QuerySet {
    /// Language tag or source, e.g. `en`, `de`, `emojilib`.
    pub name: String,
    /// `N` lists of texts.
    pub texts: Vec<Vec<String>>,
}

/// Attribution of one part of the data, shown wherever the pictures are seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// What it covers (a view, the texts, the encoder).
    pub part: String,
    /// Title of the work.
    pub title: String,
    /// Authors.
    pub authors: String,
    /// SPDX licence identifier.
    pub licence: String,
    /// Where it comes from.
    pub source: String,
}

/// A row of a user's data that could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowProblem {
    /// Row number in the source file, counted from 1 (the header is row 1 of a CSV file).
    pub row: usize,
    /// The file the row names, if any.
    pub file: String,
    /// What is wrong and what to do.
    pub problem: String,
}

impl Corpus {
    /// The query texts of `items`, and for each the row of its item among them.
    ///
    /// # Errors
    /// The data has no query texts.
    pub fn queries_of(&self, items: &[usize]) -> Result<(Vec<&str>, Vec<usize>)> {
        let first = self.query_sets.first().ok_or_else(|| Error::Data("the data has no query texts".to_owned()))?;
        let items = items.iter().enumerate();
        Ok(items.flat_map(|(row, &item)| first.texts[item].iter().map(move |text| (text.as_str(), row))).unzip())
    }

    /// Number of items.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tiles of one colour each, which says their number.
    fn numbered(n: usize, size: usize) -> Tiles {
        let colour = |i: usize| [(i >> 16) as u8, (i >> 8) as u8, i as u8];
        Tiles { size, rgb: (0..n).flat_map(|i| colour(i).repeat(size * size)).collect() }
    }

    #[test]
    fn every_tile_lies_where_the_sheet_says() {
        // A few; exactly a page; one more; more than two pages of full size.
        for (n, size, wanted) in
            [(5, 64, (64, 1)), (4096, 64, (64, 1)), (4097, 64, (64, 2)), (8193, 64, (32, 1)), (0, 64, (64, 0))]
        {
            let tiles = numbered(n, size);
            let sheet = tiles.sheet();
            assert_eq!((sheet.size, sheet.pages), wanted, "{n}");
            let pages: Vec<Atlas> = (0..sheet.pages).map(|page| tiles.page(page)).collect();
            assert!(pages.iter().all(|page| page.width <= MOST_ATLAS && page.height <= MOST_ATLAS), "{n}");
            for i in 0..n {
                let (page, at) = (&pages[i / sheet.per_page], i % sheet.per_page);
                for corner in [0, sheet.size - 1] {
                    let (x, y) = (at % sheet.columns * sheet.size + corner, at / sheet.columns * sheet.size + corner);
                    let pixel = &page.rgba[(y * page.width + x) * 4..][..4];
                    assert_eq!(pixel, [(i >> 16) as u8, (i >> 8) as u8, i as u8, 255], "{i} of {n}");
                }
            }
        }
    }
}
