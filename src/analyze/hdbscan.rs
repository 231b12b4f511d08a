//! HDBSCAN (Campello et al. 2013) on embeddings, by the crate `hdbscan`: dense groups of any shape, and noise.
//!
//! Shapes: `x [n, d]`. Densities mean little in hundreds of dimensions (all distances look alike, and nearly everything
//! becomes noise), so rows are first reduced to their [`AXES`] principal axes.

use crate::analyze::Projector;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use ::hdbscan::{Hdbscan, HdbscanHyperParams};

/// Principal axes that are kept.
pub const AXES: usize = 10;
/// Neighbours that make a point dense: few, so that small groups are found.
const SAMPLES: usize = 3;

/// Group of each row, `[n]`, numbered from 0; none for noise. `least`: the fewest members of a group, at least 2.
///
/// # Errors
/// A value that is not finite; a `least` below 2.
pub fn hdbscan(x: &Matrix, least: usize, seed: u64) -> Result<Vec<Option<usize>>> {
    if least < 2 {
        return Err(Error::Config(format!("a group has at least 2 members, not {least}")));
    }
    if x.rows < least {
        return Ok(vec![None; x.rows]);
    }
    let reduced = Projector::new(AXES.min(x.cols), seed)?.project(x)?;
    let rows: Vec<Vec<f32>> = (0..reduced.rows).map(|i| reduced.row(i).to_vec()).collect();
    let how = HdbscanHyperParams::builder().min_cluster_size(least).min_samples(SAMPLES.min(x.rows - 1).max(1)).build();
    let labels = Hdbscan::new(&rows, how).cluster().map_err(|e| Error::Data(format!("hdbscan: {e}")))?;
    Ok(labels.into_iter().map(|label| usize::try_from(label).ok()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyze::random::{normal, rng};

    #[test]
    fn three_bundles_and_a_few_strays() {
        let mut r = rng(4);
        let mut rows = Vec::new();
        for bundle in 0..3 {
            for _ in 0..30 {
                rows.extend((0..20).map(|d| if d == bundle { 1.0 } else { 0.0 } + 0.02 * normal(&mut r)));
            }
        }
        for stray in 0..4 {
            rows.extend((0..20).map(|d| if d == 10 + stray { 3.0 } else { 0.0 }));
        }
        let found = hdbscan(&Matrix::new(94, 20, rows).unwrap(), 8, 0).unwrap();
        let groups: Vec<_> = [0, 30, 60].map(|start| found[start]).into();
        assert!(groups.iter().all(Option::is_some), "{groups:?}");
        assert_eq!(groups.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
        for (n, group) in groups.iter().enumerate() {
            assert!(found[30 * n..30 * (n + 1)].iter().all(|g| g == group), "{found:?}");
        }
        assert!(found[90..].iter().all(Option::is_none), "{found:?}");
    }

    #[test]
    fn bad_input_is_named() {
        let x = Matrix::zeros(1, 4);
        assert!(hdbscan(&x, 1, 0).unwrap_err().to_string().contains("not 1"));
        assert_eq!(hdbscan(&x, 5, 0).unwrap(), [None]);
        let same = Matrix::zeros(12, 4);
        assert_eq!(hdbscan(&same, 3, 0).unwrap().len(), 12);
    }
}
