//! Truncated singular value decomposition of a tall sparse matrix, by randomised subspace iteration
//! (Halko, Martinsson, Tropp 2011, algorithms 4.4 and 5.1).
//!
//! Shapes: `A [n, m]` sparse (texts × used buckets), sketch `Q [n, l]` with `l = dim + 16`, result `V [m, dim]`, so
//! that `A V` are the reduced texts.
//!
//! Orthonormalisation is by Cholesky factors of the `l × l` Gram matrix: a Householder QR of a 7,500 × 400 sketch costs
//! ten times as much.

use super::dense::{gram, product};
use crate::double::solve;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, axpy};
use crate::rng::{Purpose, stream};
use multiversion::multiversion;
use nalgebra::{DMatrix, SymmetricEigen};
use rand::Rng as _;

/// Extra sketch columns beyond the wanted dimensions: they carry the error of the random start.
const OVERSAMPLING: usize = 16;
/// Products with `A Aᵀ` after the first sketch. Text spectra fall slowly; after four the kept variance of the emoji
/// texts no longer changes in its third digit.
const POWER_ITERATIONS: usize = 4;
/// Singular values below this share of the largest are rounding noise and dropped (f32).
const RANK_TOLERANCE: f64 = 1e-4;

/// Compressed sparse rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sparse {
    cols: usize,
    ends: Vec<usize>,
    entries: Vec<(u32, f32)>,
}

impl Sparse {
    /// No rows yet.
    pub(crate) fn new(cols: usize) -> Self {
        Self { cols, ends: Vec::new(), entries: Vec::new() }
    }

    /// Appends a row of `(column, value)`; every column must be below `cols`.
    pub(crate) fn push(&mut self, row: impl IntoIterator<Item = (u32, f32)>) {
        self.entries.extend(row);
        self.ends.push(self.entries.len());
    }

    fn rows(&self) -> impl Iterator<Item = &[(u32, f32)]> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, &end)| &self.entries[start..end])
    }

    fn squared_norm(&self) -> f64 {
        self.entries.iter().map(|(_, v)| f64::from(*v).powi(2)).sum()
    }

    /// `A X`, `[n, l]` from `[m, l]`.
    pub(crate) fn times(&self, x: &Matrix) -> Matrix {
        let mut out = Matrix::zeros(self.ends.len(), x.cols);
        add_rows(self, |i, j| [i, j], x, &mut out);
        out
    }

    /// `Aᵀ Y`, `[m, l]` from `[n, l]`.
    fn transposed_times(&self, y: &Matrix) -> Matrix {
        let mut out = Matrix::zeros(self.cols, y.cols);
        add_rows(self, |i, j| [j, i], y, &mut out);
        out
    }
}

/// What [`truncated`] found.
#[derive(Debug, Clone)]
pub(crate) struct Svd {
    /// Right singular vectors, `[m, dim]`; columns past the rank are zero. The largest entry of a column is positive.
    pub(crate) basis: Matrix,
    /// Share of the squared norm of `A` that the basis keeps, 0 to 1.
    pub(crate) explained: f32,
}

/// The `dim` leading right singular vectors of `a`.
pub(crate) fn truncated(a: &Sparse, dim: usize, seed: u64) -> Result<Svd> {
    let n = a.ends.len();
    let width = (dim + OVERSAMPLING).min(n).min(a.cols);
    if width == 0 {
        return Ok(Svd { basis: Matrix::zeros(a.cols, dim), explained: 0.0 });
    }
    let mut rng = stream(seed, Purpose::Projection, 0);
    // Random signs instead of normal numbers: as good a sketch, and exact on every platform.
    let signs = (0..a.cols * width).map(|_| if rng.random::<bool>() { 1.0 } else { -1.0 }).collect();
    let mut q = a.times(&Matrix::new(a.cols, width, signs)?);
    for _ in 0..POWER_ITERATIONS {
        q = orthonormalised(&q)?;
        q = a.times(&a.transposed_times(&q));
    }
    // Twice: the first pass leaves an error that grows with the square of the condition number.
    q = orthonormalised(&orthonormalised(&q)?)?;

    // Rayleigh-Ritz: QᵀA AᵀQ = W Λ Wᵀ, U = Q W, V = Aᵀ U Λ^(-1/2).
    let image = a.transposed_times(&q);
    let eigen = SymmetricEigen::new(gram(&image));
    let mut order: Vec<usize> = (0..width).collect();
    order.sort_by(|&i, &j| eigen.eigenvalues[j].total_cmp(&eigen.eigenvalues[i]));
    let largest = order.first().map_or(0.0, |&i| eigen.eigenvalues[i]);
    order.retain(|&i| eigen.eigenvalues[i] > largest * RANK_TOLERANCE * RANK_TOLERANCE);
    order.truncate(dim);

    let mut turn = Matrix::zeros(width, dim);
    for (c, &i) in order.iter().enumerate() {
        let scale = 1.0 / eigen.eigenvalues[i].sqrt();
        for r in 0..width {
            turn.row_mut(r)[c] = (eigen.eigenvectors[(r, i)] * scale) as f32;
        }
    }
    let mut basis = a.transposed_times(&product(&q, &turn, false));
    fix_signs(&mut basis);
    let kept: f64 = order.iter().map(|&i| eigen.eigenvalues[i]).sum();
    let total = a.squared_norm();
    Ok(Svd { basis, explained: if total > 0.0 { (kept / total).min(1.0) as f32 } else { 0.0 } })
}

