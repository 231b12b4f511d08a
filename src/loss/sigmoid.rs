//! SigLIP: every pair of the batch is a question of its own, match or not.
//!
//! `1/B sum_ij softplus(-z_ij (S_ij / T + b))`, `z_ij = 1` on the diagonal and `-1` elsewhere; `T` and `b` are learned.
//!
//! Source: Zhai et al. 2023 (Sigmoid Loss for Language Image Pre-Training), equation 1.

use super::{identity, softplus};
use crate::tensor::{Mask, Tensor};

/// `s`: `[B, B]`; `scale`, `bias`: `[1, 1]`. A `known` match off the diagonal is no question.
pub fn sigmoid(s: Tensor<2>, scale: Tensor<2>, bias: Tensor<2>, known: Option<Mask>) -> Tensor<1> {
    let [b, _] = s.dims();
    let z = identity(b, &s.device()).mul_scalar(2.0).sub_scalar(1.0);
    let mut each = softplus((s * scale + bias) * z.mul_scalar(-1.0));
    if let Some(known) = known {
        each = each.mask_fill(&known, 0.0);
    }
    each.sum().div_scalar(b as f32)
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradient, noise, tensor, value};
    use super::*;
    use crate::tensor::Device;

    fn of(b: usize, s: &[f32], scale: f32, bias: f32) -> f32 {
        value(sigmoid(tensor(b, b, s), tensor(1, 1, &[scale]), tensor(1, 1, &[bias]), None))
    }

    #[test]
    fn by_hand() {
        // S = [[1, 0], [0, 1]], scale 2, bias -1: matches have logit 1, the others -1: all four terms log(1 + e^-1).
        let expected = 4.0 * (1.0f32 + (-1.0f32).exp()).ln() / 2.0;
        assert!((of(2, &[1.0, 0.0, 0.0, 1.0], 2.0, -1.0) - expected).abs() < 1e-6);
    }

    #[test]
    fn a_known_match_is_no_question() {
        let known = Mask::new(vec![false, true, true, false], [2, 2], &Device::Cpu);
        let all = sigmoid(tensor(2, 2, &[0.0; 4]), tensor(1, 1, &[1.0]), tensor(1, 1, &[0.0]), Some(known));
        assert!((value(all) - 2f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let s = noise(16, 3);
        let one = |x: f32| tensor(1, 1, &[x]);
        gradient(4, 4, &s, |s| sigmoid(s, one(3.0), one(-1.0), None));
        gradient(1, 1, &[3.0], |scale| sigmoid(tensor(4, 4, &s), scale, one(-1.0), None));
        gradient(1, 1, &[-1.0], |bias| sigmoid(tensor(4, 4, &s), one(3.0), bias, None));
    }

    #[test]
    fn duplicates_and_extremes_stay_finite() {
        assert!(of(4, &[1.0; 16], 100.0, -10.0).is_finite());
        assert!(of(4, &[-1.0; 16], 100.0, 10.0).is_finite());
    }
}
