//! One update of AdamW (Loshchilov & Hutter 2019).

use super::{Tensor, cpu};

/// The numbers of an update.
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    /// Learning rate.
    pub rate: f32,
    /// What is left of a weight before it moves: 1 without decay.
    pub keep: f32,
    /// Decay of the first and of the second moment.
    pub beta: [f64; 2],
    /// Their bias corrections, `1 - beta^t`.
    pub correct: [f32; 2],
    /// Keeps the direction finite where the second moment is zero.
    pub epsilon: f32,
}

impl Adam {
    /// Weights, first and second moments after a step against `gradient`, which is multiplied by `factor` (`[1, 1]`) first.
    pub fn update(&self, state: [Tensor<2>; 3], gradient: Tensor<2>, factor: Option<&Tensor<2>>) -> [Tensor<2>; 3] {
        match (state, gradient) {
            ([Tensor::Cpu(w), Tensor::Cpu(m), Tensor::Cpu(v)], Tensor::Cpu(gradient)) => {
                let scale = match factor {
                    Some(Tensor::Cpu(factor)) => factor.values()[0],
                    _ => 1.0,
                };
                cpu::adam([w, m, v], &gradient, scale, self).map(Tensor::Cpu)
            }
            #[cfg(feature = "gpu")]
            ([w, m, v], gradient) => self.by_operations([w, m, v], gradient, factor),
        }
    }

    #[cfg(feature = "gpu")]
    fn by_operations(&self, [w, m, v]: [Tensor<2>; 3], g: Tensor<2>, factor: Option<&Tensor<2>>) -> [Tensor<2>; 3] {
        // `beta a + (1 - beta) b`
        let moved =
            |a: Tensor<2>, b: Tensor<2>, beta: f64| a.mul_scalar(beta as f32) + b.mul_scalar((1.0 - beta) as f32);
        let g = factor.map_or(g.clone(), |factor| g * factor.clone());
        let m = moved(m, g.clone(), self.beta[0]);
        let v = moved(v, g.square(), self.beta[1]);
        let direction = m.clone().div_scalar(self.correct[0])
            / v.clone().div_scalar(self.correct[1]).sqrt().add_scalar(self.epsilon);
        let w = if self.keep == 1.0 { w } else { w.mul_scalar(self.keep) };
        [w - direction.mul_scalar(self.rate), m, v]
    }
}
