//! What the benchmarks measure, the same natively and in a browser: a [`Job`] says what is done on which random data,
//! [`measure`] how long it took. The data are the same numbers everywhere, so a result can be checked against another
//! program's ([`Measured::check`]).

use crate::analyze::kmeans::kmeans;
use crate::analyze::structure::overlap_at_k;
use crate::analyze::{Projector, retrieval, top_k};
use crate::config::Triplets;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::rng::{Purpose, stream};
use crate::tensor::Device;
use crate::tensor::cpu::Array;
use crate::train::reference::{Reference, Workload};
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use std::hint::black_box;
use web_time::Instant;

/// Runs are timed after this many seconds of them: a browser compiles what is hot a second time, in the background.
const WARM_UP: f64 = 0.3;
/// The step whose loss is compared: late enough that a wrong update shows, early enough that rounding does not.
const COMPARED_STEP: usize = 5;
/// Queries of one timed search: a browser's clock is too coarse for a single one.
const QUERIES: usize = 8;
/// Groups in the random rows.
const GROUPS: usize = 40;
/// Standard deviation inside a group over that of the groups' centres: they touch, as in a trained space.
const NOISE: f32 = 0.8;

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Job {
    /// One training step of [`Workload::benchmark`].
    Step {
        /// Pairs in a batch.
        batch: usize,
        /// Dimensions of the joint space.
        #[serde(default = "joint_dim")]
        dim: usize,
        /// Both transfer terms.
        #[serde(default)]
        transfer: Transfer,
    },
    /// The `k` rows nearest to a query.
    Search {
        /// Rows of the table.
        rows: usize,
        /// Columns.
        dim: usize,
        /// Hits.
        k: usize,
    },
    /// A table read once from memory, on all threads there are: no exact search is faster.
    Read {
        /// Rows of the table.
        rows: usize,
        /// Columns.
        dim: usize,
    },
    /// Recall and ranks of all pairs, both ways.
    Evaluate {
        /// Pairs.
        rows: usize,
        /// Columns.
        dim: usize,
    },
    /// The `k` nearest other rows of every row.
    Neighbours {
        /// Rows.
        rows: usize,
        /// Columns.
        dim: usize,
        /// Neighbours of a row.
        k: usize,
    },
    /// k-means.
    Kmeans {
        /// Rows.
        rows: usize,
        /// Columns.
        dim: usize,
        /// Clusters.
        k: usize,
        /// Restarts.
        restarts: usize,
    },
    /// PCA from scratch: the first frame of a projection.
    Projection {
        /// Rows.
        rows: usize,
        /// Columns.
        dim: usize,
        /// Axes.
        dims: usize,
    },
}

fn joint_dim() -> usize {
    128
}

/// Which triplets teach in a measured step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// None: retrieval only.
    #[default]
    None,
    /// Drawn ones, as many an anchor as the default has.
    Sampled,
    /// All of a batch.
    All,
}

/// How long a job took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The job.
    #[serde(flatten)]
    pub job: Job,
    /// Median milliseconds.
    pub median_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// Timed runs.
    pub runs: usize,
    /// What came out: the loss of the fifth step, the score of the best hit, the mean of the squares, the sum of the recalls,
    /// the overlap of the neighbourhoods, the inertia, the variance along the axes.
    pub check: f64,
}

impl Job {
    fn workload(self) -> Option<Workload> {
        let Self::Step { batch, dim, transfer } = self else { return None };
        let mut workload = Workload::benchmark(batch, transfer != Transfer::None);
        workload.config.model.dim = dim;
        if transfer == Transfer::All {
            workload.config.transfer.triplets = Triplets::All;
        }
        Some(workload)
    }
}

/// Does `job` `repeat` times after a warm-up.
///
/// # Errors
/// A shape that the job cannot be done on.
pub async fn measure(job: Job, repeat: usize, device: &Device) -> Result<Measured> {
    if repeat == 0 {
        return Err(Error::Config("a job is measured at least once; --repeat 0 measures nothing".into()));
    }
    let (times, check) = match job {
        Job::Step { .. } => match job.workload() {
            Some(workload) => steps(&workload, repeat, device).await?,
            None => unreachable!("a step has a workload"),
        },
        Job::Search { rows, dim, k } => {
            let table = grouped(rows, dim, 0);
            let queries = grouped(QUERIES, dim, 1);
            let (times, check) = timed(repeat, || {
                let mut best = 0.0;
                for q in 0..QUERIES {
                    best += f64::from(top_k(queries.row(q), &table, k)?.first().map_or(0.0, |hit| hit.score));
                }
                Ok(best / QUERIES as f64)
            })?;
            (times.into_iter().map(|t| t / QUERIES as f64).collect(), check)
        }
        Job::Read { rows, dim } => {
            let table = Array::new(grouped(rows, dim, 0).data, [rows, dim]);
            let (times, check) = timed(repeat, || Ok((0..QUERIES).map(|_| table.square_sum()).sum()))?;
            let values = (QUERIES * rows * dim) as f64;
            (times.into_iter().map(|t| t / QUERIES as f64).collect(), check / values)
        }
        Job::Evaluate { rows, dim } => {
            let (images, texts) = (grouped(rows, dim, 0), grouped(rows, dim, 1));
            let own: Vec<usize> = (0..rows).collect();
            timed(repeat, || Ok(retrieval::retrieval(&images, &texts, &own)?.mr))?
        }
        Job::Neighbours { rows, dim, k } => {
            let table = grouped(rows, dim, 0);
            // Two graphs and what they share: of one table, half of it is one graph.
            let (times, check) = timed(repeat, || Ok(overlap_at_k(&table, &table, k)?.unwrap_or(0.0)))?;
            (times.into_iter().map(|t| t / 2.0).collect(), check)
        }
        Job::Kmeans { rows, dim, k, restarts } => {
            let table = grouped(rows, dim, 0);
            timed(repeat, || Ok(kmeans(&table, k, restarts, 1)?.inertia))?
        }
        Job::Projection { rows, dim, dims } => {
            let table = grouped(rows, dim, 0);
            timed(repeat, || {
                let points = Projector::new(dims, 1)?.project(&table)?;
                Ok(points.data.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / rows as f64)
            })?
        }
    };
    let (median_ms, p95_ms) = quantiles(&times);
    Ok(Measured { job, median_ms, p95_ms, runs: times.len(), check })
}

