//! `L_ret`: object-level alignment, pair by pair, in both directions.
//!
//! Source: hinge over the hardest negatives after Faghri et al. 2018 (VSE++; K = B - 1 with `sum` is VSE, K = 10 is
//! TBNN's); cross-entropy with a learned temperature after Radford et al. 2021 (CLIP). [`super::sigmoid`] and
//! [`super::order`] are the other forms.

use super::{order, sigmoid};
use crate::config::{Reduce, Retrieval, RetrievalConfig};
use crate::tensor::{Mask, Tensor};

/// Largest `1 / temperature`, as CLIP: beyond it one pair decides the whole step.
pub const SCALE_MAX: f32 = 100.0;
const EXCLUDED: f32 = -1e4;

/// What the retrieval loss learns besides the towers, `[1, 1]` each.
#[derive(Debug, Clone)]
pub struct Calibration {
    /// Log of the inverse temperature (InfoNCE and SigLIP).
    pub log_scale: Tensor<2>,
    /// Bias (SigLIP).
    pub bias: Tensor<2>,
}

/// The retrieval loss of a batch.
///
/// `v`, `t`: `[B, d]`, images and texts of the pairs. `known`: `[B, B]`, true where pair (i, j), i != j, is known to
/// match too: never a negative.
pub fn retrieval(
    v: Tensor<2>,
    t: Tensor<2>,
    calibration: Calibration,
    known: Option<Mask>,
    config: &RetrievalConfig,
) -> Tensor<1> {
    let Calibration { log_scale, bias } = calibration;
    let hinge = |s, known| hinge(s, known, config.margin as f32, config.negatives, config.reduce);
    match config.loss {
        Retrieval::Hinge => hinge(v.matmul_transposed(t), known),
        Retrieval::Order => hinge(order::scores(v, t), known),
        Retrieval::InfoNce => info_nce(v.matmul_transposed(t), log_scale, known),
        Retrieval::Sigmoid => sigmoid::sigmoid(v.matmul_transposed(t), scale(log_scale), bias, known),
    }
}

/// The inverse temperature, `[1, 1]`.
fn scale(log_scale: Tensor<2>) -> Tensor<2> {
    log_scale.clamp_max(SCALE_MAX.ln()).exp()
}

/// `1/B sum_i ( reduce_topK_{j != i} [m + S_ij - S_ii]_+  +  reduce_topK_{j != i} [m + S_ji - S_ii]_+ )`
///
/// `negatives = 0` takes all `B - 1`.
pub fn hinge(s: Tensor<2>, known: Option<Mask>, margin: f32, negatives: usize, reduce: Reduce) -> Tensor<1> {
    let [b, _] = s.dims();
    let k = if negatives == 0 { b - 1 } else { negatives.min(b - 1) };
    let each = if reduce == Reduce::Mean { b * k } else { b };
    let weight = 1.0 / each.max(1) as f32;
    match &s {
        Tensor::Cpu(scores) => {
            let known = known.as_ref().and_then(Mask::entries);
            let (value, gradient) = super::hinge::hinge(scores.values(), known, b, margin, k, weight);
            Tensor::Cpu(scores.clone().with_gradient(value, gradient))
        }
        #[cfg(feature = "gpu")]
        Tensor::Gpu(_) => crate::gpu::hinge::hinge(s, known.as_ref(), margin, k, weight),
    }
}

/// The same in operations of tensors: what it is tested against.
#[cfg(test)]
fn by_operations(s: Tensor<2>, known: Option<Mask>, margin: f32, negatives: usize, reduce: Reduce) -> Tensor<1> {
    let [b, _] = s.dims();
    let eye = super::identity(b, &s.device());
    let positive = (s.clone() * eye.clone()).sum_dim(1); // [B, 1]: S_ii
    let direction = |s: Tensor<2>, known: Option<Mask>| {
        let mut cost = (s - positive.clone()).add_scalar(margin).clamp_min(0.0);
        // A zero cost is what "not a negative" means to a hinge.
        cost = cost * eye.clone().mul_scalar(-1.0).add_scalar(1.0);
        if let Some(known) = known {
            cost = cost.mask_fill(&known, 0.0);
        }
        super::hardest(cost, negatives, reduce)
    };
    let turned = known
        .as_ref()
        .and_then(Mask::entries)
        .map(|entries| Mask::new((0..b * b).map(|n| entries[n % b * b + n / b]).collect(), [b, b], &s.device()));
    direction(s.clone(), known) + direction(s.transpose(), turned)
}

