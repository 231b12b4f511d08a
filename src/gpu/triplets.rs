//! Transfer over all triplets by `shaders/triplets.wgsl`, inside burn's graph; the oracle is the plain B^3 tensor.

use super::{Shader, WORKGROUP, buffer, launch, numbers};
use crate::config::{Form, Order, TransferConfig};
use crate::tensor::Tensor;
use burn::tensor::Tensor as OnGpu;
use burn_wgpu::{CubeTensor, Wgpu, into_contiguous};

struct Triplets;

impl Shader for Triplets {
    const TEXT: &'static str = include_str!("../../shaders/triplets.wgsl");
}

/// [`Tensor::all_triplets`] of tables on the GPU.
pub fn all(student: Tensor<2>, teacher: &Tensor<2>, config: &TransferConfig) -> Tensor<1> {
    let [b, _] = student.dims();
    let (s, t) = (into_contiguous(buffer(student.clone())), into_contiguous(buffer(teacher.clone())));
    let tau = if config.order == Order::Soft { config.tau as f32 } else { 0.0 };
    let hinge = f32::from(config.form == Form::Hinge);
    let numbers = numbers([config.gamma as f32, tau, config.margin as f32, hinge], &student);

    let tiles = b.div_ceil(WORKGROUP);
    let empty = |shape: [usize; 2]| {
        let handle = s.client.empty(shape[0] * shape[1] * size_of::<f32>());
        CubeTensor::new_contiguous(s.client.clone(), s.device.clone(), shape.into(), handle, s.dtype)
    };
    let (derivatives, sums) = (empty([b, b]), empty([b * tiles, 2]));
    launch::<Triplets>([tiles, b], &[&s, &t, &numbers, &derivatives, &sums]);

    let [derivatives, sums] = [derivatives, sums].map(|t| Tensor::Gpu(OnGpu::<2>::from_primitive::<Wgpu>(t)));
    let mut sums = sums.sum_dim(0).split(1, 1).into_iter();
    let (Some(loss), Some(pairs)) = (sums.next(), sums.next()) else { unreachable!("two columns") };
    let each = pairs.clamp_min(1.0).recip();
    student.with_gradient((loss * each.clone()).reshape([1]), derivatives * each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shader_is_valid() {
        crate::gpu::validates::<Triplets>();
    }
}
