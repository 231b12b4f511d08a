//! Fits the projection: the principal components of all styles' encoder features together.

use mtls_lab::error::Result;
use mtls_lab::features::pca::Pca;
use mtls_lab::matrix::Matrix;
use nalgebra::{DMatrix, SymmetricEigen};

/// Components kept.
pub const COMPONENTS: usize = 256;

/// The projection and the share of variance it keeps.
pub fn fit(features: &[Matrix]) -> Result<(Pca, f64)> {
    let dim = features.first().map_or(0, |block| block.cols);
    let rows: usize = features.iter().map(|block| block.rows).sum();
    let all = features.iter().flat_map(|block| block.data.iter().map(|x| f64::from(*x)));
    let mut x = DMatrix::from_row_iterator(rows, dim, all);
    let mean = x.row_mean();
    for mut row in x.row_iter_mut() {
        row -= &mean;
    }
    let eigen = SymmetricEigen::new(x.tr_mul(&x) / rows as f64);
    let mut order: Vec<usize> = (0..dim).collect();
    order.sort_by(|a, b| eigen.eigenvalues[*b].total_cmp(&eigen.eigenvalues[*a]));
    let kept = order[..COMPONENTS].iter().map(|i| eigen.eigenvalues[*i]).sum::<f64>() / eigen.eigenvalues.sum();
    let mut components = Matrix::zeros(COMPONENTS, dim);
    for (k, i) in order[..COMPONENTS].iter().enumerate() {
        let direction = eigen.eigenvectors.column(*i);
        // An eigenvector's sign is arbitrary: the largest entry is made positive.
        let sign = direction[direction.icamax()].signum();
        for (to, from) in components.row_mut(k).iter_mut().zip(direction.iter()) {
            *to = (from * sign) as f32;
        }
    }
    Ok((Pca::new(mean.iter().map(|x| *x as f32).collect(), &components)?, kept))
}
