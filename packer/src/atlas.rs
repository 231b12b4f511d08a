//! Atlases: tiles side by side in one palette PNG, as small as it gets without dithering.

use mtls_lab::error::{Error, Result};
use oxipng::{BitDepth, ColorType, Deflater, FilterStrategy, Options, RGBA8, RawImage};
use quantette::deps::palette::Srgb;
use quantette::{ImageRef, Pipeline, QuantizeMethod};

/// Side of a tile.
pub const TILE: usize = 64;
/// Tiles per row.
pub const COLUMNS: usize = 40;

/// A PNG of `tiles` (each `TILE * TILE * 3` RGB bytes), row by row; the rest of the last row is white.
pub fn png(tiles: &[Vec<u8>]) -> Result<Vec<u8>> {
    let (width, height) = (COLUMNS * TILE, tiles.len().div_ceil(COLUMNS) * TILE);
    let mut pixels = vec![Srgb::new(255u8, 255, 255); width * height];
    for (i, tile) in tiles.iter().enumerate() {
        let corner = i / COLUMNS * TILE * width + i % COLUMNS * TILE;
        for (y, row) in tile.chunks_exact(TILE * 3).enumerate() {
            for (to, from) in pixels[corner + y * width..].iter_mut().zip(row.as_chunks::<3>().0) {
                *to = Srgb::new(from[0], from[1], from[2]);
            }
        }
    }
    let (columns, rows) = (width as u32, height as u32);
    let failed = |problem: String| Error::Data(format!("atlas: {problem}"));
    let image = ImageRef::new(columns, rows, &pixels[..]).map_err(|error| failed(error.to_string()))?;
    // One thread: the parallel quantiser's palette depends on how the work was divided.
    let (palette, indices) = Pipeline::new()
        .quantize_method(QuantizeMethod::kmeans())
        .ditherer(None)
        .parallel(false)
        .input_image(image)
        .output_srgb8_indexed_image()
        .into_parts();
    let palette = palette.iter().map(|colour| {
        // The background stays exactly white.
        let white = [colour.red, colour.green, colour.blue].iter().all(|channel| *channel >= 253);
        if white { RGBA8::new(255, 255, 255, 255) } else { RGBA8::new(colour.red, colour.green, colour.blue, 255) }
    });
    let colours = ColorType::Indexed { palette: palette.collect() };
    let raw =
        RawImage::new(columns, rows, colours, BitDepth::Eight, indices).map_err(|error| failed(error.to_string()))?;
    let mut options = Options::from_preset(4);
    options.filters = [FilterStrategy::NONE].into_iter().collect();
    options.deflater = Deflater::Zopfli(Default::default());
    raw.create_optimized_png(&options).map_err(|error| failed(error.to_string()))
}
