//! The convolutional stem of the image tower: `[B, 3 * 64 * 64]` pixels to `[B, 1024]` features, trained with the tower.
//!
//! Three convolutions of 3 x 3 with stride 2 and a ReLU each (3 -> 16 -> 32 -> 64 channels), then means over a 4 x 4 grid.
//! Small on purpose: 24,000 weights, for a few thousand pictures.

use super::weights::Weights;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::rng::Rng;
use crate::tensor::{Tensor, Window};
use rand::Rng as _;
use std::collections::BTreeMap;

/// Side of the pictures.
pub const SIDE: usize = 64;
const CHANNELS: [usize; 4] = [3, 16, 32, 64];
const KERNEL: usize = 3;
/// Side of what is left after three halvings, and of the pooled grid.
const LAST_SIDE: usize = SIDE / 8;
const GRID: usize = 4;
/// Columns of the result.
pub const OUTPUT: usize = CHANNELS[3] * GRID * GRID;

/// Fresh weights, `image/stem/N/weight [out, in * 9]` and `.../bias [1, out]`.
pub fn init(rng: &mut Rng) -> BTreeMap<String, Matrix> {
    let mut weights = BTreeMap::new();
    for (n, pair) in CHANNELS.windows(2).enumerate() {
        let (inputs, outputs) = (pair[0] * KERNEL * KERNEL, pair[1]);
        // He et al. 2015, for a ReLU.
        let bound = (6.0 / inputs as f32).sqrt();
        let data = (0..outputs * inputs).map(|_| rng.random_range(-bound..bound)).collect();
        weights.insert(name(n, "weight"), Matrix { rows: outputs, cols: inputs, data });
        weights.insert(name(n, "bias"), Matrix::zeros(1, outputs));
    }
    weights
}

fn name(layer: usize, what: &str) -> String {
    format!("image/stem/{layer}/{what}")
}

/// Features of pixels `[B, 64 * 64 * 3]` (row by row, RGB interleaved), `[B, 1024]`.
pub fn features(weights: &Weights, pixels: Tensor<2>) -> Result<Tensor<2>> {
    let [b, _] = pixels.dims();
    let mut x = pixels.reshape([b, SIDE, SIDE, CHANNELS[0]]).permute([0, 3, 1, 2]);
    for (n, pair) in CHANNELS.windows(2).enumerate() {
        let weight = weights.get(&name(n, "weight"))?.reshape([pair[1], pair[0], KERNEL, KERNEL]);
        let bias = weights.get(&name(n, "bias"))?.reshape([pair[1]]);
        let window = Window { stride: 2, rows: (1, 1), columns: (1, 1), depthwise: false };
        x = x.conv2d(&weight, &bias, window).relu();
    }
    let cell = LAST_SIDE / GRID;
    // The mean of every cell: the axes inside a cell are split off and averaged.
    let cells = x.reshape([b * CHANNELS[3], GRID, cell, GRID, cell]).mean_dim(4).mean_dim(2);
    Ok(cells.reshape([b, OUTPUT]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::check::noise;
    use crate::rng::{Purpose, stream};
    use crate::tensor::Device;

    #[test]
    fn a_picture_becomes_features_and_every_weight_learns() {
        let weights = Weights::upload(init(&mut stream(1, Purpose::Init, 0)), &Device::Cpu).tracked();
        let pixels = Tensor::new(noise(2 * SIDE * SIDE * 3, 1), [2, SIDE * SIDE * 3], &Device::Cpu);
        let y = features(&weights, pixels).unwrap();
        assert_eq!(y.dims(), [2, OUTPUT]);
        let grads = y.square().sum().backward();
        for (name, leaf) in &weights.0 {
            let g = leaf.grad(&grads).unwrap_or_else(|| panic!("{name} has no gradient"));
            assert!(g.abs().sum().array()[0] > 0.0, "{name}");
        }
    }

    #[test]
    fn the_first_channel_is_red() {
        // Only the weights on the red input of the first layer are left: a green picture gives what a black one does.
        let mut matrices = init(&mut stream(1, Purpose::Init, 0));
        let first = matrices.get_mut("image/stem/0/weight").unwrap();
        first.data.iter_mut().enumerate().for_each(|(n, w)| *w *= f32::from(n % 27 < 9));
        let weights = Weights::upload(matrices, &Device::Cpu);
        let of = |rgb: [f32; 3]| {
            let pixels = Tensor::new(rgb.repeat(SIDE * SIDE), [1, SIDE * SIDE * 3], &Device::Cpu);
            features(&weights, pixels).unwrap().array()
        };
        assert_eq!(of([0.0, 1.0, 0.0]), of([0.0; 3]));
        assert_ne!(of([1.0, 0.0, 0.0]), of([0.0; 3]));
    }
}
