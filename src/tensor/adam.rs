//! One update of AdamW (Loshchilov & Hutter 2019).

use super::{Tensor, cpu};
use mtls_kernels::Adam;

/// Weights, first and second moments after a step against `gradient`, which is multiplied by `factor` (`[1, 1]`) first.
pub fn adam(numbers: &Adam, state: [Tensor<2>; 3], gradient: Tensor<2>, factor: Option<&Tensor<2>>) -> [Tensor<2>; 3] {
    match (state, gradient) {
        ([Tensor::Cpu(w), Tensor::Cpu(m), Tensor::Cpu(v)], Tensor::Cpu(gradient)) => {
            let scale = match factor {
                Some(Tensor::Cpu(factor)) => factor.values()[0],
                _ => 1.0,
            };
            cpu::adam([w, m, v], &gradient, scale, numbers).map(Tensor::Cpu)
        }
        #[cfg(feature = "gpu")]
        (state, gradient) => crate::gpu::adam::update(numbers, state, gradient, factor),
    }
}
