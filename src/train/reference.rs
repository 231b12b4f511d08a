//! A step of a given shape on random features: the benchmarks' fixed one, so that a time can be compared anywhere, and
//! a run's own, so that its device can be chosen by numbers.

use super::batches::Batch;
use super::optimiser::State;
use super::trainer::{BIAS, LOG_SCALE, step};
use crate::config::{Config, Init, ModelConfig, Neighbours, Norm, Retrieval, Teacher, Tower};
use crate::error::Result;
use crate::loss::transfer::Draw;
use crate::matrix::Matrix;
use crate::model::weights::{download, upload};
use crate::model::{Side, Weights, tower};
use crate::rng::{Purpose, stream};
use crate::tensor::Device;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const WARM_UP: usize = 3;

/// What a step works on: a configuration and the widths of its inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// Towers, losses and batch size.
    pub config: Config,
    /// Columns of the image features.
    pub image_dim: usize,
    /// Columns of the text features.
    pub text_dim: usize,
}

impl Default for Workload {
    /// The default configuration on the features of the emoji pack.
    fn default() -> Self {
        let config = Config::default();
        Self { text_dim: config.data.text_dim, image_dim: 256, config }
    }
}

impl Workload {
    /// The benchmark's: towers 768 -> 512 -> 128 and 1000 -> 512 -> 128 without norm and dropout, hardest negative.
    pub fn benchmark(batch: usize, transfer: bool) -> Self {
        let mut config = Config::default();
        config.model = ModelConfig {
            tower: Tower::Mlp,
            hidden: 512,
            dim: 128,
            norm: Norm::None,
            dropout: 0.0,
            init: Init::Random,
            ..config.model
        };
        config.retrieval.loss = Retrieval::Hinge;
        config.retrieval.negatives = 1;
        config.train.batch = batch;
        // Plain Adam, as other programs have it.
        (config.train.weight_decay, config.train.clip) = (0.0, 0.0);
        let lambda = f64::from(u8::from(transfer));
        (config.transfer.lambda_v, config.transfer.lambda_t) = (lambda, lambda);
        Self { config, image_dim: 768, text_dim: 1000 }
    }

    /// What [`Reference::new`] begins with: the towers' weights by name, and random features of a batch, `[batch, image_dim]`
    /// and `[batch, text_dim]`. Another program can take the same step from here.
    pub fn start(&self) -> (BTreeMap<String, Matrix>, Matrix, Matrix) {
        let mut rng = stream(1, Purpose::Init, 0);
        let mut weights = tower::init(Side::Image, self.image_dim, &self.config.model, None, &mut rng);
        weights.append(&mut tower::init(Side::Text, self.text_dim, &self.config.model, None, &mut rng));
        let rows = self.config.train.batch;
        let mut table = |cols: usize| {
            let data = (0..rows * cols).map(|_| rng.random_range(-1.0..1.0)).collect();
            Matrix { rows, cols, data }
        };
        let (x, y) = (table(self.image_dim), table(self.text_dim));
        (weights, x, y)
    }
}

/// A state and a batch of a workload, on random features.
pub struct Reference {
    state: State,
    batch: Batch,
    config: Config,
}

/// Times of one configuration.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timing {
    /// Name of the device.
    pub device: String,
    /// Items in a batch.
    pub batch: usize,
    /// Whether both transfer terms were on.
    pub transfer: bool,
    /// Median milliseconds a step, the read of its statistics included.
    pub median_ms: f64,
    /// 95th percentile.
    pub p95_ms: f64,
    /// Timed steps.
    pub steps: usize,
    /// Loss after the last step: two builds that disagree here did not do the same work.
    pub loss: f32,
}

impl Reference {
    /// Random weights and features of the workload's shape. An error for a configuration out of range.
    pub fn new(workload: &Workload, device: &Device) -> Result<Self> {
        let Workload { config, .. } = workload;
        config.validate()?;
        let rows = config.train.batch;
        let (mut weights, x, y) = workload.start();
        weights.insert(LOG_SCALE.to_owned(), Matrix::zeros(1, 1));
        weights.insert(BIAS.to_owned(), Matrix::zeros(1, 1));
        let (x, y) = (upload(x, device), upload(y, device));
        let mut triplets = stream(1, Purpose::Triplets, 0);
        let mut draw = || Draw::new(rows, &config.transfer, &mut triplets, device);
        let batch = Batch {
            items: Vec::new(),
            captions: Vec::new(),
            x,
            y,
            known: None,
            partner: None,
            fixed: None,
            indexed: None,
            draws: [draw()?, draw()?],
            masks: [None, None],
            permutation: None,
        };
        let mut config = config.clone();
        // What a step of these costs lies beside the step: the step itself is the same within a batch.
        if config.transfer.teacher == Teacher::Fused {
            config.transfer.teacher = Teacher::Embedding;
        }
        config.transfer.neighbours = Neighbours::Batch;
        (config.retrieval.within_image, config.retrieval.within_text) = (0.0, 0.0);
        let state = State::new(Weights::upload(weights, device)).averaging(&config.transfer);
        Ok(Self { state, batch, config })
    }

    /// Steps once and reads the loss.
    pub async fn step(&mut self) -> Result<f32> {
        let statistics = step(&mut self.state, &self.batch, None, &self.config, 1e-3, true)?;
        Ok(download(vec![statistics]).await?[0].data[0])
    }

    /// Times `steps` steps after a warm-up.
    pub async fn time(&mut self, device: &str, steps: usize) -> Result<Timing> {
        let mut loss = 0.0;
        for _ in 0..WARM_UP {
            loss = self.step().await?;
        }
        let mut times = Vec::with_capacity(steps);
        for _ in 0..steps.max(1) {
            let start = web_time::Instant::now();
            loss = self.step().await?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        Ok(Timing {
            device: device.to_owned(),
            batch: self.config.train.batch,
            transfer: self.config.transfer.lambda_v > 0.0,
            median_ms: times[times.len() / 2],
            p95_ms: times[(times.len() * 95 / 100).min(times.len() - 1)],
            steps: times.len(),
            loss,
        })
    }
}
