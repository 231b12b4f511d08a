//! Cross-entropy of a batch by `shaders/cross_entropy.wgsl` and `shaders/cross_entropy_gradient.wgsl`. The oracle is the same
//! loss on the CPU.

use super::{Shader, buffer, covering, empty, launch, numbers};
use crate::tensor::Tensor;
use burn::tensor::Tensor as OnGpu;
use burn_wgpu::{Wgpu, into_contiguous};

struct Loss;

impl Shader for Loss {
    const TEXT: &'static str = include_str!("../../shaders/cross_entropy.wgsl");
}

struct Gradient;

impl Shader for Gradient {
    const TEXT: &'static str = include_str!("../../shaders/cross_entropy_gradient.wgsl");
}

/// `1/2B sum_i ( -log softmax_j(l_ij)_i - log softmax_j(l_ji)_i )` of logits `[B, B]`.
pub fn cross_entropy(logits: Tensor<2>) -> Tensor<1> {
    let [b, _] = logits.dims();
    let l = into_contiguous(buffer(logits.clone()));
    let (normalisers, losses, derivatives) = (empty([2, b], &l), empty([2, b], &l), empty([b, b], &l));
    launch::<Loss>([b, 2], &[&l, &normalisers, &losses]);
    launch::<Gradient>(covering(b * b), &[&l, &normalisers, &numbers([b as f32], &logits), &derivatives]);
    let [losses, derivatives] = [losses, derivatives].map(OnGpu::<2>::from_primitive::<Wgpu>);
    let loss = losses.sum().div_scalar(2.0 * b as f32);
    logits.with_gradient(Tensor::Gpu(loss), Tensor::Gpu(derivatives))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shaders_are_valid() {
        crate::gpu::validates::<Loss>();
        crate::gpu::validates::<Gradient>();
    }
}
