//! Drawing of a scene: 64 × 64 pixels on white, edges antialiased by 4 × 4 samples, places, sizes and colours jittered,
//! a little noise on every pixel.

use super::{COLOURS, Object};
use crate::rng::Rng;
use rand::Rng as _;

/// Side of a tile.
pub(super) const SIZE: usize = 64;
/// Side of a field of the 3 × 3 grid.
const FIELD: f32 = SIZE as f32 / 3.0;
/// Radius of small and large objects, before 5 % jitter; either fits into its field wherever jitter moves it.
const RADIUS: [f32; 2] = [5.2, 9.4];
/// Largest shift from the middle of the field, of small and large objects.
const SHIFT: [f32; 2] = [3.2, 0.6];
/// Samples per pixel and side.
const SAMPLES: usize = 4;
/// Largest change of a channel: by the object's own tint, and by the noise of every pixel. Noise leaves white light
/// enough to be taken for the ground where the page cuts it away.
const TINT: i32 = 10;
const NOISE: i32 = 6;

/// A five-pointed star of radius 1 with its tip up: sines and cosines of multiples of 36°, inner radius 0.5.
const STAR: [(f32, f32); 10] = [
    (0.0, -1.0),
    (0.293_893, -0.404_508),
    (0.951_057, -0.309_017),
    (0.475_528, 0.154_508),
    (0.587_785, 0.809_017),
    (0.0, 0.5),
    (-0.587_785, 0.809_017),
    (-0.475_528, 0.154_508),
    (-0.951_057, -0.309_017),
    (-0.293_893, -0.404_508),
];

/// Appends the `SIZE * SIZE * 3` bytes of the scene.
pub(super) fn draw(scene: &[Object], rng: &mut Rng, rgb: &mut Vec<u8>) {
    let mut tile = [[255.0f32; 3]; SIZE * SIZE];
    for object in scene {
        let size = usize::from(object.large);
        let radius = RADIUS[size] * rng.random_range(0.95..1.05);
        let mut middle = |at: usize| (at as f32 + 0.5) * FIELD + rng.random_range(-SHIFT[size]..SHIFT[size]);
        let (x, y) = (middle(object.field.1), middle(object.field.0));
        let colour = COLOURS[object.colour].1.map(|c| (i32::from(c) + rng.random_range(-TINT..=TINT)).clamp(0, 255));
        paint(&mut tile, object.shape, (x, y), radius, colour.map(|c| c as f32));
    }
    for channel in tile.iter().flatten() {
        rgb.push((channel.round() as i32 + rng.random_range(-NOISE..=NOISE)).clamp(0, 255) as u8);
    }
}

fn paint(tile: &mut [[f32; 3]], shape: usize, (x, y): (f32, f32), radius: f32, colour: [f32; 3]) {
    let pixels = |middle: f32| (middle - radius).max(0.0) as usize..((middle + radius).ceil() as usize).min(SIZE);
    for row in pixels(y) {
        for column in pixels(x) {
            let mut hits = 0;
            for sample in 0..SAMPLES * SAMPLES {
                let at = |pixel: usize, sample: usize, middle: f32| {
                    (pixel as f32 + (sample as f32 + 0.5) / SAMPLES as f32 - middle) / radius
                };
                hits += usize::from(inside(shape, at(column, sample % SAMPLES, x), at(row, sample / SAMPLES, y)));
            }
            let share = hits as f32 / (SAMPLES * SAMPLES) as f32;
            for (to, from) in tile[row * SIZE + column].iter_mut().zip(colour) {
                *to += share * (from - *to);
            }
        }
    }
}

/// Whether the point, in units of the radius from the middle (v downwards), lies in the shape of this number.
fn inside(shape: usize, u: f32, v: f32) -> bool {
    let r = u * u + v * v;
    match shape {
        0 => r <= 1.0,
        1 => u.abs().max(v.abs()) <= 0.85,
        2 => v <= 0.8 && u.abs() <= (v + 1.0) * 0.55,
        3 => {
            // Even-odd: the ray to the right crosses the outline an odd number of times.
            let edges = STAR.iter().zip(STAR.iter().cycle().skip(1));
            edges
                .filter(|((ax, ay), (bx, by))| (*ay > v) != (*by > v) && u < (bx - ax) * (v - ay) / (by - ay) + ax)
                .count()
                % 2
                == 1
        }
        4 => (0.3..=1.0).contains(&r),
        _ => u.abs().min(v.abs()) <= 0.32 && u.abs().max(v.abs()) <= 0.95,
    }
}
