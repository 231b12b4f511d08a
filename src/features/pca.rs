//! Principal components of the encoder's features: `z = C (x - mean)`, `x` `[1280]`, `C` `[256, 1280]`, `z` `[256]`.
//!
//! Fitted once for a pack (its builder) or for a user's own pictures. Not whitened: distances between projections approximate distances between features.

use crate::error::{Error, Result};
use crate::features::int8::{Entry, Int8, Scaled, bad, open, read_f32, write};
use crate::features::svd::{self, Sparse};
use crate::matrix::{Matrix, dot};

/// A fitted projection.
#[derive(Debug, Clone, PartialEq)]
pub struct Pca {
    mean: Vec<f32>,
    components: Int8,
    /// `components` as numbers, `[k, d]`.
    directions: Matrix,
}

impl Pca {
    /// From a mean `[d]` and orthonormal `components` `[k, d]`, which are rounded to 8 bits at once so that the builder
    /// projects with what the pack stores.
    pub fn new(mean: Vec<f32>, components: &Matrix) -> Result<Self> {
        if mean.len() != components.cols {
            return Err(Error::Data(format!("a mean of {} for components of {}", mean.len(), components.cols)));
        }
        let quantised = Int8::quantise(&components.data, &[components.rows, components.cols], Scaled::Rows);
        let directions = Matrix::new(components.rows, components.cols, quantised.dequantise())?;
        Ok(Self { mean, components: quantised, directions })
    }

    /// Fits at most `k` components on the rows of `features` `[n, d]`; fewer where there are fewer rows.
    ///
    /// # Errors
    /// No row, or numbers that no basis can be found for.
    pub fn fit(features: &Matrix, k: usize) -> Result<Self> {
        let (n, d) = (features.rows, features.cols);
        if n < 2 {
            return Err(Error::Data("a projection needs at least two pictures".into()));
        }
        let mut mean = vec![0.0f32; d];
        for i in 0..n {
            mean.iter_mut().zip(features.row(i)).for_each(|(m, x)| *m += x / n as f32);
        }
        let mut rows = Sparse::new(d);
        for i in 0..n {
            rows.push(features.row(i).iter().zip(&mean).enumerate().map(|(j, (x, m))| (j as u32, x - m)));
        }
        let k = k.min(n - 1).min(d);
        let basis = svd::truncated(&rows, k, 0)?.basis;
        let transposed = (0..k).flat_map(|c| (0..d).map(move |r| (r, c))).map(|(r, c)| basis.row(r)[c]).collect();
        Self::new(mean, &Matrix::new(k, d, transposed)?)
    }

    /// Reads the pack part `name`.
    pub fn from_part(name: &str, bytes: &[u8]) -> Result<Self> {
        let file = open(name, bytes)?;
        let mean = read_f32(&file, name, "mean")?;
        let components = Int8::read(&file, name, "components", Scaled::Rows)?;
        let &[k, d] = components.shape.as_slice() else {
            return Err(bad(name, "components are not a matrix"));
        };
        if d != mean.len() {
            return Err(bad(name, format!("a mean of {} for components of {d}", mean.len())));
        }
        let directions = Matrix::new(k, d, components.dequantise())?;
        Ok(Self { mean, components, directions })
    }

    /// The bytes of the pack part.
    pub fn to_part(&self, name: &str) -> Result<Vec<u8>> {
        let mut entries = self.components.entries("components").to_vec();
        entries.push(Entry::f32("mean", &[self.mean.len()], &self.mean));
        write(name, &entries)
    }

    /// `k`, the length of a projection.
    pub fn dim(&self) -> usize {
        self.directions.rows
    }

    /// Projects each row of `features` `[n, d]` to `[n, k]`.
    pub fn project(&self, features: &Matrix) -> Result<Matrix> {
        if features.cols != self.mean.len() {
            return Err(Error::Data(format!(
                "features of {} numbers for a projection of {}",
                features.cols,
                self.mean.len()
            )));
        }
        let mut out = Matrix::zeros(features.rows, self.dim());
        for i in 0..features.rows {
            let centred: Vec<f32> = features.row(i).iter().zip(&self.mean).map(|(x, mean)| x - mean).collect();
            for (k, z) in out.row_mut(i).iter_mut().enumerate() {
                *z = dot(&centred, self.directions.row(k));
            }
        }
        Ok(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_centred_rows_and_reads_back() {
        let components = Matrix::new(2, 3, vec![1.0, 0.0, 0.0, 0.0, 0.0, -1.0]).unwrap();
        let pca = Pca::new(vec![1.0, 2.0, 3.0], &components).unwrap();
        let projected = pca.project(&Matrix::new(1, 3, vec![4.0, 9.0, 5.0]).unwrap()).unwrap();
        assert_eq!(projected.data, [3.0, -2.0]);
        assert_eq!(Pca::from_part("pca", &pca.to_part("pca").unwrap()).unwrap(), pca);
        assert!(pca.project(&Matrix::zeros(1, 2)).is_err());
        assert!(Pca::new(vec![0.0; 2], &components).is_err());
    }

    #[test]
    fn a_fit_finds_the_plane_that_the_rows_lie_in() {
        // Rows around (5, 5, 5, 5) along (1, 1, 0, 0) and, less, (0, 0, 1, -1).
        let row = |i: usize| {
            let (a, b) = ((i as f32 * 1.7).sin() * 4.0, (i as f32 * 0.9).cos());
            [5.0 + a, 5.0 + a, 5.0 + b, 5.0 - b]
        };
        let rows = Matrix::new(30, 4, (0..30).flat_map(row).collect()).unwrap();
        let pca = Pca::fit(&rows, 2).unwrap();
        let flat = pca.project(&rows).unwrap();
        for (i, j) in [(0, 1), (3, 17), (8, 29)] {
            let apart = |m: &Matrix| m.row(i).iter().zip(m.row(j)).map(|(x, y)| (x - y).powi(2)).sum::<f32>().sqrt();
            assert!((apart(&flat) - apart(&rows)).abs() < 0.05 * apart(&rows), "{} {}", apart(&flat), apart(&rows));
        }
        assert_eq!(Pca::fit(&rows.select(0..3), 256).unwrap().dim(), 2);
        assert!(Pca::fit(&rows.select(0..1), 2).is_err());
    }
}
