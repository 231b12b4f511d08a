//! Regularised canonical correlation analysis in closed form: the best linear maps into a shared space.
//!
//! Shapes: `x [n, d_x]`, `y [n, d_y]`, row i of both is one pair; maps `[d_x, d]`, `[d_y, d]`. With the centred
//! covariances `C_xx + r_x I = L_x L_xᵀ` and likewise y, the singular value decomposition `L_x⁻¹ C_xy L_y⁻ᵀ = U Σ Vᵀ`
//! gives the directions `L_x⁻ᵀ U` and `L_y⁻ᵀ V` and the correlations `Σ` (Hotelling 1936; ridge: Vinod 1976). Columns
//! are scaled by `Σ^power`, which weights sure directions more in the cosine (Gong et al. 2014). All in f64.

use crate::analyze::{all_finite, centred, mean_row, points_down, product, same_cols, same_rows};
use crate::double::{gram, solve, solve_transposed, times_transposed};
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use nalgebra::{Cholesky, DMatrix};

/// Smallest ridge, relative to the mean variance: without any, a feature that is constant or repeated would make the
/// covariance singular.
const LEAST_RIDGE: f64 = 1e-10;
/// Correlations below this are rounding noise; their directions are zero columns.
const NOISE: f64 = 1e-6;

/// Settings of the fit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CcaOptions {
    /// Dimensions of the shared space.
    pub dim: usize,
    /// Ridge relative to the mean variance of each side: `r_x = ridge · trace(C_xx) / d_x`.
    pub ridge: f64,
    /// Power of the correlations that scales the variates; 0 leaves them at unit (regularised) variance.
    pub power: f64,
}

impl Default for CcaOptions {
    fn default() -> Self {
        Self { dim: 128, ridge: 0.1, power: 1.0 }
    }
}

/// Two linear maps into one space.
#[derive(Debug, Clone, PartialEq)]
pub struct Cca {
    /// Mean of the x side, `[d_x]`.
    pub x_mean: Vec<f32>,
    /// Mean of the y side, `[d_y]`.
    pub y_mean: Vec<f32>,
    /// `(x − x_mean) · x_map`, `[d_x, dim]`.
    pub x_map: Matrix,
    /// `(y − y_mean) · y_map`, `[d_y, dim]`.
    pub y_map: Matrix,
    /// Canonical correlations of the regularised problem, falling; `[dim]`, 0 where the data has no more directions.
    pub correlations: Vec<f32>,
}

impl Cca {
    /// Fits pairs. Directions beyond the rank of the data are zero columns. Errors: fewer than two pairs, unequal
    /// numbers of rows, a value that is not finite, a negative ridge.
    pub fn fit(x: &Matrix, y: &Matrix, options: &CcaOptions) -> Result<Self> {
        same_rows(x, y, "CCA")?;
        all_finite(x, "CCA, first side")?;
        all_finite(y, "CCA, second side")?;
        if x.rows < 2 || x.cols == 0 || y.cols == 0 {
            return Err(Error::Data(format!("CCA needs at least two pairs with features, got {}", x.rows)));
        }
        if !(options.ridge >= 0.0 && options.ridge.is_finite() && options.power.is_finite()) {
            return Err(Error::Config(format!(
                "CCA needs a ridge of at least 0 and a finite power, got {} and {}",
                options.ridge, options.power
            )));
        }
        let (x_mean, y_mean) = (mean_row(x), mean_row(y));
        let (xt, yt) = (centred_columns(x, &x_mean), centred_columns(y, &y_mean));
        let mut fitted = Self {
            x_mean: x_mean.iter().map(|m| *m as f32).collect(),
            y_mean: y_mean.iter().map(|m| *m as f32).collect(),
            x_map: Matrix::zeros(x.cols, options.dim),
            y_map: Matrix::zeros(y.cols, options.dim),
            correlations: vec![0.0; options.dim],
        };
        let (Some(lx), Some(ly)) = (whitener(&xt, options.ridge)?, whitener(&yt, options.ridge)?) else {
            return Ok(fitted); // One side never varies: there is nothing to correlate.
        };

        // L_x⁻¹ C_xy L_y⁻ᵀ; triangular factors of a positive-definite matrix always solve.
        let mut t = times_transposed(&yt, &xt) / x.rows as f64;
        solve(&lx, &mut t);
        let mut t = t.transpose();
        solve(&ly, &mut t);
        let Svd { mut u, mut v, sigma } = svd(t, options.dim);
        solve_transposed(&lx, &mut u);
        solve_transposed(&ly, &mut v);

        for (c, &rho) in sigma.iter().enumerate().take_while(|(_, rho)| **rho > NOISE) {
            let sign = if points_down(u.row(c).iter().copied()) { -1.0 } else { 1.0 };
            let scale = sign * rho.powf(options.power);
            for (map, from) in [(&mut fitted.x_map, &u), (&mut fitted.y_map, &v)] {
                for (r, value) in from.row(c).iter().enumerate() {
                    map.row_mut(r)[c] = (value * scale) as f32;
                }
            }
            fitted.correlations[c] = rho as f32;
        }
        Ok(fitted)
    }

