//! Image features computed from tiles; `x_i` of the method before the image tower.
//!
//! - [`pixels`]: `[N, 3 s²]`, area-averaged to `s × s`, `value / 255 − 0.5`.
//! - [`hog_colour`]: `[N, 1876]` = HOG 1764 + colour grid 48 + colour histogram 64, all on a 64 × 64 tile.
//!   - **HOG** (Dalal and Triggs 2005; the algorithm of scikit-image's `hog` step by step, so values are equal to it):
//!     grey = 0.2125 R + 0.7154 G + 0.0721 B; central differences `g_x, g_y`, zero at the border; magnitude
//!     `√(g_x² + g_y²)`, orientation `atan2(g_y, g_x) mod 180°`; per cell of 8 × 8 pixels the sum of magnitudes in each of 9
//!     bins of 20°, over 64 (hard bins, as there); per block of 2 × 2 cells (7 × 7 blocks, overlapping) L2-Hys: L2 with
//!     ε = 1e-5, clip at 0.2, L2 again. Order: block row, block column, cell row, cell column, bin.
//!   - **Grid**: mean RGB (0..1) of 4 × 4 fields of 16 px. Order: row, column, channel.
//!   - **Histogram**: square root of the share of pixels in each of 4 × 4 × 4 RGB cubes (the root makes a small patch of
//!     colour count beside a white ground; the distance of such vectors is Hellinger's).

use crate::data::corpus::Tiles;

use crate::matrix::Matrix;

/// Side of the tile that HOG and colour are computed on.
const SIDE: usize = 64;
/// Side of a HOG cell.
const CELL: usize = 8;
/// Cells per row and column of the tile.
const CELLS: usize = SIDE / CELL;
/// Orientation bins over 180°.
const BINS: usize = 9;
/// Cells per row and column of a block.
const BLOCK: usize = 2;
/// Blocks per row and column of the tile.
const BLOCKS: usize = CELLS - BLOCK + 1;
const HOG: usize = BLOCKS * BLOCKS * BLOCK * BLOCK * BINS;
const GRID: usize = 4;
const LEVELS: usize = 4;
/// Columns of [`hog_colour`].
pub const HOG_COLOUR_DIM: usize = HOG + GRID * GRID * 3 + LEVELS * LEVELS * LEVELS;

/// Pixels of every tile at `size × size`, centred: `[N, 3 size²]`, values in `[-0.5, 0.5]`, row by row, RGB interleaved.
pub fn pixels(tiles: &Tiles, size: usize) -> Matrix {
    let mut out = Matrix::zeros(tiles.len(), size * size * 3);
    for i in 0..tiles.len() {
        for (y, v) in out.row_mut(i).iter_mut().zip(resized(tiles.tile(i), tiles.size, size)) {
            *y = v - 0.5;
        }
    }
    out
}

/// HOG and colour of every tile, `[N, 1876]`; formula and order in the module's head.
pub fn hog_colour(tiles: &Tiles) -> Matrix {
    let mut out = Matrix::zeros(tiles.len(), HOG_COLOUR_DIM);
    for i in 0..tiles.len() {
        let rgb = resized(tiles.tile(i), tiles.size, SIDE);
        let (hog, colour) = out.row_mut(i).split_at_mut(HOG);
        let (grid, histogram) = colour.split_at_mut(GRID * GRID * 3);
        histogram_of_gradients(&rgb, hog);
        colours(&rgb, grid, histogram);
    }
    out
}

