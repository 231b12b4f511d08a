//! A picture of the space that stays put: PCA to a few dimensions, aligned to the frame before.
//!
//! Shapes: rows `x [n, d]` (images and texts stacked, so that both are in one plot), map `w [d, dims]`, coordinates
//! `(x − mean) w [n, dims]`. Principal axes are defined up to their sign, and near-equal ones swap between refreshes;
//! the orthogonal Procrustes rotation (Schönemann 1966) onto the previous coordinates of the same rows removes both,
//! without scaling, so that what still moves is the embedding.

use crate::analyze::{all_finite, centred, mean_row, points_down, product, same_cols, view, view_transposed};
use crate::error::{Error, Result};
use crate::matrix::{Matrix, dot};
use crate::rng::{Purpose, Rng, stream};
use crate::tensor::cpu::matmul::{Operand, matmul};
use nalgebra::DMatrix;
use rand::Rng as _;

/// Directions carried along beyond those asked for; they speed up convergence where variances are close.
const SPARE: usize = 5;
/// Passes over the rows at most; a frame that starts from the one before needs two or three.
const MAX_PASSES: usize = 24;
/// Iteration ends when a pass changes the captured variance by less than this share.
const TOLERANCE: f32 = 1e-6;
/// An axis with less than this share of the variance of the first (or of the raw squares) is rounding noise.
const NOISE: f64 = 1e-10;

/// PCA with a memory of its last frame.
#[derive(Debug, Clone)]
pub struct Projector {
    dims: usize,
    seed: u64,
    frame: Option<Frame>,
}

#[derive(Debug, Clone)]
struct Frame {
    mean: Vec<f64>,
    /// `[d, dims]`, rotation included.
    map: DMatrix<f32>,
    coordinates: Matrix,
}

impl Projector {
    /// A projector to `dims` dimensions.
    pub fn new(dims: usize, seed: u64) -> Result<Self> {
        if dims >= 1 {
            Ok(Self { dims, seed, frame: None })
        } else {
            Err(Error::Config("a projection has at least one dimension".to_owned()))
        }
    }

    /// Coordinates `[n, dims]` of `rows`, centred at 0, rotated onto the previous ones when those were of as many rows.
    ///
    /// Axes that the data does not have (no or one row, all rows equal, rows on a line) are 0. An error, which leaves
    /// the previous frame in place, when a value is not finite.
    pub fn project(&mut self, rows: &Matrix) -> Result<Matrix> {
        all_finite(rows, "projection")?;
        let mean = mean_row(rows);
        let x = centred(rows, &mean);
        let total = squares(&x);
        let raw = total + rows.rows as f64 * mean.iter().map(|m| m * m).sum::<f64>();
        let previous = self.frame.as_ref();
        let start = previous.map(|f| &f.map).filter(|map| map.nrows() == x.cols);
        let mut map = principal_axes(&x, self.dims, [total, raw], start, self.seed);
        if let Some(frame) = previous.filter(|f| f.coordinates.rows == x.rows) {
            map = &map * procrustes(&product(&x, &map), &frame.coordinates);
        }
        let coordinates = product(&x, &map);
        self.frame = Some(Frame { mean, map, coordinates: coordinates.clone() });
        Ok(coordinates)
    }

    /// Where other rows (a query, say) lie in the present frame. An error before the first frame or for another
    /// dimension.
    pub fn place(&self, rows: &Matrix) -> Result<Matrix> {
        let frame = self.frame.as_ref().ok_or_else(|| Error::Data("projection: there is no frame yet".into()))?;
        same_cols(rows.cols, frame.map.nrows(), "projection")?;
        Ok(product(&centred(rows, &frame.mean), &frame.map))
    }

    /// Coordinates of the last frame.
    pub fn previous(&self) -> Option<&Matrix> {
        self.frame.as_ref().map(|f| &f.coordinates)
    }

    /// Forgets the last frame: the next one shows the principal axes themselves.
    pub fn reset(&mut self) {
        self.frame = None;
    }
}

/// The sum of all squares.
fn squares(x: &Matrix) -> f64 {
    (0..x.rows).map(|i| f64::from(dot(x.row(i), x.row(i)))).sum()
}