async fn steps(workload: &Workload, repeat: usize, device: &Device) -> Result<(Vec<f64>, f64)> {
    let mut reference = Reference::new(workload, device)?;
    let mut check = f64::NAN;
    let start = Instant::now();
    for _ in 0..COMPARED_STEP {
        check = f64::from(reference.step().await?);
    }
    while start.elapsed().as_secs_f64() < WARM_UP {
        reference.step().await?;
    }
    let mut times = Vec::with_capacity(repeat);
    for _ in 0..repeat {
        let start = Instant::now();
        black_box(reference.step().await?);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok((times, check))
}

/// Milliseconds of `repeat` runs, and what the last one gave.
fn timed(repeat: usize, mut run: impl FnMut() -> Result<f64>) -> Result<(Vec<f64>, f64)> {
    let start = Instant::now();
    let mut check = run()?;
    while start.elapsed().as_secs_f64() < WARM_UP {
        check = run()?;
    }
    let mut times = Vec::with_capacity(repeat);
    for _ in 0..repeat {
        let start = Instant::now();
        check = black_box(run()?);
        times.push(start.elapsed().as_secs_f64() * 1e3);
    }
    Ok((times, check))
}

/// Median and 95th percentile: the smallest time that at least half, or 95 in 100, of the runs did not exceed.
pub fn quantiles(times: &[f64]) -> (f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |hundredths: usize| sorted.get((sorted.len() * hundredths).div_ceil(100).max(1) - 1);
    (at(50).copied().unwrap_or(f64::NAN), at(95).copied().unwrap_or(f64::NAN))
}

/// Random unit rows in groups, `[rows, dim]`; tables of different `draw` have the same groups, as the two modalities of one
/// data set do.
pub fn grouped(rows: usize, dim: usize, draw: u64) -> Matrix {
    let mut centre_of = stream(1, Purpose::Init, 1);
    let centres: Vec<f32> = (0..GROUPS * dim).map(|_| centre_of.random_range(-1.0..1.0)).collect();
    let mut rng = stream(1, Purpose::Init, 2 + draw);
    let mut table = Matrix::zeros(rows, dim);
    for i in 0..rows {
        let group = i % GROUPS;
        let centre = &centres[group * dim..(group + 1) * dim];
        table.row_mut(i).iter_mut().zip(centre).for_each(|(x, c)| *x = c + NOISE * rng.random_range(-1.0..1.0));
    }
    table.normalised()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_were_measured() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(quantiles(&hundred), (50.0, 95.0));
        assert_eq!(quantiles(&[3.0, 1.0, 2.0]), (2.0, 3.0));
        assert_eq!(quantiles(&[7.0]), (7.0, 7.0));
        assert!(quantiles(&[]).0.is_nan());
    }

    #[test]
    fn every_job_is_done_on_the_same_numbers_each_time() {
        let device = Device::Cpu;
        for json in [
            r#"{"what":"step","batch":8}"#,
            r#"{"what":"step","batch":8,"transfer":"sampled"}"#,
            r#"{"what":"step","batch":8,"dim":16,"transfer":"all"}"#,
            r#"{"what":"search","rows":200,"dim":16,"k":5}"#,
            r#"{"what":"read","rows":200,"dim":16}"#,
            r#"{"what":"evaluate","rows":50,"dim":16}"#,
            r#"{"what":"neighbours","rows":60,"dim":16,"k":5}"#,
            r#"{"what":"kmeans","rows":90,"dim":8,"k":4,"restarts":2}"#,
            r#"{"what":"projection","rows":90,"dim":8,"dims":2}"#,
        ] {
            let job: Job = serde_json::from_str(json).unwrap();
            let [first, second] = [1, 2].map(|repeat| pollster::block_on(measure(job, repeat, &device)).unwrap());
            assert_eq!((first.runs, second.runs), (1, 2));
            assert!(first.check.is_finite() && first.check > 0.0, "{json}: {first:?}");
            assert_eq!(first.check, second.check, "{json}");
        }
        assert!(serde_json::from_str::<Job>(r#"{"what":"serach"}"#).is_err());
        let job = Job::Evaluate { rows: 5, dim: 3 };
        assert!(pollster::block_on(measure(job, 0, &device)).is_err());
    }
}
