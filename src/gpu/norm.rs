//! The sum of all squares of several tables by `shaders/squares.wgsl`: one dispatch a table, and one for the sum.

use super::{Shader, buffer, empty, launch, numbers};
use crate::tensor::Tensor;
use burn::tensor::Tensor as OnGpu;
use burn_wgpu::{Wgpu, into_contiguous};

struct Squares;

impl Shader for Squares {
    const TEXT: &'static str = include_str!("../../shaders/squares.wgsl");
}

/// Parts of a table that are summed side by side, as written in the shader.
const PARTS: usize = 64;

/// See [`crate::tensor::square_sum`].
pub fn square_sum(tables: &[Tensor<2>]) -> Tensor<2> {
    let Some(first) = tables.first() else { unreachable!("a model has weights") };
    let sums = empty([tables.len(), PARTS], &buffer(first.clone()));
    for (row, table) in tables.iter().enumerate() {
        let n: usize = table.dims().iter().product();
        let values = numbers([(n >> 16) as f32, (n & 0xffff) as f32, row as f32], table);
        launch::<Squares>([PARTS, 1], &[&into_contiguous(buffer(table.clone())), &values, &sums]);
    }
    Tensor::Gpu(OnGpu::<2>::from_primitive::<Wgpu>(sums).sum().reshape([1, 1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shader_is_valid() {
        crate::gpu::validates::<Squares>();
    }
}