/// `X^T X q` for columns `q [d, w]`: through the `[d, d]` table once where there are more rows than columns, which are
/// then looked at once and not in every pass.
fn squared(x: &Matrix) -> impl Fn(&DMatrix<f32>) -> DMatrix<f32> {
    let d = x.cols;
    let table = (d <= x.rows).then(|| inner_products(x));
    move |q| match &table {
        Some(table) => {
            let columns = product(table, q);
            DMatrix::from_row_slice(columns.rows, columns.cols, &columns.data)
        }
        None => {
            let y = product(x, q);
            let mut out = DMatrix::<f32>::zeros(d, q.ncols());
            out.gemm(1.0, &view_transposed(x), &view(&y), 0.0);
            out
        }
    }
}

/// `X^T X`, `[d, d]`: some of its rows at a time, from the diagonal on, as the other half is the same.
fn inner_products(x: &Matrix) -> Matrix {
    const ROWS: usize = 32;
    let d = x.cols;
    let mut table = Matrix::zeros(d, d);
    for start in (0..d).step_by(ROWS) {
        let (from, rows, columns) = (&x.data[start..], ROWS.min(d - start), d - start);
        let mut part = Matrix::zeros(rows, columns);
        let sizes = [rows, x.rows, columns];
        matmul(&mut part.data, sizes, Operand::columns(from, d), Operand::rows(from, d), false);
        for i in 0..rows {
            table.row_mut(start + i)[start..].copy_from_slice(part.row(i));
            for (j, product) in part.row(i).iter().enumerate().skip(rows) {
                table.data[(start + j) * d + start + i] = *product;
            }
        }
    }
    table
}

/// The first `dims` principal axes of centred rows as columns `[d, dims]`, by block subspace iteration with a
/// Rayleigh–Ritz step. Axes that are noise are zero columns.
fn principal_axes(
    x: &Matrix,
    dims: usize,
    [total, raw]: [f64; 2],
    start: Option<&DMatrix<f32>>,
    seed: u64,
) -> DMatrix<f32> {
    let mut axes = DMatrix::zeros(x.cols, dims);
    if total <= NOISE * NOISE.sqrt() * raw || x.rows < 2 {
        return axes;
    }
    let width = (dims + SPARE).min(x.cols);
    let mut rng = stream(seed, Purpose::Projection, 0);
    let mut q = DMatrix::from_fn(x.cols, width, |_, _| uniform(&mut rng));
    if let Some(start) = start {
        for c in 0..dims.min(width) {
            // A zero axis of the last frame starts afresh: the data may have grown into it.
            if start.column(c).iter().any(|w| *w != 0.0) {
                q.set_column(c, &start.column(c));
            }
        }
    }
    let times = squared(x);
    let (mut captured, mut ritz) = (0.0f32, None);
    for _ in 0..MAX_PASSES {
        q = q.qr().q();
        let next = times(&q);
        let gram = q.transpose() * &next;
        let eigen = gram.cast::<f64>().symmetric_eigen();
        let mut order: Vec<usize> = (0..width).collect();
        order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
        order.truncate(dims);
        let now = order.iter().map(|c| eigen.eigenvalues[*c] as f32).sum::<f32>();
        let settled = (now - captured).abs() <= TOLERANCE * now;
        captured = now;
        ritz = Some((q, eigen, order));
        if settled {
            break;
        }
        q = next;
    }
    if let Some((q, eigen, order)) = ritz {
        let floor = NOISE * eigen.eigenvalues[order[0]];
        for (to, from) in order.into_iter().enumerate().filter(|(_, c)| eigen.eigenvalues[*c] > floor) {
            let mut axis = &q * eigen.eigenvectors.column(from).map(|w| w as f32);
            if points_down(axis.iter().map(|w| f64::from(*w))) {
                axis.neg_mut();
            }
            axes.set_column(to, &axis);
        }
    }
    axes
}

/// The rotation or reflection `R [dims, dims]` that brings `y R` nearest to `onto`.
fn procrustes(y: &Matrix, onto: &Matrix) -> DMatrix<f32> {
    let mut m = DMatrix::<f64>::zeros(y.cols, onto.cols);
    for i in 0..y.rows {
        for (r, a) in y.row(i).iter().enumerate() {
            for (c, b) in onto.row(i).iter().enumerate() {
                m[(r, c)] += f64::from(*a) * f64::from(*b);
            }
        }
    }
    let svd = m.svd(true, true);
    match (svd.u, svd.v_t) {
        (Some(u), Some(v_t)) => (u * v_t).cast(),
        _ => DMatrix::identity(y.cols, y.cols),
    }
}

fn uniform(rng: &mut Rng) -> f32 {
    rng.random::<f32>() - 0.5
}

#[cfg(test)]
#[path = "projection_tests.rs"]
mod tests;
