//! Structure of the joint space: do the two modalities order their neighbours alike, and is the space healthy?
//!
//! Shapes: images `v [n, d_v]`, texts `t [n, d_t]`, row i of both is one pair; rows of unit length. `D_v(i,j) =
//! 2 − 2 v_i·v_j` (METHOD.md), so an order of distances is the reverse order of inner products. The dimensions may
//! differ where only orders are compared. A measure that is not defined (too few rows, nothing but ties) is `None`.

use crate::analyze::search::top_k_by;
use crate::analyze::{blocks, mean_row, same_cols, same_rows, similarities};
use crate::error::Result;
use crate::matrix::{Matrix, dot};
use crate::rng::{Purpose, stream};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use std::cmp::Ordering;

/// Position in the triplet stream that no training step reaches: monitoring never shares its draws with a batch.
const MONITOR: u64 = u64::MAX;

/// Rows whose scores are held at a time.
const BLOCK: usize = 256;

/// Standard deviation per dimension: near 0 in every dimension means collapse to a point, in some, to a subspace.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Of the dimension that varies least.
    pub min: f64,
    /// Mean over the dimensions; `1/√d` for unit vectors spread evenly.
    pub mean: f64,
}

/// `count` triplets `[i, j, k]` of distinct rows below `n`, drawn once per seed: the fixed set that the monitor uses.
/// None when `n < 3`.
pub fn triplets(n: usize, count: usize, seed: u64) -> Vec<[usize; 3]> {
    if n < 3 {
        return Vec::new();
    }
    let mut rng = stream(seed, Purpose::Triplets, MONITOR);
    (0..count)
        .map(|_| {
            let i = rng.random_range(0..n);
            let mut others = || (i + rng.random_range(1..n)) % n;
            let j = others();
            let k = loop {
                let k = others();
                if k != j {
                    break k;
                }
            };
            [i, j, k]
        })
        .collect()
}

/// Share of triplets `(i; j, k)` on which `D_v(i,j) < D_v(i,k)` and `D_t(i,j) < D_t(i,k)` agree. A tie in either
/// modality drops the triplet; a distance that is not a number counts as disagreement.
pub fn order_agreement(v: &Matrix, t: &Matrix, triplets: &[[usize; 3]]) -> Result<Option<f64>> {
    same_rows(v, t, "order agreement")?;
    let order = |x: &Matrix, [i, j, k]: [usize; 3]| dot(x.row(i), x.row(j)).partial_cmp(&dot(x.row(i), x.row(k)));
    let (mut agree, mut kept) = (0usize, 0usize);
    for &triplet in triplets.iter().filter(|triplet| triplet.iter().all(|&i| i < v.rows)) {
        match (order(v, triplet), order(t, triplet)) {
            (Some(Ordering::Equal), Some(_)) | (Some(_), Some(Ordering::Equal)) => continue,
            (Some(a), Some(b)) => agree += usize::from(a == b),
            _ => {}
        }
        kept += 1;
    }
    Ok(share(agree as f64, kept))
}

/// Mean of `|N_k^v(i) ∩ N_k^t(i)| / k` over the rows, where `N_k(i)` are the k nearest other rows (k is cut to `n − 1`).
///
/// Ties go to the lower index among images and to the higher among texts, so that a collapsed space, where all
/// is tied, does not count as agreement. O(n² d).
pub fn overlap_at_k(v: &Matrix, t: &Matrix, k: usize) -> Result<Option<f64>> {
    same_rows(v, t, "neighbourhood overlap")?;
    let n = v.rows;
    let k = k.min(n.saturating_sub(1));
    if k == 0 {
        return Ok(None);
    }
    let mut shared = 0usize;
    let mut near_image = vec![usize::MAX; n];
    for block in blocks(n, BLOCK) {
        let (sv, st) = (similarities(&v.select(block.clone()), v), similarities(&t.select(block.clone()), t));
        for (row, i) in block.enumerate() {
            // Position p stands for row p or p + 1: the row itself is left out.
            let other = |p: usize| p + usize::from(p >= i);
            let reversed = |p: usize| other(n - 2 - p);
            for hit in top_k_by(n - 1, k, |p| sv.row(row)[other(p)]) {
                near_image[other(hit.index)] = i;
            }
            let near_text = top_k_by(n - 1, k, |p| st.row(row)[reversed(p)]);
            shared += near_text.iter().filter(|hit| near_image[reversed(hit.index)] == i).count();
        }
    }
    Ok(share(shared as f64, n * k))
}

/// Distance between the centroid of the images and that of the texts (Liang et al. 2022).
pub fn modality_gap(v: &Matrix, t: &Matrix) -> Result<Option<f64>> {
    same_cols(v.cols, t.cols, "modality gap")?;
    if v.rows == 0 || t.rows == 0 {
        return Ok(None);
    }
    Ok(Some(mean_row(v).iter().zip(mean_row(t)).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()))
}

/// Mean of `‖v_i − t_i‖²` over the pairs (Wang & Isola 2020, α = 2).
pub fn alignment(v: &Matrix, t: &Matrix) -> Result<Option<f64>> {
    same_rows(v, t, "alignment")?;
    same_cols(v.cols, t.cols, "alignment")?;
    let sum: f64 = v.data.iter().zip(&t.data).map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2)).sum();
    Ok(share(sum, v.rows))
}

/// `ln mean exp(−2 ‖x_i − x_j‖²)` over the pairs i < j (Wang & Isola 2020, t = 2). O(n² d).
pub fn uniformity(x: &Matrix) -> Option<f64> {
    let n = x.rows;
    let squares: Vec<f32> = (0..n).map(|i| dot(x.row(i), x.row(i))).collect();
    let mut sum = 0.0;
    for block in blocks(n, BLOCK) {
        let products = similarities(&x.select(block.clone()), x);
        for (row, i) in block.enumerate() {
            for (j, product) in products.row(row)[..i].iter().enumerate() {
                let d = squares[i] + squares[j] - 2.0 * product;
                // Rounding can make d negative; `max` is not used because it would hide a NaN.
                sum += if d < 0.0 { 1.0 } else { f64::from((-2.0 * d).exp()) };
            }
        }
    }
    share(sum, n * n.saturating_sub(1) / 2).map(f64::ln)
}

/// Standard deviation per dimension. Zeros for no row or no dimension.
pub fn spread(x: &Matrix) -> Spread {
    if x.rows == 0 || x.cols == 0 {
        return Spread { min: 0.0, mean: 0.0 };
    }
    let mean = mean_row(x);
    let mut squares = vec![0.0; x.cols];
    for i in 0..x.rows {
        for ((s, value), m) in squares.iter_mut().zip(x.row(i)).zip(&mean) {
            *s += (f64::from(*value) - m).powi(2);
        }
    }
    let deviations = squares.iter().map(|s| (s / x.rows as f64).sqrt());
    // `f64::min` would pass over a NaN; here it must show.
    let min = deviations.clone().fold(f64::INFINITY, |a, b| if b.is_nan() || b < a { b } else { a });
    Spread { min, mean: deviations.sum::<f64>() / x.cols as f64 }
}

fn share(sum: f64, of: usize) -> Option<f64> {
    (of > 0).then(|| sum / of as f64)
}

#[cfg(test)]
#[path = "structure_tests.rs"]
mod tests;
