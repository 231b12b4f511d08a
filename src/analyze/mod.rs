//! Analysis: what a run has learned, in numbers and pictures. Pure functions of embeddings; no model, no device.
//!
//! `v` (`[N, d]`) are image embeddings, `t` (`[M, d]`) text embeddings, rows of unit length unless a function says
//! otherwise; `S_ij = v_i·t_j` is the score, `D(i,j) = 2 − 2 v_i·v_j` the squared distance (METHOD.md).
//!
//! | module | question it answers |
//! |---|---|
//! | [`retrieval`] | does a picture find its text, and a text its picture? |
//! | [`clustering`] | do clusters agree with the classes? (AMI, NMI, ARI) |
//! | [`kmeans`](mod@kmeans) | which clusters are there? |
//! | [`hdbscan`](mod@hdbscan) | which dense groups are there, and what belongs to none? |
//! | [`silhouette`] | how many? |
//! | [`score`] | what ranks a picture and a text? |
//! | [`structure`] | are neighbours the same in both modalities; have the spaces drifted apart or collapsed? |
//! | [`report`] | all of it under one name each |
//! | [`search`] | which rows are nearest to this query? |
//! | [`projection`] | how does it look in two dimensions, frame after frame? |
//! | [`cca`] | what does the best linear map do, in closed form? |

pub mod cca;
pub mod clustering;
pub mod hdbscan;
pub mod kmeans;
pub mod projection;
pub mod report;
pub mod retrieval;
pub mod score;
pub mod search;
pub mod silhouette;
pub mod structure;

pub use cca::{Cca, CcaOptions};
pub use clustering::{Average, ClusterScores, Contingency};
pub use hdbscan::hdbscan;
pub use kmeans::{KMeans, kmeans};
pub use projection::Projector;
pub use retrieval::Retrieval;
pub use score::Score;
pub use search::{Hit, top_k, top_k_by};
pub use structure::Spread;

use crate::error::{Error, Result};
use crate::matrix::{Matrix, dot};
use crate::tensor::cpu::matmul::{Operand, matmul};
use nalgebra::{DMatrix, DMatrixView, Dyn};
use std::ops::Range;

/// `m` as nalgebra sees it, `[rows, cols]`, without a copy: row-major is a matter of strides.
fn view(m: &Matrix) -> DMatrixView<'_, f32, Dyn, Dyn> {
    // Strides of an empty matrix are never used, but nalgebra wants them to be consistent.
    DMatrixView::from_slice_with_strides(&m.data, m.rows, m.cols, m.cols.max(1), 1)
}

/// The transpose of [`view`], `[cols, rows]`.
fn view_transposed(m: &Matrix) -> DMatrixView<'_, f32, Dyn, Dyn> {
    DMatrixView::from_slice_with_strides(&m.data, m.cols, m.rows, 1, m.cols.max(1))
}

/// Sides shorter than this are multiplied another way natively (as vectors).
const LEAST_SIDE: usize = 6;

/// All inner products of the rows of `a` with those of `b`, `[a.rows, b.rows]`.
///
/// Equal rows get equal products wherever they stand, on which the counting of ties rests: the product kernel adds in
/// one order for every entry. Small tables go pair by pair.
pub(crate) fn similarities(a: &Matrix, b: &Matrix) -> Matrix {
    if a.rows.min(b.rows).min(a.cols) < LEAST_SIDE {
        let data = (0..a.rows).flat_map(|i| (0..b.rows).map(move |j| dot(a.row(i), b.row(j)))).collect();
        return Matrix { rows: a.rows, cols: b.rows, data };
    }
    let mut out = Matrix::zeros(a.rows, b.rows);
    let sizes = [a.rows, a.cols, b.rows];
    matmul(&mut out.data, sizes, Operand::rows(&a.data, a.cols), Operand::columns(&b.data, b.cols), false);
    out
}

/// `0..n` in even ranges of at most `size`, none so short that [`similarities`] would compute it another way than the rest.
pub(crate) fn blocks(n: usize, size: usize) -> Vec<Range<usize>> {
    let count = n.div_ceil(size.max(2 * LEAST_SIDE)).max(1);
    (0..count).map(|b| b * n / count..(b + 1) * n / count).collect()
}

/// `m · map` for a column-major `map`, `[rows, map's columns]`.
fn product(m: &Matrix, map: &DMatrix<f32>) -> Matrix {
    let mut out = Matrix::zeros(m.rows, map.ncols());
    let map = Operand::columns(map.as_slice(), map.nrows());
    matmul(&mut out.data, [m.rows, m.cols, out.cols], Operand::rows(&m.data, m.cols), map, false);
    out
}

/// Whether the entry of largest magnitude is negative: axes are defined up to their sign, and this fixes it.
fn points_down(axis: impl Iterator<Item = f64>) -> bool {
    axis.fold(0.0f64, |largest, x| if x.abs() > largest.abs() { x } else { largest }) < 0.0
}

/// The mean of the rows, summed in f64. Zeros when there is no row.
fn mean_row(m: &Matrix) -> Vec<f64> {
    let mut mean = vec![0.0; m.cols];
    for i in 0..m.rows {
        mean.iter_mut().zip(m.row(i)).for_each(|(s, x)| *s += f64::from(*x));
    }
    let n = m.rows.max(1) as f64;
    mean.iter_mut().for_each(|s| *s /= n);
    mean
}

/// `m` with `mean` taken from every row.
fn centred(m: &Matrix, mean: &[f64]) -> Matrix {
    let mut out = m.clone();
    for i in 0..out.rows {
        out.row_mut(i).iter_mut().zip(mean).for_each(|(x, c)| *x = (f64::from(*x) - c) as f32);
    }
    out
}

/// An error that names the first row holding a NaN or an infinity.
fn all_finite(m: &Matrix, what: &str) -> Result<()> {
    // The largest of all bit patterns first: a search that may end anywhere cannot use SIMD lanes.
    let largest = m.data.iter().fold(0, |largest, x| largest.max(x.abs().to_bits()));
    if largest < f32::INFINITY.to_bits() {
        return Ok(());
    }
    let at = m.data.iter().position(|x| !x.is_finite()).unwrap_or(0);
    Err(Error::Data(format!("{what}: row {} holds a value that is not finite", at / m.cols)))
}

/// An error unless both tables have the same number of rows.
fn same_rows(a: &Matrix, b: &Matrix, what: &str) -> Result<()> {
    if a.rows == b.rows {
        Ok(())
    } else {
        Err(Error::Data(format!("{what}: {} rows on one side, {} on the other; they must be pairs", a.rows, b.rows)))
    }
}

/// An error unless rows of both tables have the same length.
fn same_cols(a: usize, b: usize, what: &str) -> Result<()> {
    if a == b { Ok(()) } else { Err(Error::Data(format!("{what}: {a} dimensions on one side, {b} on the other"))) }
}

/// Seeded random inputs for the tests of this module.
#[cfg(test)]
mod random {
    use crate::matrix::Matrix;
    use crate::rng::{Purpose, Rng, stream};
    use rand::Rng as _;

    pub fn rng(seed: u64) -> Rng {
        stream(seed, Purpose::Split, 0)
    }

    /// A standard normal number (sum of twelve uniforms).
    pub fn normal(rng: &mut Rng) -> f32 {
        (0..12).map(|_| rng.random::<f32>()).sum::<f32>() - 6.0
    }

    pub fn matrix(rng: &mut Rng, rows: usize, cols: usize) -> Matrix {
        Matrix { rows, cols, data: (0..rows * cols).map(|_| normal(rng)).collect() }
    }
}
