//! Exact search: the `k` best rows of a table for a query, by cosine.
//!
//! Shapes: query `[d]`, table `[n, d]`. Rows and query are of unit length, so the cosine is the inner product. With a
//! few thousand rows an exact scan takes about a millisecond; an index would only add error.

use crate::analyze::same_cols;
use crate::error::Result;
use crate::matrix::{Matrix, dots};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// One result.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Row of the table.
    pub index: usize,
    /// Its score; `-inf` where the score was not a number.
    pub score: f32,
}

/// The `k` rows of `table` most similar to `query`, best first; equal scores in the order of the rows. All rows when
/// `k > n`. An error when the dimensions differ.
pub fn top_k(query: &[f32], table: &Matrix, k: usize) -> Result<Vec<Hit>> {
    same_cols(query.len(), table.cols, "search")?;
    let among = |rows: Range<usize>| {
        let mut scores = vec![0.0; rows.len()];
        dots(query, &table.data[rows.start * table.cols..rows.end * table.cols], &mut scores);
        let mut hits = top_k_by(rows.len(), k, |i| scores[i]);
        hits.iter_mut().for_each(|hit| hit.index += rows.start);
        hits
    };
    #[cfg(feature = "cli")]
    if table.rows >= 2 * SHARE {
        use rayon::prelude::*;
        // What is best of all is among the best of its share; of equal scores the earlier row comes first in both.
        let shares = (0..table.rows.div_ceil(SHARE)).into_par_iter();
        let found = shares.map(|s| among(s * SHARE..table.rows.min((s + 1) * SHARE))).collect::<Vec<_>>().concat();
        return Ok(top_k_by(found.len(), k, |i| found[i].score).into_iter().map(|hit| found[hit.index]).collect());
    }
    Ok(among(0..table.rows))
}

/// Rows that a thread looks through at a time.
#[cfg(feature = "cli")]
const SHARE: usize = 1 << 13;

/// Of candidates this many times as numerous as what is wanted, nearly none gets among the best: those are kept in order
/// while the candidates are met. Of fewer they are selected.
const RARE: usize = 32;
/// More are selected, too: each that gets among them moves the others.
const FEW: usize = 256;

/// The `k` best of `n` candidates (fewer than 2^32) under any score (order-embeddings do not score by the cosine). A score
/// that is not a number ranks last.
pub fn top_k_by(n: usize, k: usize, mut score: impl FnMut(usize) -> f32) -> Vec<Hit> {
    let mut rank = |index| rank(score(index), index);
    let mut best: Vec<u64>;
    if n / RARE < k || k > FEW {
        best = (0..n).map(rank).collect();
        if k < n {
            best.select_nth_unstable(k);
            best.truncate(k);
        }
        best.sort_unstable();
    } else {
        best = Vec::with_capacity(k + 1);
        for index in 0..n {
            let new = rank(index);
            if best.len() < k || best.last().is_some_and(|worst| new < *worst) {
                best.insert(best.partition_point(|other| *other < new), new);
                best.truncate(k);
            }
        }
    }
    best.into_iter().map(hit).collect()
}

/// Score and index in one number, so that the better comes first and of equal scores the lower index: the bits of floats of
/// one sign are in the order of their values.
fn rank(score: f32, index: usize) -> u64 {
    let score = if score.is_nan() { f32::NEG_INFINITY } else { score };
    let bits = (score + 0.0).to_bits(); // -0 and 0 are equal.
    let descending = if bits & SIGN != 0 { bits } else { !bits & !SIGN };
    u64::from(descending) << 32 | index as u64
}

/// What a rank was made of.
fn hit(rank: u64) -> Hit {
    let descending = (rank >> 32) as u32;
    let bits = if descending & SIGN == 0 { !descending & !SIGN } else { descending };
    Hit { index: rank as u32 as usize, score: f32::from_bits(bits) }
}

const SIGN: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::random;
    use crate::matrix::dot;
    use rand::Rng as _;

    fn indices(hits: &[Hit]) -> Vec<usize> {
        hits.iter().map(|h| h.index).collect()
    }

    #[test]
    fn equals_a_full_stable_sort_with_many_ties() {
        let mut rng = random::rng(1);
        let some = [f32::INFINITY, 3.5, f32::MIN_POSITIVE / 2.0, 0.0, -0.0, -f32::MIN_POSITIVE, -1.0, f32::MIN];
        for n in [0usize, 1, 2, 17, 300] {
            let scores: Vec<f32> = (0..n).map(|_| some[rng.random_range(0..some.len())]).collect();
            let mut expected: Vec<usize> = (0..n).collect();
            expected.sort_by(|a, b| scores[*b].partial_cmp(&scores[*a]).unwrap());
            // Few of many are kept in order, more are selected.
            for k in [0, 1, 5, 40, n, n + 3] {
                let hits = top_k_by(n, k, |i| scores[i]);
                assert_eq!(indices(&hits), expected[..k.min(n)], "n {n}, k {k}");
                assert!(hits.iter().all(|h| h.score == scores[h.index]));
            }
        }
    }

    #[test]
    fn finds_each_row_by_itself_and_scores_the_cosine() {
        let table = random::matrix(&mut random::rng(2), 50, 13).normalised();
        for i in 0..table.rows {
            let hits = top_k(table.row(i), &table, 2).unwrap();
            assert_eq!(hits[0].index, i);
            assert!((hits[0].score - 1.0).abs() < 1e-5);
            assert!(hits[1].score < hits[0].score);
        }
    }

    #[test]
    fn a_large_table_is_searched_as_a_small_one() {
        // Few values, so that equal scores meet across the shares of threads.
        let mut rng = random::rng(3);
        let values = (0..11 * 20_001).map(|_| rng.random_range(0..3) as f32 / 3.0).collect();
        let table = Matrix { rows: 20_001, cols: 11, data: values };
        let query = [1.0, -0.5, 0.25, 0.0, 0.0, 0.3, 0.0, 0.0, 0.0, 0.0, -0.7];
        for k in [1, 10, 100, 20_001] {
            let plain = top_k_by(table.rows, k, |i| dot(&query, table.row(i)));
            assert_eq!(top_k(&query, &table, k).unwrap(), plain, "k {k}");
        }
    }

    #[test]
    fn nan_ranks_last_and_signed_zeros_tie() {
        let scores = [f32::NAN, -0.0, 0.0, -1.0, f32::NEG_INFINITY];
        assert_eq!(indices(&top_k_by(5, 5, |i| scores[i])), [1, 2, 3, 0, 4]);
    }

    #[test]
    fn another_dimension_is_an_error() {
        assert!(top_k(&[1.0, 0.0], &Matrix::zeros(3, 3), 1).is_err());
    }
}