/// For each entry of `a`: `ends(its row, its column)` names a row of `out`, and one of `x` that is added to it so many times.
fn add_rows(a: &Sparse, ends: impl Fn(usize, usize) -> [usize; 2], x: &Matrix, out: &mut Matrix) {
    for (i, row) in a.rows().enumerate() {
        add_row(row, |j| ends(i, j), x, out);
    }
}

/// One row of [`add_rows`].
#[inline(never)]
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn add_row(row: &[(u32, f32)], ends: impl Fn(usize) -> [usize; 2], x: &Matrix, out: &mut Matrix) {
    for &(j, v) in row {
        let [to, from] = ends(j as usize);
        axpy(out.row_mut(to), v, x.row(from));
    }
}

/// The columns of `y` made orthonormal: `Y L^-ᵀ` with `YᵀY + shift = L Lᵀ`. The shift keeps a rank-deficient sketch
/// (fewer distinct texts than columns) factorable; its surplus columns then shrink to noise and are dropped at the end.
fn orthonormalised(y: &Matrix) -> Result<Matrix> {
    let l = y.cols;
    let gram = gram(y);
    let mut shift = gram.trace() * 1e-9 + f64::MIN_POSITIVE;
    for _ in 0..6 {
        let shifted = &gram + DMatrix::identity(l, l) * shift;
        if let Some(factor) = shifted.cholesky() {
            let mut turn = DMatrix::identity(l, l);
            solve(&factor.unpack(), &mut turn);
            // L^-ᵀ, row by row as nalgebra stores its transpose.
            let turn = Matrix::new(l, l, turn.transpose().iter().map(|v| *v as f32).collect())?;
            return Ok(product(y, &turn, true));
        }
        shift *= 10.0;
    }
    Err(Error::Data("the texts could not be reduced: their weights are not finite".into()))
}

/// Makes the largest entry of every column positive; a singular vector's sign is arbitrary otherwise.
fn fix_signs(basis: &mut Matrix) {
    let mut largest = vec![0.0f32; basis.cols];
    for row in basis.data.chunks_exact(basis.cols.max(1)) {
        for (l, v) in largest.iter_mut().zip(row) {
            if v.abs() > l.abs() {
                *l = *v;
            }
        }
    }
    for row in basis.data.chunks_exact_mut(basis.cols.max(1)) {
        for (l, v) in largest.iter().zip(row) {
            if *l < 0.0 {
                *v = -*v;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fifth of the entries filled, columns falling like 1/(1+j).
    fn sample(n: usize, m: usize) -> Sparse {
        let mut rng = stream(7, Purpose::Noise, 0);
        let mut a = Sparse::new(m);
        for _ in 0..n {
            let mut row = Vec::new();
            for j in 0..m as u32 {
                if rng.random::<f32>() < 0.2 {
                    row.push((j, rng.random::<f32>() / (1.0 + j as f32)));
                }
            }
            a.push(row);
        }
        a
    }

    /// Lengths of the columns of `A V`.
    fn singular(a: &Sparse, svd: &Svd) -> Vec<f64> {
        let projected = a.times(&svd.basis);
        let square = |k| (0..projected.rows).map(|i| f64::from(projected.row(i)[k]).powi(2)).sum::<f64>();
        (0..projected.cols).map(|k| square(k).sqrt()).collect()
    }

    fn dense(a: &Sparse) -> DMatrix<f64> {
        let mut d = DMatrix::zeros(a.ends.len(), a.cols);
        for (i, row) in a.rows().enumerate() {
            for &(j, v) in row {
                d[(i, j as usize)] += f64::from(v);
            }
        }
        d
    }

    #[test]
    fn equals_the_dense_decomposition() {
        let a = sample(90, 60);
        let exact = dense(&a).svd(true, true);
        let svd = truncated(&a, 8, 3).unwrap();
        let v_t = exact.v_t.unwrap();
        for k in 0..8 {
            let (got, want) = (singular(&a, &svd)[k], exact.singular_values[k]);
            assert!((got - want).abs() < 1e-4 * want, "singular value {k}: {got} {want}");
            let cosine: f64 = (0..60).map(|j| f64::from(svd.basis.row(j)[k]) * v_t[(k, j)]).sum();
            assert!(cosine.abs() > 0.9999, "vector {k}: {cosine}");
        }
        let total: f64 = exact.singular_values.iter().map(|s| s * s).sum();
        let kept: f64 = exact.singular_values.iter().take(8).map(|s| s * s).sum();
        assert!((f64::from(svd.explained) - kept / total).abs() < 1e-4);
    }

    #[test]
    fn rank_one_leaves_the_other_columns_zero() {
        let mut a = Sparse::new(3);
        for _ in 0..5 {
            a.push([(0, 3.0), (2, 4.0)]);
        }
        let svd = truncated(&a, 3, 1).unwrap();
        assert!((singular(&a, &svd)[0] - 125.0f64.sqrt()).abs() < 1e-3);
        for (j, want) in [0.6, 0.0, 0.8].into_iter().enumerate() {
            assert!((svd.basis.row(j)[0] - want).abs() < 1e-4);
            assert_eq!(&svd.basis.row(j)[1..], &[0.0, 0.0]);
        }
        assert!((svd.explained - 1.0).abs() < 1e-4);
    }

    #[test]
    fn empty_and_non_finite_input() {
        let svd = truncated(&Sparse::new(0), 4, 1).unwrap();
        assert_eq!((svd.basis.rows, svd.basis.cols, svd.explained), (0, 4, 0.0));
        let mut a = Sparse::new(2);
        a.push([(0, f32::NAN), (1, 1.0)]);
        assert!(truncated(&a, 1, 1).is_err());
    }
}
