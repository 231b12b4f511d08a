//! TBNN's within-view term: two texts of one item (or two pictures) nearer to each other than to those of other items.
//!
//! `1/B sum_i reduce_topK_{k: other item} [m + D(i, p_i) - D(i, k)]_+` with `p_i` the other pair of the same item, inside
//! one modality. It needs batches with several pairs of an item (`train.per_item`).
//!
//! Source: Wang, Li, Huang & Lazebnik 2018 (Learning Two-Branch Neural Networks for Image-Text Matching Tasks), equation
//! 6; here on squared distances of unit rows, as everywhere in this crate.

use super::{hardest, identity};
use crate::config::RetrievalConfig;
use crate::tensor::{Indices, Mask, Tensor};

/// `d`: `[B, B]` distances inside one modality; `partner`: `[B, 1]`, p_i; `same`: `[B, B]`, true where j, j != i, is of
/// the same item or known to match it.
pub fn within(d: Tensor<2>, partner: Indices, same: Option<Mask>, config: &RetrievalConfig) -> Tensor<1> {
    let [b, _] = d.dims();
    let near = d.clone().gather(&partner); // [B, 1]
    let mut cost = (near - d).add_scalar(config.margin as f32).clamp_min(0.0);
    let other = identity(b, &cost.device()).mul_scalar(-1.0).add_scalar(1.0);
    cost = cost * other;
    if let Some(same) = same {
        cost = cost.mask_fill(&same, 0.0);
    }
    hardest(cost, config.negatives, config.reduce)
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradient, noise, tensor, value};
    use super::super::transfer::distances;
    use super::*;
    use crate::config::Reduce;
    use crate::tensor::Device;

    fn config(negatives: usize) -> RetrievalConfig {
        RetrievalConfig { margin: 0.2, negatives, reduce: Reduce::Sum, ..Default::default() }
    }

    /// Items a, b in two slots: rows a0 b0 a1 b1.
    fn pairs() -> (Indices, Mask) {
        let device = Device::Cpu;
        let same = |i: usize, j: usize| i != j && i % 2 == j % 2;
        let rows: [[bool; 4]; 4] = std::array::from_fn(|i| std::array::from_fn(|j| same(i, j)));
        (Indices::new(vec![2, 3, 0, 1], [4, 1], &device), Mask::new(rows.concat(), [4, 4], &device))
    }

    #[test]
    fn by_hand() {
        let (partner, same) = pairs();
        // Row 0: its partner is at 0.5; the others at 0.4 and 1.0 cost 0.3 and 0.
        let d = [0.0, 0.4, 0.5, 1.0, 0.4, 0.0, 1.0, 0.1, 0.5, 1.0, 0.0, 1.0, 1.0, 0.1, 1.0, 0.0];
        let all = value(within(tensor(4, 4, &d), partner.clone(), Some(same.clone()), &config(0)));
        assert!((all - 0.3 / 4.0).abs() < 1e-6, "{all}");
        let one = value(within(tensor(4, 4, &d), partner, Some(same), &config(1)));
        assert!((one - 0.3 / 4.0).abs() < 1e-6);
    }

    #[test]
    fn gradients_agree_with_differences() {
        let (partner, same) = pairs();
        gradient(4, 3, &noise(12, 7), |e| {
            within(distances(e), partner.clone(), Some(same.clone()), &RetrievalConfig { margin: 3.0, ..config(0) })
        });
    }

    #[test]
    fn equal_rows_cost_the_margin_and_stay_finite() {
        let (partner, same) = pairs();
        let cost = value(within(tensor(4, 4, &[0.0; 16]), partner, Some(same), &config(1)));
        assert!((cost - 0.2).abs() < 1e-6);
    }
}