/// Area average of an RGB tile, as values 0..1: each target pixel is the mean of the source area under it.
#[inline(never)]
fn resized(rgb: &[u8], from: usize, to: usize) -> Vec<f32> {
    let scale = from as f32 / to as f32;
    // Per target index: the source pixels it covers and how much of each.
    let spans: Vec<Vec<(usize, f32)>> = (0..to)
        .map(|t| {
            let (start, end) = (t as f32 * scale, (t + 1) as f32 * scale);
            (start as usize..(end.ceil() as usize).min(from))
                .map(|s| (s, (end.min((s + 1) as f32) - start.max(s as f32)) / scale))
                .collect()
        })
        .collect();
    let mut out = vec![0.0; to * to * 3];
    for (pixel, target) in out.chunks_exact_mut(3).enumerate() {
        for &(y, weight_y) in &spans[pixel / to] {
            for &(x, weight_x) in &spans[pixel % to] {
                let source = &rgb[(y * from + x) * 3..][..3];
                for (t, s) in target.iter_mut().zip(source) {
                    *t += weight_y * weight_x * f32::from(*s) / 255.0;
                }
            }
        }
    }
    out
}

#[inline(never)] // As `dense.rs` says.
fn histogram_of_gradients(rgb: &[f32], out: &mut [f32]) {
    let grey: Vec<f32> = rgb.chunks_exact(3).map(|p| 0.2125 * p[0] + 0.7154 * p[1] + 0.0721 * p[2]).collect();
    let mut cells = [[0.0f32; BINS]; CELLS * CELLS];
    for y in 0..SIDE {
        for x in 0..SIDE {
            let at = y * SIDE + x;
            let inner = |i: usize| (1..SIDE - 1).contains(&i);
            let g_x = if inner(x) { grey[at + 1] - grey[at - 1] } else { 0.0 };
            let g_y = if inner(y) { grey[at + SIDE] - grey[at - SIDE] } else { 0.0 };
            let degrees = g_y.atan2(g_x).to_degrees().rem_euclid(180.0);
            // Rounding can make a tiny negative angle exactly 180.
            let bin = (degrees / (180.0 / BINS as f32)) as usize % BINS;
            cells[y / CELL * CELLS + x / CELL][bin] += g_x.hypot(g_y) / (CELL * CELL) as f32;
        }
    }
    for (b, block) in out.chunks_exact_mut(BLOCK * BLOCK * BINS).enumerate() {
        let (row, column) = (b / BLOCKS, b % BLOCKS);
        for (c, bins) in block.chunks_exact_mut(BINS).enumerate() {
            bins.copy_from_slice(&cells[(row + c / BLOCK) * CELLS + column + c % BLOCK]);
        }
        l2(block);
        block.iter_mut().for_each(|v| *v = v.min(0.2));
        l2(block);
    }
}

fn l2(block: &mut [f32]) {
    let norm = (block.iter().map(|v| v * v).sum::<f32>() + 1e-10).sqrt();
    block.iter_mut().for_each(|v| *v /= norm);
}

