//! Order-embeddings: a text is more general than its pictures, so it stands above them in a partial order.
//!
//! `S_ij = -||[t_j - v_i]_+||^2` on non-negative unit vectors: zero when the text asks for nothing that the picture does
//! not have. The score is not symmetric, so evaluation and search take it from here, not from the cosine.
//!
//! Source: Vendrov et al. 2016 (Order-Embeddings of Images and Language), equations 2 and 4; non-negative by absolute
//! value, as in their code.

use crate::tensor::Tensor;
use crate::tensor::cpu::elementwise::positive;

/// Non-negative rows, of the length they had.
pub fn non_negative(e: Tensor<2>) -> Tensor<2> {
    e.abs()
}

/// Scores of image i and text j, `[B, d] x [B, d] -> [B, B]`; `O(B^2 d)` memory where a GPU keeps gradients.
pub fn scores(v: Tensor<2>, t: Tensor<2>) -> Tensor<2> {
    match (v, t) {
        (Tensor::Cpu(v), Tensor::Cpu(t)) => Tensor::Cpu(v.order_scores(t)),
        #[cfg(feature = "gpu")]
        (v, t) => by_operations(v, t),
    }
}

/// Most numbers of a `[rows, others, d]` tensor of [`by_operations`].
#[cfg(any(feature = "gpu", test))]
const BLOCK: usize = 1 << 19;

/// The same in operations of tensors, some rows at a time: what a GPU does, and what the CPU's loop is tested against.
#[cfg(any(feature = "gpu", test))]
fn by_operations(v: Tensor<2>, t: Tensor<2>) -> Tensor<2> {
    let ([b, d], [others, _]) = (v.dims(), t.dims());
    let t = t.reshape([1, others, d]);
    let block = |v: Tensor<2>| {
        let [rows, _] = v.dims();
        let excess = (t.clone() - v.reshape([rows, 1, d])).clamp_min(0.0);
        excess.square().sum_dim(2).reshape([rows, others])
    };
    Tensor::cat(v.split((BLOCK / (others * d)).clamp(1, b), 0).into_iter().map(block).collect(), 0).mul_scalar(-1.0)
}

/// The score of one image and one text: what search and evaluation rank by.
pub fn score(v: &[f32], t: &[f32]) -> f32 {
    -v.iter().zip(t).map(|(v, t)| positive(t - v).powi(2)).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::super::check::{gradient, noise, tensor};
    use super::*;

    #[test]
    fn by_hand_and_like_the_plain_score() {
        let (v, t) = ([0.6, 0.8, 0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.6, 0.0, 0.8]);
        let s = scores(tensor(2, 3, &v), tensor(2, 3, &t)).array();
        // Text 0 asks 1.0 of the second column: picture 0 has 0.8, picture 1 has it all.
        let expected = [-0.04, -0.64, 0.0, -(0.36 + 0.64)];
        for (n, (s, e)) in s.iter().zip(expected).enumerate() {
            assert!((s - e).abs() < 1e-6, "{n}: {s} {e}");
            assert!((s - score(&v[n / 2 * 3..][..3], &t[n % 2 * 3..][..3])).abs() < 1e-6);
        }
    }

    #[test]
    fn gradients_agree_with_differences() {
        let (v, t) = (noise(12, 1), noise(12, 2));
        let weights = tensor(3, 3, &noise(9, 3));
        gradient(3, 4, &v, |v| (scores(v, tensor(3, 4, &t)) * weights.clone()).sum());
        gradient(3, 4, &t, |t| (scores(tensor(3, 4, &v), t) * weights.clone()).sum());
    }

    #[test]
    fn one_loop_equals_the_operations() {
        // Widths with and without a rest of lanes, and weights of zero.
        for (m, n, d) in [(1, 1, 1), (5, 7, 16), (9, 4, 37)] {
            let (v, t) = (noise(m * d, 4), noise(n * d, 5));
            let weights: Vec<f32> = noise(m * n, 6).iter().map(|w| if *w < 0.0 { 0.0 } else { *w }).collect();
            let of = |scores: fn(Tensor<2>, Tensor<2>) -> Tensor<2>| {
                let (v, t) = (tensor(m, d, &v).tracked(), tensor(n, d, &t).tracked());
                let s = scores(v.clone(), t.clone());
                let gradients = (s.clone() * tensor(m, n, &weights)).sum().backward();
                let by = |leaf: &Tensor<2>| leaf.grad(&gradients).expect("the scores depend on it").array();
                [s.array(), by(&v), by(&t)].concat()
            };
            for (n, (a, b)) in of(scores).iter().zip(of(by_operations)).enumerate() {
                assert!((a - b).abs() < 1e-5, "{m} x {d} and {n}: {a} {b}");
            }
        }
        assert!(scores(tensor(1, 2, &[f32::NAN, 0.0]), tensor(1, 2, &[0.0; 2])).array()[0].is_nan());
    }

    #[test]
    fn equal_rows_score_zero() {
        let e = tensor(2, 2, &[0.6, 0.8, 0.6, 0.8]);
        let s = scores(non_negative(e.clone().mul_scalar(-1.0)), e).array();
        assert_eq!(s, [0.0; 4]);
    }
}
