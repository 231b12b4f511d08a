//! A search page over the run's own set: one folder that any static host serves from any path, without a request to anybody
//! else.
//!
//! The pictures' and texts' embeddings come along (8 bits, a scale a row); a query's is computed in the reader's browser by
//! the same JavaScript that `examples/javascript` has.

use super::{EXPORT_VERSION, Sink, Table, tensors};
use crate::analyze::Score;
use crate::data::Tiles;
use crate::error::Result;
use crate::lab::Lab;
use serde_json::json;

/// Longest side of a sheet: what every browser can draw.
const MOST_PIXELS: usize = 4096;

/// Thumbnails side by side, row by row; tile `i` of the set is tile `i % per_sheet` of sheet `i / per_sheet`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Pixels.
    pub width: usize,
    /// Pixels.
    pub height: usize,
    /// `width * height * 3` bytes, white where there is no tile.
    pub rgb: Vec<u8>,
}

/// Tiles in a row of a sheet, and on a whole sheet.
fn grid(tiles: &Tiles) -> (usize, usize) {
    let most = (MOST_PIXELS / tiles.size.max(1)).max(1);
    let columns = ((tiles.len() as f64).sqrt().ceil() as usize).clamp(1, most);
    (columns, columns * most.min(tiles.len().div_ceil(columns)).max(1))
}

/// All sheets, one at a time.
pub fn sheets(tiles: &Tiles) -> impl Iterator<Item = Sheet> + '_ {
    let (columns, per_sheet) = grid(tiles);
    let size = tiles.size;
    (0..tiles.len()).step_by(per_sheet).map(move |first| {
        let count = per_sheet.min(tiles.len() - first);
        let (width, height) = (columns * size, count.div_ceil(columns) * size);
        let mut rgb = vec![255; width * height * 3];
        for n in 0..count {
            let (left, top) = (n % columns * size, n / columns * size);
            for (y, line) in tiles.tile(first + n).chunks_exact(size * 3).enumerate() {
                let start = ((top + y) * width + left) * 3;
                rgb[start..start + size * 3].copy_from_slice(line);
            }
        }
        Sheet { width, height, rgb }
    })
}

/// What is the same on every search page: `index.html`, `style.css` and `search.js`.
pub type PageFiles = [String; 3];

/// The folder `page/`. `pictures`: the sheets as JPEG files where the caller has a better encoder than ours; `fixed`: where it
/// brings these files.
pub async fn write(lab: &mut Lab, pictures: &[Vec<u8>], fixed: Option<&PageFiles>, sink: &mut dyn Sink) -> Result<()> {
    let table = Table::of(lab).await?;
    let session = lab.session();
    let corpus = session.corpus();
    let tiles = &corpus.views[session.partition().test_view].tiles;
    let (columns, per_sheet) = grid(tiles);
    let mut names = Vec::new();
    let mut picture = |n: usize, bytes: &[u8], sink: &mut dyn Sink| {
        names.push(format!("pictures-{n}.jpg"));
        sink.file(&format!("page/pictures-{n}.jpg"), &mut |to| to.write_all(bytes))
    };
    if pictures.is_empty() {
        for (n, sheet) in sheets(tiles).enumerate() {
            picture(n, &jpeg(&sheet)?, sink)?;
        }
    } else {
        for (n, bytes) in pictures.iter().enumerate() {
            picture(n, bytes, sink)?;
        }
    }
    tensors::text_model(session, "page/model.safetensors", sink).await?;
    tensors::index(table.image(), table.text(), "page/index.safetensors", sink)?;
    let items: Vec<_> = (table.items().iter().zip(table.texts()).enumerate())
        .map(|(i, (item, text))| json!({"key": item.key, "title": item.title, "text": text, "label": table.label(i)}))
        .collect();
    let set = json!({
        "format": "mtls-lab-page", "version": EXPORT_VERSION, "program": crate::program(), "name": corpus.name,
        "score": if session.score() == Score::Order { "order" } else { "cosine" },
        "tile": tiles.size, "columns": columns, "per_sheet": per_sheet, "sheets": names,
        "credits": corpus.credits, "items": items,
    });
    sink.file("page/set.json", &mut |to| Ok(serde_json::to_writer(to, &set)?))?;
    let own;
    let fixed = match fixed {
        Some(fixed) => fixed,
        None => {
            own = compiled_in()?;
            &own
        }
    };
    for (name, text) in ["index.html", "style.css", "search.js"].iter().zip(fixed) {
        sink.file(&format!("page/{name}"), &mut |to| to.write_all(text.as_bytes()))?;
    }
    Ok(())
}

/// The page brings them: an engine need not carry what few export.
#[cfg(not(feature = "cli"))]
fn compiled_in() -> Result<PageFiles> {
    Err(crate::error::Error::Data(
        "the page's own files are missing; they are part of the site, not of the engine".to_owned(),
    ))
}

#[cfg(feature = "cli")]
fn compiled_in() -> Result<PageFiles> {
    let library = include_str!("../../examples/javascript/mtls-lab.mjs");
    Ok([
        include_str!("page/index.html").to_owned(),
        include_str!("page/style.css").to_owned(),
        format!("{library}{}", include_str!("page/page.mjs")),
    ])
}

/// The page has an encoder of its own: ours would make its bundle larger.
#[cfg(not(feature = "cli"))]
fn jpeg(_: &Sheet) -> Result<Vec<u8>> {
    Err(crate::error::Error::Data("the page's sheets of pictures are missing; export it again".to_owned()))
}

#[cfg(feature = "cli")]
fn jpeg(sheet: &Sheet) -> Result<Vec<u8>> {
    const QUALITY: u8 = 88;
    let mut bytes = Vec::new();
    let (width, height) = (sheet.width as u32, sheet.height as u32);
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode(&sheet.rgb, width, height, image::ExtendedColorType::Rgb8)
        .map_err(|e| crate::error::Error::Image { name: "sheet of thumbnails".to_owned(), problem: e.to_string() })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiles(n: usize, size: usize) -> Tiles {
        Tiles { size, rgb: (0..n).flat_map(|i| vec![i as u8; size * size * 3]).collect() }
    }

    #[test]
    fn every_tile_lies_where_its_number_says_and_no_sheet_is_too_large() {
        // 2048 pixels a tile: two in a row, four on a sheet.
        for (n, size) in [(0, 64), (1, 64), (5, 64), (5, 2048), (3, 5000)] {
            let tiles = tiles(n, size);
            let (columns, per_sheet) = grid(&tiles);
            let all: Vec<Sheet> = sheets(&tiles).collect();
            for i in 0..n {
                let (sheet, at) = (&all[i / per_sheet], i % per_sheet);
                assert!(sheet.width.max(sheet.height) <= MOST_PIXELS.max(size));
                let pixel = (at / columns * size * sheet.width + at % columns * size) * 3;
                assert_eq!(sheet.rgb[pixel], i as u8, "tile {i} of {n}");
            }
            assert_eq!(all.len(), n.div_ceil(per_sheet));
        }
    }
}
