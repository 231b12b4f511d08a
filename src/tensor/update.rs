//! What an update of the weights takes: AdamW (Loshchilov & Hutter 2019), and the gradient's norm.

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

/// The sum of all squares of all these, `[1, 1]`; no gradient passes.
pub fn square_sum(tables: &[Tensor<2>]) -> Tensor<2> {
    #[cfg(feature = "gpu")]
    if let Some(Tensor::Gpu(_)) = tables.first() {
        return crate::gpu::norm::square_sum(tables);
    }
    let sum = |table: &Tensor<2>| match table {
        Tensor::Cpu(table) => table.square_sum(),
        #[cfg(feature = "gpu")]
        Tensor::Gpu(_) => unreachable!("operands live on one device"),
    };
    Tensor::Cpu(cpu::Array::new(vec![tables.iter().map(sum).sum::<f64>() as f32], [1, 1]))
}