/// `1/2B sum_i ( -log softmax_j(S_ij / T)_i - log softmax_j(S_ji / T)_i )`
pub fn info_nce(s: Tensor<2>, log_scale: Tensor<2>, known: Option<Mask>) -> Tensor<1> {
    let [b, _] = s.dims();
    let mut logits = s * scale(log_scale);
    if let Some(known) = known {
        logits = logits.mask_fill(&known, EXCLUDED);
    }
    match &logits {
        Tensor::Cpu(values) => {
            let (value, gradient) = super::cross_entropy::cross_entropy(values.values(), b);
            Tensor::Cpu(values.clone().with_gradient(value, gradient))
        }
        #[cfg(feature = "gpu")]
        Tensor::Gpu(_) => crate::gpu::cross_entropy::cross_entropy(logits),
    }
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradient, tensor, value};
    use super::super::identity;
    use super::*;
    use rand::Rng as _;

    const S: [f32; 9] = [0.9, 0.8, 0.1, 0.2, 0.5, 0.6, 0.0, 0.3, 0.7];

    fn hinge_of(k: usize, reduce: Reduce) -> f32 {
        value(hinge(tensor(3, 3, &S), None, 0.2, k, reduce))
    }

    #[test]
    fn hinge_by_hand() {
        // Rows: [.1, 0], [0, .3], [0, 0]. Columns: [0, 0], [.5, 0], [0, .1].
        assert!((hinge_of(0, Reduce::Sum) - (0.4 + 0.6) / 3.0).abs() < 1e-6);
        assert!((hinge_of(0, Reduce::Mean) - (0.4 + 0.6) / 6.0).abs() < 1e-6);
        assert!((hinge_of(1, Reduce::Sum) - (0.4 + 0.6) / 3.0).abs() < 1e-6);
    }

    #[test]
    fn info_nce_by_hand() {
        // Two pairs, S = [[1, 0], [0, 1]], scale 1: each of the four terms is log(1 + e^-1).
        let s = tensor(2, 2, &[1.0, 0.0, 0.0, 1.0]);
        let expected = (1.0f32 + (-1.0f32).exp()).ln();
        assert!((value(info_nce(s, tensor(1, 1, &[0.0]), None)) - expected).abs() < 1e-6);
    }

    #[test]
    fn a_known_match_is_no_negative() {
        let known = [[false, true, false], [false, false, true], [false, true, false]].concat();
        let known = Mask::new(known, [3, 3], &crate::tensor::Device::Cpu);
        // Every violation of `hinge_by_hand` lies on a masked pair: (0,1), (1,2) by row, (0,1), (1,2) by column.
        assert!(value(hinge(tensor(3, 3, &S), Some(known.clone()), 0.2, 0, Reduce::Sum)).abs() < 1e-6);
        let masked = value(info_nce(tensor(3, 3, &S), tensor(1, 1, &[1.0]), Some(known)));
        assert!(masked < value(info_nce(tensor(3, 3, &S), tensor(1, 1, &[1.0]), None)));
    }

    #[test]
    fn gradients_agree_with_differences() {
        // Distinct by more than the step of the differences, also across the margin: no kink is stepped over.
        let s: Vec<f32> = (0..25).map(|n| (n * 7 % 25) as f32 * 0.08 - 1.0).collect();
        gradient(5, 5, &s, |s| hinge(s, None, 0.2, 2, Reduce::Mean));
        gradient(5, 5, &s, |s| hinge(s, None, 0.2, 0, Reduce::Sum));
        gradient(5, 5, &s, |s| info_nce(s, tensor(1, 1, &[1.5]), None));
        gradient(1, 1, &[1.5], |scale| info_nce(tensor(5, 5, &s), scale, None));
    }

    #[test]
    fn the_fused_hinge_equals_the_operations() {
        let mut rng = crate::rng::stream(3, crate::rng::Purpose::Noise, 0);
        for b in [2, 3, 9, 40] {
            let scores: Vec<f32> = (0..b * b).map(|_| rng.random_range(-1.0..1.0)).collect();
            let known = (0..b * b).map(|n| n % (b + 1) != 0 && rng.random_range(0..4) == 0).collect();
            let known = Mask::new(known, [b, b], &crate::tensor::Device::Cpu);
            for (k, reduce) in [(0, Reduce::Sum), (1, Reduce::Mean), (3, Reduce::Mean), (b, Reduce::Sum)] {
                for known in [None, Some(known.clone())] {
                    let of = |loss: &dyn Fn(Tensor<2>) -> Tensor<1>| {
                        let s = tensor(b, b, &scores).tracked();
                        let loss = loss(s.clone());
                        let gradients = loss.clone().backward();
                        let gradient = s.grad(&gradients).map(|g| pollster::block_on(g.values()).unwrap());
                        (value(loss), gradient.unwrap())
                    };
                    let (fused, by) = of(&|s| hinge(s, known.clone(), 0.2, k, reduce));
                    let (plain, by_plain) = of(&|s| by_operations(s, known.clone(), 0.2, k, reduce));
                    assert!((fused - plain).abs() < 1e-5 * (1.0 + plain.abs()), "B {b}, k {k}: {fused} {plain}");
                    for (a, b) in by.iter().zip(&by_plain) {
                        assert!((a - b).abs() < 1e-5, "k {k}: {by:?} {by_plain:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_fused_cross_entropy_equals_the_operations() {
        let mut rng = crate::rng::stream(4, crate::rng::Purpose::Noise, 0);
        let plain = |s: Tensor<2>, scale: f32, known: &Mask| {
            let [b, _] = s.dims();
            let logits = s.mul_scalar(scale).mask_fill(known, EXCLUDED);
            let log_sum_exp = |x: Tensor<2>| {
                let max = x.clone().inner().max_dim(1);
                ((x - max.clone()).exp().sum_dim(1).log() + max).sum()
            };
            let matches = (logits.clone() * identity(b, &logits.device())).sum().mul_scalar(2.0);
            (log_sum_exp(logits.clone()) + log_sum_exp(logits.transpose()) - matches).div_scalar(2.0 * b as f32)
        };
        for (b, scale) in [(1, 5.0f32), (2, 1.0), (7, 14.0), (40, 100.0), (130, 20.0)] {
            let scores: Vec<f32> = (0..b * b).map(|_| rng.random_range(-1.0..1.0)).collect();
            let known = (0..b * b).map(|n| n % (b + 1) != 0 && rng.random_range(0..4) == 0).collect();
            let known = Mask::new(known, [b, b], &crate::tensor::Device::Cpu);
            let of = |loss: &dyn Fn(Tensor<2>) -> Tensor<1>| {
                let s = tensor(b, b, &scores).tracked();
                let loss = loss(s.clone());
                let gradient = s.grad(&loss.clone().backward()).expect("it depends on the scores").array();
                (value(loss), gradient)
            };
            let (fused, by) = of(&|s| info_nce(s, tensor(1, 1, &[scale.ln()]), Some(known.clone())));
            let (expected, by_plain) = of(&|s| plain(s, scale, &known));
            assert!((fused - expected).abs() < 1e-5 * (1.0 + expected.abs()), "B {b}: {fused} {expected}");
            let largest = by_plain.iter().fold(1e-3f32, |m, x| m.max(x.abs()));
            for (a, b) in by.iter().zip(&by_plain) {
                assert!((a - b).abs() < 1e-5 * largest, "{a} {b}");
            }
        }
    }

    #[test]
    fn what_is_not_a_number_is_not_lost() {
        let mut s = [0.1; 9];
        s[5] = f32::NAN;
        assert!(value(info_nce(tensor(3, 3, &s), tensor(1, 1, &[1.0]), None)).is_nan());
        assert!(value(hinge(tensor(3, 3, &[f32::NAN; 9]), None, 0.2, 1, Reduce::Mean)).is_nan());
    }

    #[test]
    fn duplicates_and_extremes_stay_finite() {
        let same = tensor(4, 4, &[1.0; 16]);
        assert!((value(info_nce(same.clone(), tensor(1, 1, &[9.0]), None)) - 4f32.ln()).abs() < 1e-4);
        assert!((value(hinge(same, None, 0.2, 1, Reduce::Sum)) - 0.4).abs() < 1e-6);
    }
}
