//! k-means with k-means++ seeding (Arthur & Vassilvitskii 2007) and restarts; the best inertia wins.
//!
//! Shapes: rows `x [n, d]`, centroids `c [k, d]`, labels `[n]`. Rows are centred first, so that the expansion
//! `‖x − c‖² = ‖x‖² − 2 x·c + ‖c‖²` loses no digits; all `x·c` of a pass are one matrix product. `‖x‖²` is the same for
//! every centroid and left out of the comparison. Sums over rows are f64.

use crate::analyze::{all_finite, centred, mean_row, similarities};
use crate::error::{Error, Result};
use crate::matrix::{Matrix, dot};
use crate::rng::{Purpose, Rng, stream};
use rand::Rng as _;

/// Restarts that METHOD.md prescribes.
pub const RESTARTS: usize = 10;
/// Passes per restart; reached only by data without structure.
const MAX_PASSES: usize = 300;
/// A pass that moves the centroids (sum of squares) by less than this share of the mean variance is the last one:
/// scikit-learn's criterion and value.
const TOLERANCE: f64 = 1e-4;

/// A clustering.
#[derive(Debug, Clone, PartialEq)]
pub struct KMeans {
    /// Cluster of each row, below `centroids.rows`.
    pub labels: Vec<usize>,
    /// Means of the clusters, `[k, d]`.
    pub centroids: Matrix,
    /// Sum of the squared distances of the rows to their centroids.
    pub inertia: f64,
}

/// Clusters `rows` into `k`, or into as many clusters as there are distinct rows where those are fewer.
///
/// The same input and seed give the same result. Errors: no row, `k = 0`, `restarts = 0`, a value that is not finite.
pub fn kmeans(rows: &Matrix, k: usize, restarts: usize, seed: u64) -> Result<KMeans> {
    if k == 0 || restarts == 0 {
        return Err(Error::Config(format!("k-means needs k >= 1 and restarts >= 1, got k {k}, restarts {restarts}")));
    }
    if rows.rows == 0 {
        return Err(Error::Data("k-means: there is no row to cluster".into()));
    }
    all_finite(rows, "k-means")?;
    let mean = mean_row(rows);
    let x = centred(rows, &mean);
    let total: f64 = x.data.iter().map(|v| f64::from(*v).powi(2)).sum();
    let tolerance = TOLERANCE * total / (x.data.len().max(1) as f64);

    let mut best = restart(&x, k, tolerance, &mut stream(seed, Purpose::KMeans, 0));
    for r in 1..restarts {
        let next = restart(&x, k, tolerance, &mut stream(seed, Purpose::KMeans, r as u64));
        if next.inertia < best.inertia {
            best = next;
        }
    }
    for c in 0..best.centroids.rows {
        best.centroids.row_mut(c).iter_mut().zip(&mean).for_each(|(x, m)| *x = (f64::from(*x) + m) as f32);
    }
    Ok(best)
}

/// One run from fresh seeds to convergence.
fn restart(x: &Matrix, k: usize, tolerance: f64, rng: &mut Rng) -> KMeans {
    let mut centroids = x.select(plus_plus(x, k, rng));
    let mut labels = assign(x, &centroids);
    for _ in 0..MAX_PASSES {
        let moved = update(x, &mut labels, &mut centroids);
        let next = assign(x, &centroids);
        let settled = next == labels;
        labels = next;
        if settled || moved <= tolerance {
            break;
        }
    }
    let inertia = (0..x.rows).map(|i| squared_distance(x.row(i), centroids.row(labels[i]))).sum();
    KMeans { labels, centroids, inertia }
}

/// k-means++: each next seed is drawn with probability proportional to the squared distance to the seeds so far.
/// Fewer than `k` indices when every row already is a seed.
fn plus_plus(x: &Matrix, k: usize, rng: &mut Rng) -> Vec<usize> {
    let mut seeds = vec![rng.random_range(0..x.rows)];
    let mut nearest = vec![f64::INFINITY; x.rows];
    loop {
        let last = x.row(seeds[seeds.len() - 1]);
        for (i, d) in nearest.iter_mut().enumerate() {
            *d = d.min(squared_distance(x.row(i), last));
        }
        let total: f64 = nearest.iter().sum();
        if seeds.len() >= k || total <= 0.0 {
            return seeds;
        }
        let mut left = rng.random::<f64>() * total;
        // Rounding can leave a rest after the last row: then the last row that is not a seed is meant.
        let mut chosen = seeds[0];
        for (i, d) in nearest.iter().enumerate().filter(|(_, d)| **d > 0.0) {
            chosen = i;
            left -= d;
            if left < 0.0 {
                break;
            }
        }
        seeds.push(chosen);
    }
}

/// Nearest centroid of each row; of equally near ones, the first.
fn assign(x: &Matrix, centroids: &Matrix) -> Vec<usize> {
    let scores = similarities(x, centroids);
    let half: Vec<f32> = (0..centroids.rows).map(|c| dot(centroids.row(c), centroids.row(c)) / 2.0).collect();
    scores
        .data
        .chunks_exact(centroids.rows)
        .map(|row| {
            let mut best = (0, f32::NEG_INFINITY);
            for (c, (s, h)) in row.iter().zip(&half).enumerate() {
                if s - h > best.1 {
                    best = (c, s - h);
                }
            }
            best.0
        })
        .collect()
}

/// Moves every centroid to the mean of its rows and returns the sum of the squared shifts. A cluster without rows takes
/// over the row farthest from its own centroid, so that none stays empty while rows can be spared.
fn update(x: &Matrix, labels: &mut [usize], centroids: &mut Matrix) -> f64 {
    let mut counts = vec![0usize; centroids.rows];
    labels.iter().for_each(|l| counts[*l] += 1);
    for empty in 0..centroids.rows {
        if counts[empty] > 0 {
            continue;
        }
        let mut farthest = (0.0, None);
        for (i, &label) in labels.iter().enumerate().filter(|(_, l)| counts[**l] > 1) {
            let d = squared_distance(x.row(i), centroids.row(label));
            if d > farthest.0 {
                farthest = (d, Some(i));
            }
        }
        if let Some(i) = farthest.1 {
            counts[labels[i]] -= 1;
            counts[empty] = 1;
            labels[i] = empty;
        }
    }

    let d = x.cols;
    let mut sums = vec![0.0f64; centroids.rows * d];
    for (i, &label) in labels.iter().enumerate() {
        sums[label * d..][..d].iter_mut().zip(x.row(i)).for_each(|(s, v)| *s += f64::from(*v));
    }
    let mut moved = 0.0;
    for (c, &count) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
        for (old, sum) in centroids.row_mut(c).iter_mut().zip(&sums[c * d..]) {
            let new = (sum / count as f64) as f32;
            moved += f64::from(new - *old).powi(2);
            *old = new;
        }
    }
    moved
}

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    let mut sums = [0.0f32; 8];
    let (a8, a_tail) = a.as_chunks::<8>();
    let (b8, b_tail) = b.as_chunks::<8>();
    for (x, y) in a8.iter().zip(b8) {
        for l in 0..8 {
            sums[l] += (x[l] - y[l]) * (x[l] - y[l]);
        }
    }
    f64::from(sums.iter().sum::<f32>() + a_tail.iter().zip(b_tail).map(|(x, y)| (x - y) * (x - y)).sum::<f32>())
}

#[cfg(test)]
#[path = "kmeans_tests.rs"]
mod tests;
