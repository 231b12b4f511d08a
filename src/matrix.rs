//! A dense row-major matrix of `f32`: what crosses between data, features, towers and analysis.

use crate::error::{Error, Result};
use multiversion::multiversion;

/// Row-major `[rows, cols]` matrix.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Matrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// `rows * cols` values, row by row.
    pub data: Vec<f32>,
}

impl Matrix {
    /// Wraps `data`; an error when its length is not `rows * cols`.
    pub fn new(rows: usize, cols: usize, data: Vec<f32>) -> Result<Self> {
        if data.len() == rows * cols {
            Ok(Self { rows, cols, data })
        } else {
            Err(Error::Data(format!("a {rows} x {cols} matrix needs {} values, got {}", rows * cols, data.len())))
        }
    }

    /// All zeros.
    pub fn zeros(rows: usize, cols: usize) -> Self {
        Self { rows, cols, data: vec![0.0; rows * cols] }
    }

    /// Row `i`.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }

    /// Row `i`, mutable.
    pub fn row_mut(&mut self, i: usize) -> &mut [f32] {
        &mut self.data[i * self.cols..(i + 1) * self.cols]
    }

    /// The rows named by `index`, in that order.
    pub fn select(&self, index: impl IntoIterator<Item = usize>) -> Self {
        let mut data = Vec::new();
        let mut rows = 0;
        for i in index {
            data.extend_from_slice(self.row(i));
            rows += 1;
        }
        Self { rows, cols: self.cols, data }
    }

    /// Every row scaled to unit length; a zero row stays zero.
    pub fn normalised(mut self) -> Self {
        for i in 0..self.rows {
            normalise(self.row_mut(i));
        }
        self
    }
}

/// Scales `v` to unit length in place; a zero vector stays zero.
pub fn normalise(v: &mut [f32]) {
    let norm = v.iter().map(|x| f64::from(*x) * f64::from(*x)).sum::<f64>().sqrt();
    if norm > 0.0 {
        v.iter_mut().for_each(|x| *x = (f64::from(*x) / norm) as f32);
    }
}

/// The sum. Eight partial sums: SIMD lanes, the same result every time, and less rounding than one.
pub fn sum(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<8>();
    let mut sums = [0.0f32; 8];
    for chunk in chunks {
        (0..8).for_each(|l| sums[l] += chunk[l]);
    }
    sums.iter().sum::<f32>() + rest.iter().sum::<f32>()
}

/// Inner products of `query` with rows of its length, laid one after the other: [`dot`] of each, to the bit.
#[multiversion(targets("x86_64+avx2"))]
pub fn dots(query: &[f32], rows: &[f32], products: &mut [f32]) {
    for (product, row) in products.iter_mut().zip(rows.chunks_exact(query.len().max(1))) {
        *product = dot(query, row);
    }
}

/// `y += a x`.
#[inline(always)]
pub fn axpy(y: &mut [f32], a: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y += a * x;
    }
}

/// Inner product.
#[inline]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight partial sums let the compiler use SIMD lanes without changing the result between runs.
    let mut sums = [0.0f32; 8];
    let (a8, a_tail) = a.as_chunks::<8>();
    let (b8, b_tail) = b.as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for l in 0..8 {
            sums[l] += x[l] * y[l];
        }
    }
    sums.iter().sum::<f32>() + a_tail.iter().zip(b_tail).map(|(x, y)| x * y).sum::<f32>()
}
