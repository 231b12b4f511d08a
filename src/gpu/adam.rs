//! AdamW by `shaders/adam.wgsl`: one dispatch for a table of weights in place of fourteen. The oracle is the same update on the CPU.

use super::{Buffer, Shader, buffer, covering, launch, numbers};
use crate::tensor::Tensor;
use burn::tensor::Tensor as OnGpu;
use burn_wgpu::{Wgpu, into_contiguous};
use mtls_kernels::Adam;

struct Update;

impl Shader for Update {
    const TEXT: &'static str = include_str!("../../shaders/adam.wgsl");
}

/// See [`crate::tensor::adam`].
pub fn update(adam: &Adam, state: [Tensor<2>; 3], gradient: Tensor<2>, factor: Option<&Tensor<2>>) -> [Tensor<2>; 3] {
    let &Adam { rate, keep, beta, correct, epsilon } = adam;
    let n: usize = gradient.dims().iter().product();
    let values = [
        (n >> 16) as f32,
        (n & 0xffff) as f32,
        rate,
        keep,
        beta[0] as f32,
        (1.0 - beta[0]) as f32,
        beta[1] as f32,
        (1.0 - beta[1]) as f32,
        correct[0],
        correct[1],
        epsilon,
    ];
    let values = numbers(values, &gradient);
    let factor = factor.map_or_else(|| numbers([1.0], &gradient), |factor| buffer(factor.clone()));
    let gradient = into_contiguous(buffer(gradient));
    let [w, m, v] = state.map(|tensor| own(into_contiguous(buffer(tensor))));
    launch::<Update>(covering(n), &[&w, &m, &v, &gradient, &factor, &values]);
    [w, m, v].map(|moved| Tensor::Gpu(OnGpu::from_primitive::<Wgpu>(moved)))
}

/// What nobody else looks at: it moves in place.
fn own(tensor: Buffer) -> Buffer {
    if tensor.can_mut() { tensor } else { tensor.copy() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shader_is_valid() {
        crate::gpu::validates::<Update>();
    }
}
