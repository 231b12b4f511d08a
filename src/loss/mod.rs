//! The terms of the objective, `L = w L_ret + lambda_v L_{t->v} + lambda_t L_{v->t}` (and, for TBNN, its own).
//!
//! Shapes: a batch of `B` pairs, embeddings `v, t: [B, d]` with unit rows, similarities `S = v t^T: [B, B]`,
//! squared distances `D = 2 - 2 e e^T: [B, B]`. Every loss is a tensor of one element, so that nothing waits for the
//! device.

mod cross_entropy;
mod hinge;
pub mod order;
pub mod retrieval;
pub mod sigmoid;
mod sigmoids;
pub mod transfer;
pub mod triplets;
pub mod within;

use crate::config::Reduce;
use crate::tensor::{Device, Tensor};

/// `log(1 + exp(z))` without overflow: `max(z, 0) + log(1 + exp(-|z|))`.
pub(crate) fn softplus<const D: usize>(z: Tensor<D>) -> Tensor<D> {
    z.clone().clamp_min(0.0) + z.abs().mul_scalar(-1.0).exp().log1p()
}

/// `[B, B]` with ones on the diagonal.
pub(crate) fn identity(size: usize, device: &Device) -> Tensor<2> {
    Tensor::eye(size, device)
}

/// The `k` largest costs of every row of `[B, B]` (0: all `B - 1`), reduced, and averaged over the rows.
pub(crate) fn hardest(cost: Tensor<2>, k: usize, reduce: Reduce) -> Tensor<1> {
    let [b, _] = cost.dims();
    let k = if k == 0 { b - 1 } else { k.min(b - 1) };
    let kept = if k < b - 1 {
        let index = cost.clone().largest(k);
        cost.gather(&index)
    } else {
        cost
    };
    let sum = kept.sum().div_scalar(b as f32);
    match reduce {
        Reduce::Sum => sum,
        Reduce::Mean => sum.div_scalar(k as f32),
    }
}

#[cfg(test)]
pub(crate) mod check {
    //! What every loss is checked with.

    use crate::tensor::{Device, Tensor};

    /// A `[rows, cols]` tensor on the CPU.
    pub fn tensor(rows: usize, cols: usize, values: &[f32]) -> Tensor<2> {
        Tensor::new(values.to_vec(), [rows, cols], &Device::Cpu)
    }

    /// The one element of a loss.
    pub fn value(loss: Tensor<1>) -> f32 {
        loss.array()[0]
    }

    /// Fixed, irregular values in (-1, 1).
    pub fn noise(n: usize, seed: u64) -> Vec<f32> {
        use rand::Rng as _;
        let mut rng = crate::rng::stream(seed, crate::rng::Purpose::Noise, 0);
        (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// Compares the gradient of `loss` at `values` with central differences.
    pub fn gradient(rows: usize, cols: usize, values: &[f32], loss: impl Fn(Tensor<2>) -> Tensor<1>) {
        let leaf = tensor(rows, cols, values).tracked();
        let grads = loss(leaf.clone()).backward();
        let exact = leaf.grad(&grads).expect("the loss depends on its input").array();
        let h = 1e-2f32;
        let mut largest = 0.0f32;
        for i in 0..values.len() {
            let at = |delta: f32| {
                let mut moved = values.to_vec();
                moved[i] += delta;
                value(loss(tensor(rows, cols, &moved)))
            };
            let numeric = (at(h) - at(-h)) / (2.0 * h);
            largest = largest.max(numeric.abs());
            assert!((numeric - exact[i]).abs() < 2e-3 + 0.02 * numeric.abs(), "entry {i}: {numeric} != {}", exact[i]);
        }
        assert!(largest > 1e-3, "the gradient is zero everywhere: the check proves nothing");
    }
}