    /// The x side in the shared space, `[n, dim]`, not normalised.
    pub fn project_x(&self, x: &Matrix) -> Result<Matrix> {
        project(x, &self.x_mean, &self.x_map)
    }

    /// The y side in the shared space, `[n, dim]`, not normalised.
    pub fn project_y(&self, y: &Matrix) -> Result<Matrix> {
        project(y, &self.y_mean, &self.y_map)
    }
}

fn project(rows: &Matrix, mean: &[f32], map: &Matrix) -> Result<Matrix> {
    same_cols(rows.cols, map.rows, "CCA")?;
    let mean: Vec<f64> = mean.iter().map(|m| f64::from(*m)).collect();
    Ok(product(&centred(rows, &mean), &DMatrix::from_row_slice(map.rows, map.cols, &map.data)))
}

/// Centred rows as the columns of `[d, n]`.
fn centred_columns(m: &Matrix, mean: &[f64]) -> DMatrix<f64> {
    let values = m.data.iter().zip(mean.iter().cycle()).map(|(x, c)| f64::from(*x) - c);
    DMatrix::from_iterator(m.cols, m.rows, values)
}

/// Lower Cholesky factor of the regularised covariance of centred columns; none when nothing varies.
fn whitener(columns: &DMatrix<f64>, ridge: f64) -> Result<Option<DMatrix<f64>>> {
    let mut covariance = gram(columns) / columns.ncols() as f64;
    let variance = covariance.trace() / covariance.nrows() as f64;
    if variance <= f64::MIN_POSITIVE {
        return Ok(None);
    }
    let ridge = ridge.max(LEAST_RIDGE) * variance;
    for i in 0..covariance.nrows() {
        covariance[(i, i)] += ridge;
    }
    match Cholesky::new(covariance) {
        Some(factor) => Ok(Some(factor.unpack())),
        None => Err(Error::Config("CCA: the covariance is singular; raise the ridge".into())),
    }
}

/// The first singular vectors in rows, `u [r, d_x]`, `v [r, d_y]`, with falling `sigma [r]`.
struct Svd {
    u: DMatrix<f64>,
    v: DMatrix<f64>,
    sigma: Vec<f64>,
}

/// Through the eigenvectors of the smaller of `t tᵀ` and `tᵀ t`: several times faster than a full decomposition; what it
/// loses, singular values near 0, is cut off anyway.
fn svd(t: DMatrix<f64>, dim: usize) -> Svd {
    if t.nrows() > t.ncols() {
        let Svd { u, v, sigma } = svd(t.transpose(), dim);
        return Svd { u: v, v: u, sigma };
    }
    let eigen = gram(&t).symmetric_eigen();
    let mut order: Vec<usize> = (0..t.nrows()).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    order.truncate(dim);
    let sigma: Vec<f64> = order.iter().map(|c| eigen.eigenvalues[*c].max(0.0).sqrt()).collect();
    let u = eigen.eigenvectors.select_columns(&order).transpose();
    let mut v = times_transposed(&u, &t.transpose());
    for (mut row, s) in v.row_iter_mut().zip(&sigma) {
        if *s > NOISE {
            row /= *s;
        }
    }
    Svd { u, v, sigma }
}

#[cfg(test)]
#[path = "cca_tests.rs"]
mod tests;
