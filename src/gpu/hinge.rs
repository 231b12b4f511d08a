//! The hinge over the hardest negatives by `shaders/hinge.wgsl` and `shaders/hinge_gradient.wgsl`: two dispatches in place of
//! some sixty. The oracle is the same loss on the CPU.

use super::{Shader, buffer, covering, empty, launch, numbers};
use crate::tensor::{Mask, Tensor};
use burn::tensor::Tensor as OnGpu;
use burn_wgpu::{Wgpu, into_contiguous};

struct Choice;

impl Shader for Choice {
    const TEXT: &'static str = include_str!("../../shaders/hinge.wgsl");
}

struct Gradient;

impl Shader for Gradient {
    const TEXT: &'static str = include_str!("../../shaders/hinge_gradient.wgsl");
}

/// Of each row and each column of the scores `[B, B]` the `k` largest costs count, `weight` each; `known` as for
/// [`crate::loss::retrieval`].
pub fn hinge(scores: Tensor<2>, known: Option<&Mask>, margin: f32, k: usize, weight: f32) -> Tensor<1> {
    let [b, _] = scores.dims();
    let values = [margin, k as f32, f32::from(known.is_some()), weight, b as f32];
    let values = numbers(values, &scores);
    let known = match known {
        Some(Mask::Gpu(known)) => into_contiguous(buffer(Tensor::Gpu(known.clone().float()))),
        _ => numbers([0.0], &scores),
    };
    let s = into_contiguous(buffer(scores.clone()));
    let (chosen, derivatives) = (empty([2 * b, 4], &s), empty([b, b], &s));
    launch::<Choice>([b, 2], &[&s, &known, &values, &chosen]);
    launch::<Gradient>(covering(b * b), &[&s, &known, &values, &chosen, &derivatives]);
    let [chosen, derivatives] = [chosen, derivatives].map(OnGpu::<2>::from_primitive::<Wgpu>);
    let loss = chosen.slice([0..2 * b, 3..4]).sum().mul_scalar(weight);
    scores.with_gradient(Tensor::Gpu(loss), Tensor::Gpu(derivatives))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shaders_are_valid() {
        crate::gpu::validates::<Choice>();
        crate::gpu::validates::<Gradient>();
    }
}
