//! Principal components of the encoder's features: `z = C (x - mean)`, `x` `[1280]`, `C` `[256, 1280]`, `z` `[256]`.
//!
//! Not whitened: distances between projections approximate distances between features.

use crate::error::{Error, Result};
use crate::features::int8::{Entry, Int8, Scaled, bad, open, read_f32, write};
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
}
