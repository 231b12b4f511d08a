//! What a session reports.

use crate::analyze::report::Metrics;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Something that happened in a run. Steps are counted from 1: the number of iterations done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Event {
    /// One iteration.
    Step(Step),
    /// Metrics on the held-out part.
    Evaluation {
        /// Iterations done.
        step: usize,
        /// Epochs done.
        epoch: f64,
        /// The metrics.
        metrics: Box<Metrics>,
    },
    /// Settings were changed during the run.
    Retuned {
        /// Iterations done before.
        step: usize,
        /// What was laid over the configuration.
        config: serde_json::Value,
    },
    /// The run is over.
    Finished {
        /// Iterations done.
        step: usize,
    },
}

/// Values of one iteration, before its update. A term that is switched off reads 0.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Iterations done, this one included.
    pub step: usize,
    /// Epochs done, as a fraction.
    pub epoch: f64,
    /// Weighted total.
    pub total: f32,
    /// `L_ret`.
    pub retrieval: f32,
    /// `L_{t->v}`: text teaches image.
    pub transfer_v: f32,
    /// `L_{v->t}`: image teaches text.
    pub transfer_t: f32,
    /// TBNN's within-view term, both modalities.
    #[serde(default)]
    pub within: f32,
    /// Global gradient norm before clipping.
    pub gradient_norm: f32,
    /// Learning rate.
    pub learning_rate: f64,
    /// InfoNCE's temperature after the update.
    pub temperature: f32,
}

impl Step {
    /// From a row of [`super::trainer::STATISTICS`]; an error that names the first value that is not finite.
    pub fn read(step: usize, epoch: f64, learning_rate: f64, row: &[f32]) -> Result<Self> {
        // The terms before their total: after one of them everything else is not finite either.
        if let Some(bad) = (1..row.len()).chain([0]).find(|&n| n < row.len() && !row[n].is_finite()) {
            let what = super::trainer::STATISTICS.get(bad).copied().unwrap_or("a statistic").to_owned();
            return Err(Error::Diverged { step, what });
        }
        let [total, retrieval, transfer_v, transfer_t, within, gradient_norm, temperature] = row else {
            return Err(Error::Device(format!("a step must report seven values, got {}", row.len())));
        };
        Ok(Self {
            step,
            epoch,
            total: *total,
            retrieval: *retrieval,
            transfer_v: *transfer_v,
            transfer_t: *transfer_t,
            within: *within,
            gradient_norm: *gradient_norm,
            learning_rate,
            temperature: *temperature,
        })
    }
}
