//! Pictures that look nearly the same: saved again, scaled, slightly cut or recoloured.
//!
//! First a difference hash (64 signs of neighbouring grey values on an 8 × 9 grid; after N. Krawetz's dHash) tells nearly
//! all pairs apart in one instruction, then the pixels at 16 × 16 confirm. `O(P²)` bit counts: 20,000 pictures are 2·10⁸.

use super::corpus::{Tiles, area_mean};

/// Differing signs, of 64, up to which the pixels are looked at.
const MOST_SIGNS: u32 = 10;
/// Mean difference of a colour value (0-255) at 16 × 16 pixels up to which two pictures are nearly the same: this share of
/// the contrast, so that two sketches on white are not, and at most [`MOST_DIFFERENCE`].
const MOST_OF_CONTRAST: f32 = 0.15;
const MOST_DIFFERENCE: f32 = 6.0;
/// Flat pictures have no contrast.
const FLAT_DIFFERENCE: f32 = 0.5;
/// Side of the small pictures.
const SMALL: usize = 16;

/// Pairs `(i, j)`, `i < j`, of tiles that look nearly the same.
pub fn near_pairs(tiles: &Tiles) -> Vec<(usize, usize)> {
    let small: Vec<Vec<u8>> = (0..tiles.len()).map(|i| area_mean(tiles.tile(i), tiles.size, SMALL, SMALL)).collect();
    let signs: Vec<u64> = (0..tiles.len()).map(|i| hash(tiles.tile(i), tiles.size)).collect();
    let limits: Vec<f32> = small.iter().map(|picture| limit(picture)).collect();
    let mut pairs = Vec::new();
    for i in 0..signs.len() {
        for j in i + 1..signs.len() {
            if (signs[i] ^ signs[j]).count_ones() <= MOST_SIGNS
                && difference(&small[i], &small[j]) <= limits[i].min(limits[j])
            {
                pairs.push((i, j));
            }
        }
    }
    pairs
}

fn difference(a: &[u8], b: &[u8]) -> f32 {
    a.iter().zip(b).map(|(x, y)| u32::from(x.abs_diff(*y))).sum::<u32>() as f32 / a.len().max(1) as f32
}

/// How far a picture may be from one that is nearly the same.
fn limit(small: &[u8]) -> f32 {
    let count = small.len().max(1) as f32;
    let mean = small.iter().map(|v| f32::from(*v)).sum::<f32>() / count;
    let contrast = small.iter().map(|v| (f32::from(*v) - mean).abs()).sum::<f32>() / count;
    (FLAT_DIFFERENCE + MOST_OF_CONTRAST * contrast).min(MOST_DIFFERENCE)
}

fn hash(tile: &[u8], size: usize) -> u64 {
    let grid = area_mean(tile, size, 9, 8);
    let grey = |x: usize, y: usize| grid[(y * 9 + x) * 3..][..3].iter().map(|p| u32::from(*p)).sum::<u32>();
    let signs = (0..64).map(|bit| u64::from(grey(bit % 8, bit / 8) < grey(bit % 8 + 1, bit / 8)) << bit);
    signs.fold(0, |all, sign| all | sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of smooth blobs, drawn from a seed.
    fn picture(seed: f32, light: f32, shift: f32) -> Vec<u8> {
        (0..64 * 64 * 3)
            .map(|i| {
                let (x, y, c) = ((i / 3 % 64) as f32 + shift, (i / 3 / 64) as f32, (i % 3) as f32);
                let wave = (x * 0.05 * (1.0 + seed) + c).sin() + (y * 0.07 * (1.3 + seed * 0.5) + seed * 2.0).cos();
                (127.0 + 50.0 * wave + light).clamp(0.0, 255.0) as u8
            })
            .collect()
    }

    #[test]
    fn a_copy_a_lighter_and_a_shifted_one_are_near_and_others_are_not() {
        let all = [
            picture(0.0, 0.0, 0.0),
            picture(1.0, 0.0, 0.0),
            picture(0.0, 4.0, 0.0),
            picture(0.0, 0.0, 1.0),
            picture(2.3, 0.0, 0.0),
        ];
        let tiles = Tiles { size: 64, rgb: all.concat() };
        assert_eq!(near_pairs(&tiles), [(0, 2), (0, 3), (2, 3)]);
        // Flat pictures have no signs: their colour tells them apart.
        let flat = [[10, 10, 10], [200, 200, 200], [10, 10, 11], [10, 10, 14]].map(|colour| colour.repeat(64 * 64));
        assert_eq!(near_pairs(&Tiles { size: 64, rgb: flat.concat() }), [(0, 2)]);
        // Two sketches: most of either is white.
        let sketch =
            |at: usize| (0..64 * 64).flat_map(|i| [if i % 64 / 3 == at { 0 } else { 255 }; 3]).collect::<Vec<u8>>();
        assert_eq!(near_pairs(&Tiles { size: 64, rgb: [sketch(3), sketch(12)].concat() }), []);
    }
}
