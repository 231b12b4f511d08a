//! Transfer over all triplets by `shaders/triplets.wgsl`, inside burn's graph; the oracle is the plain B^3 tensor.

use super::{Shader, WORKGROUP, buffer, empty, launch, numbers, taught_by, with_sums};
use crate::config::{Control, Form, TransferConfig};
use crate::tensor::Tensor;
use burn_wgpu::into_contiguous;

struct Triplets;

impl Shader for Triplets {
    const TEXT: &'static str = include_str!("../../shaders/triplets.wgsl");
}

/// [`Tensor::all_triplets`] of tables on the GPU.
pub fn all(student: Tensor<2>, teacher: &Tensor<2>, config: &TransferConfig) -> Tensor<1> {
    let [b, _] = student.dims();
    let (s, t) = (into_contiguous(buffer(student.clone())), into_contiguous(buffer(teacher.clone())));
    // Who teaches itself does so by one table, and WebGPU does not bind a table that may be written twice.
    let t = if config.control == Control::SelfTeacher { t.copy() } else { t };
    let hinge = f32::from(config.form == Form::Hinge);
    let numbers = numbers([config.gamma as f32, taught_by(config), config.margin as f32, hinge], &student);

    let tiles = b.div_ceil(WORKGROUP);
    let (derivatives, sums) = (empty([b, b], &s), empty([b * tiles, 2], &s));
    launch::<Triplets>([tiles, b], &[&s, &t, &numbers, &derivatives, &sums]);
    with_sums(student, derivatives, sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shader_is_valid() {
        crate::gpu::validates::<Triplets>();
    }
}
