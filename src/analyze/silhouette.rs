//! How many clusters are there? The number whose k-means clusters have the largest mean silhouette.
//!
//! Source: Rousseeuw 1987. Shapes: unit rows `x [n, d]`, labels `[n]`. Distances are Euclidean, `sqrt(2 - 2 x_i.x_j)`; a
//! row alone in its cluster counts 0, as in scikit-learn. O(n^2) memory.

use crate::analyze::kmeans::kmeans;
use crate::analyze::similarities;
use crate::error::Result;
use crate::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// The best number of clusters.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Number {
    /// Clusters.
    pub k: usize,
    /// Their mean silhouette, in `[-1, 1]`.
    pub silhouette: f64,
}

/// The `k` of `range` with the largest mean silhouette; the smallest of equally good ones. None where no `k` gives two
/// clusters.
pub fn number_of_clusters(
    x: &Matrix,
    range: RangeInclusive<usize>,
    restarts: usize,
    seed: u64,
) -> Result<Option<Number>> {
    let distances = distances(x);
    let mut best: Option<Number> = None;
    for k in range {
        let labels = kmeans(x, k, restarts, seed)?.labels;
        if let Some(silhouette) = mean_silhouette(&distances, &labels)
            && best.is_none_or(|b| silhouette > b.silhouette)
        {
            best = Some(Number { k, silhouette });
        }
    }
    Ok(best)
}

/// The mean silhouette of a clustering of unit rows; none with fewer than two clusters.
pub fn silhouette(x: &Matrix, labels: &[usize]) -> Option<f64> {
    mean_silhouette(&distances(x), labels)
}

/// `[n, n]`
fn distances(x: &Matrix) -> Matrix {
    let mut d = similarities(x, x);
    d.data.iter_mut().for_each(|s| *s = (2.0 - 2.0 * *s).max(0.0).sqrt());
    d
}

fn mean_silhouette(distances: &Matrix, labels: &[usize]) -> Option<f64> {
    let clusters = labels.iter().max()? + 1;
    let mut sizes = vec![0usize; clusters];
    labels.iter().for_each(|&l| sizes[l] += 1);
    if sizes.iter().filter(|&&size| size > 0).count() < 2 {
        return None;
    }
    let mut total = 0.0;
    for (i, &own) in labels.iter().enumerate().filter(|(_, own)| sizes[**own] > 1) {
        let mut sums = vec![0.0f64; clusters];
        for (j, (&d, &label)) in distances.row(i).iter().zip(labels).enumerate() {
            if j != i {
                sums[label] += f64::from(d);
            }
        }
        let inside = sums[own] / (sizes[own] - 1) as f64;
        let others = (0..clusters).filter(|&c| c != own && sizes[c] > 0);
        let outside = others.map(|c| sums[c] / sizes[c] as f64).fold(f64::INFINITY, f64::min);
        let larger = inside.max(outside);
        if larger > 0.0 {
            total += (outside - inside) / larger;
        }
    }
    Some(total / labels.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::random;

    #[derive(serde::Deserialize)]
    struct Case {
        rows: Vec<Vec<f32>>,
        labels: Vec<usize>,
        silhouette: f64,
    }

    #[test]
    fn equals_scikit_learn() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("../../tests/golden/silhouette.json")).unwrap();
        assert!(cases.len() >= 4);
        for case in cases {
            let cols = case.rows[0].len();
            let x = Matrix::new(case.rows.len(), cols, case.rows.concat()).unwrap();
            let ours = silhouette(&x, &case.labels).unwrap();
            assert!((ours - case.silhouette).abs() < 2e-5, "{ours} {}", case.silhouette);
        }
    }

    #[test]
    fn three_bundles_are_three_clusters() {
        let mut rng = random::rng(4);
        let centres = random::matrix(&mut rng, 3, 8);
        let mut x = random::matrix(&mut rng, 60, 8);
        for i in 0..60 {
            x.row_mut(i).iter_mut().zip(centres.row(i % 3)).for_each(|(x, c)| *x = 0.1 * *x + c);
        }
        let found = number_of_clusters(&x.normalised(), 2..=8, 5, 0).unwrap().unwrap();
        assert_eq!(found.k, 3);
        assert!(found.silhouette > 0.5);
    }

    #[test]
    fn one_cluster_has_no_silhouette() {
        let x = Matrix::new(3, 2, vec![1.0, 0.0, 1.0, 0.0, 1.0, 0.0]).unwrap();
        assert_eq!(silhouette(&x, &[0, 0, 0]), None);
        assert_eq!(number_of_clusters(&x, 2..=3, 2, 0).unwrap(), None);
    }
}