fn colours(rgb: &[f32], grid: &mut [f32], histogram: &mut [f32]) {
    const FIELD: usize = SIDE / GRID;
    for (at, pixel) in rgb.chunks_exact(3).enumerate() {
        let field = at / SIDE / FIELD * GRID + at % SIDE / FIELD;
        let mut cube = 0;
        for (channel, &v) in pixel.iter().enumerate() {
            grid[field * 3 + channel] += v / (FIELD * FIELD) as f32;
            cube = cube * LEVELS + ((v * LEVELS as f32) as usize).min(LEVELS - 1);
        }
        histogram[cube] += 1.0 / (SIDE * SIDE) as f32;
    }
    histogram.iter_mut().for_each(|v| *v = v.sqrt());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tile(size: usize, colour: impl Fn(usize, usize) -> [u8; 3]) -> Tiles {
        let rgb = (0..size * size).flat_map(|at| colour(at % size, at / size)).collect();
        Tiles { size, rgb }
    }

    #[test]
    fn pixels_average_areas() {
        let checker = tile(4, |x, y| if (x + y) % 2 == 0 { [255, 0, 51] } else { [0, 0, 51] });
        let half = pixels(&checker, 2);
        assert_eq!((half.rows, half.cols), (1, 12));
        for pixel in half.data.chunks(3) {
            for (got, want) in pixel.iter().zip([0.0, -0.5, -0.3]) {
                assert!((got - want).abs() < 1e-6, "{pixel:?}");
            }
        }
        // 3 -> 2: the first target pixel is two thirds of the first source pixel and a third of the second.
        let ramp = pixels(&tile(3, |x, _| [[0; 3], [90; 3], [255; 3]][x]), 2);
        assert!((ramp.data[0] - (30.0 / 255.0 - 0.5)).abs() < 1e-6);
        assert!((ramp.data[3] - (200.0 / 255.0 - 0.5)).abs() < 1e-6);
        // Enlarging repeats, and the same size copies.
        assert_eq!(pixels(&tile(1, |_, _| [255; 3]), 2).data, [0.5; 12]);
        assert_eq!(pixels(&ramp_tile(), 64).data[3 * 63], 63.0 * 4.0 / 255.0 - 0.5);
        assert_eq!(pixels(&Tiles::default(), 32).rows, 0);
    }

    fn ramp_tile() -> Tiles {
        tile(64, |x, _| [(x * 4) as u8; 3])
    }

    #[test]
    fn a_vertical_edge_fills_bin_zero_and_a_horizontal_one_bin_four() {
        // The edge runs between columns 19 and 20: cell column 2, in block columns 1 (its right cells) and 2 (left).
        let edge = hog_colour(&tile(64, |x, _| if x < 20 { [0; 3] } else { [255; 3] }));
        assert_eq!((edge.rows, edge.cols), (1, HOG_COLOUR_DIM));
        for (b, block) in edge.data[..HOG].chunks(BLOCK * BLOCK * BINS).enumerate() {
            for (c, cell) in block.chunks(BINS).enumerate() {
                let here = b % BLOCKS + c % BLOCK == 2;
                // Two equal non-zero values, clipped to 0.2 each, then of unit length together.
                let want = if here { 0.5f32.sqrt() } else { 0.0 };
                assert!((cell[0] - want).abs() < 1e-4 && cell[1..].iter().all(|v| *v == 0.0), "{b} {c} {cell:?}");
            }
        }
        let flat = hog_colour(&tile(64, |_, y| if y < 20 { [0; 3] } else { [255; 3] }));
        for cell in flat.data[..HOG].chunks(BINS) {
            assert!(cell.iter().enumerate().all(|(bin, v)| bin == 4 || *v == 0.0), "{cell:?}");
        }
        assert!(flat.data[..HOG].iter().any(|v| *v > 0.7));
    }

    #[test]
    fn colour_by_hand() {
        // Left half red, right half white: 0.5 of the pixels each.
        let row = hog_colour(&tile(32, |x, _| if x < 16 { [255, 0, 0] } else { [255; 3] }));
        let (grid, histogram) = row.data[HOG..].split_at(GRID * GRID * 3);
        assert!(grid.chunks(12).all(|line| {
            line.iter().zip([1, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1, 1]).all(|(g, w)| (g - w as f32).abs() < 1e-5)
        }));
        let filled: Vec<usize> = (0..64).filter(|&cube| histogram[cube] > 0.0).collect();
        assert_eq!(filled, [3 * 16, 63]);
        assert!((histogram[63] - 0.5f32.sqrt()).abs() < 1e-5);
    }

    #[test]
    fn hog_equals_scikit_image() {
        let made = tile(64, |x, y| {
            let disc = (x as i32 - 40).pow(2) + (y as i32 - 24).pow(2) < 300;
            let green = if disc { 230 } else { 2 * y + x / 3 };
            [(3 * x + y * y / 7) as u8, green as u8, (x * y / 16) as u8]
        });
        let row = hog_colour(&made);
        let golden: Vec<f32> =
            include_str!("../../tests/golden/hog.txt").lines().map(|line| line.parse().unwrap()).collect();
        assert_eq!(golden.len(), HOG);
        for (i, (got, want)) in row.data.iter().zip(&golden).enumerate() {
            assert!((got - want).abs() < 1e-4, "value {i}: {got} {want}");
        }
    }
}
