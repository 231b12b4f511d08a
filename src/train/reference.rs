//! The reference step of the benchmarks: a fixed shape on random features, so that a time can be compared anywhere.

use super::batches::Batch;
use super::optimiser::State;
use super::trainer::{LOG_SCALE, step};
use crate::config::{Config, Init, ModelConfig, Norm, Retrieval, Tower};
use crate::error::Result;
use crate::loss::transfer::Draw;
use crate::matrix::Matrix;
use crate::model::weights::{download, upload};
use crate::model::{Side, Weights, tower};
use crate::rng::{Purpose, stream};
use burn::tensor::Device;
use rand::Rng as _;
use serde::{Deserialize, Serialize};

const IMAGE_DIM: usize = 768;
const TEXT_DIM: usize = 1000;
const WARM_UP: usize = 3;

/// A state and a batch of the reference shape.
pub struct Reference {
    state: State,
    batch: Batch,
    config: Config,
    device: Device,
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
    /// Towers 768 -> 512 -> 128 and 1000 -> 512 -> 128 without norm and dropout, hardest negative.
    pub fn new(batch: usize, transfer: bool, device: Device) -> Result<Self> {
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
        config.train.weight_decay = 0.0;
        let lambda = f64::from(u8::from(transfer));
        (config.transfer.lambda_v, config.transfer.lambda_t) = (lambda, lambda);
        config.validate()?;
        let mut rng = stream(1, Purpose::Init, 0);
        let mut weights = tower::init(Side::Image, IMAGE_DIM, &config.model, None, &mut rng);
        weights.append(&mut tower::init(Side::Text, TEXT_DIM, &config.model, None, &mut rng));
        weights.insert(LOG_SCALE.to_owned(), Matrix::zeros(1, 1));
        let mut table = |cols: usize| {
            let data = (0..batch * cols).map(|_| rng.random_range(-1.0..1.0)).collect();
            upload(Matrix { rows: batch, cols, data }, &device)
        };
        let (x, y) = (table(IMAGE_DIM), table(TEXT_DIM));
        let mut triplets = stream(1, Purpose::Triplets, 0);
        let mut draw = || Draw::new(batch, &config.transfer, &mut triplets, &device);
        let batch = Batch { x, y, known: None, draws: [draw()?, draw()?], masks: [None, None], permutation: None };
        Ok(Self { state: State::new(Weights::upload(weights, &device)), batch, config, device })
    }

    /// Steps once and reads the loss.
    pub async fn step(&mut self) -> Result<f32> {
        let (state, statistics) = step(self.state.clone(), &self.batch, &self.config, 1e-3, true)?;
        self.state = state;
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

    /// The device the state lives on.
    pub fn device(&self) -> &Device {
        &self.device
    }
}
