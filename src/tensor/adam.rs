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
        (state, gradient) => by_operations(numbers, state, gradient, factor),
    }
}

#[cfg(feature = "gpu")]
fn by_operations(
    numbers: &Adam,
    [w, m, v]: [Tensor<2>; 3],
    g: Tensor<2>,
    factor: Option<&Tensor<2>>,
) -> [Tensor<2>; 3] {
    // `beta a + (1 - beta) b`
    let moved = |a: Tensor<2>, b: Tensor<2>, beta: f64| a.mul_scalar(beta as f32) + b.mul_scalar((1.0 - beta) as f32);
    let g = factor.map_or(g.clone(), |factor| g * factor.clone());
    let m = moved(m, g.clone(), numbers.beta[0]);
    let v = moved(v, g.square(), numbers.beta[1]);
    let direction = m.clone().div_scalar(numbers.correct[0])
        / v.clone().div_scalar(numbers.correct[1]).sqrt().add_scalar(numbers.epsilon);
    let w = if numbers.keep == 1.0 { w } else { w.mul_scalar(numbers.keep) };
    [w - direction.mul_scalar(numbers.rate), m, v]
}
