//! The one configuration: the same JSON on the command line, in a file, in the page's address and in a saved run.
//!
//! Defaults stand here and nowhere else. `serde(default)` on every struct means that a JSON object may name only
//! what differs.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};

/// Version of the JSON; a reader refuses newer ones.
pub const CONFIG_VERSION: u32 = 1;

/// Everything that decides a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// [`CONFIG_VERSION`].
    pub version: u32,
    /// Seed of everything random, split by purpose (see [`crate::rng`]).
    pub seed: u64,
    /// What is trained on and what is held out.
    pub data: DataConfig,
    /// The two towers.
    pub model: ModelConfig,
    /// Object-level alignment.
    pub retrieval: RetrievalConfig,
    /// Structure transfer.
    pub transfer: TransferConfig,
    /// Optimiser and schedule.
    pub train: TrainConfig,
}

/// Features and split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Where image features come from.
    pub image_features: ImageFeatures,
    /// Columns kept by the truncated SVD of the texts.
    pub text_dim: usize,
    /// Hashed buckets for words and character n-grams.
    pub text_buckets: usize,
    /// Which part is held out.
    pub split: Split,
    /// View on which the concept split is tested, and which the style split holds out; empty: `noto` for concept,
    /// `twemoji` for style where the data has them, else the first and the last view.
    pub test_view: String,
    /// Test this family fold instead of the corpus's own held-out flag.
    pub fold: Option<u8>,
    /// Hold out a fifth of the training families and report on them; the test part is left alone. For choosing settings.
    pub validation: bool,
}

/// Kind of image features.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageFeatures {
    /// Those that came with the data (packs: EfficientNet-lite0, PCA-256); HOG and colour where there are none.
    Given,
    /// Histogram of oriented gradients and colour.
    Hog,
    /// Raw pixels at 32 x 32.
    Pixels32,
    /// Raw pixels at 64 x 64.
    Pixels64,
}

/// What is held out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Split {
    /// Items of unseen families.
    Concept,
    /// A whole view: the same items, drawn in a style never trained on.
    Style,
    /// Unseen families in an unseen style.
    Both,
}

/// Tower architecture, the same for both modalities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Shape of the map.
    pub tower: Tower,
    /// Hidden units of the MLP.
    pub hidden: usize,
    /// Dimensions of the joint space.
    pub dim: usize,
    /// Normalisation after the hidden layer.
    pub norm: Norm,
    /// Dropout probability after the hidden layer.
    pub dropout: f64,
    /// Start of the linear (skip) path.
    pub init: Init,
    /// Ridge of the CCA start, relative to the mean variance.
    pub cca_ridge: f64,
}

/// Shape of a tower.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tower {
    /// One linear map.
    Linear,
    /// Linear, norm, ReLU, dropout, linear.
    Mlp,
    /// The MLP beside a linear path; the MLP's last layer starts at zero, so that training starts from the linear map.
    Skip,
}

/// Normalisation of the hidden layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Norm {
    /// Over the features of each row.
    Layer,
    /// Over the batch, with running statistics for evaluation.
    Batch,
    /// None.
    None,
}

/// How the linear path starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Init {
    /// Random weights.
    Random,
    /// The regularised canonical correlation of the training pairs.
    Cca,
}

/// The bidirectional retrieval loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RetrievalConfig {
    /// Form.
    pub loss: Retrieval,
    /// Weight of the term; 0 trains transfer only.
    pub weight: f64,
    /// Hinge margin m.
    pub margin: f64,
    /// K hardest negatives of the hinge; 0 takes all (VSE), 1 the hardest (VSE++), 10 TBNN's.
    pub negatives: usize,
    /// How the K negatives are reduced.
    pub reduce: Reduce,
    /// Starting temperature of InfoNCE; it is learned.
    pub temperature: f64,
}

/// Form of the retrieval loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retrieval {
    /// Hinge over the K hardest negatives.
    Hinge,
    /// Cross-entropy of the similarities in both directions.
    InfoNce,
}

/// Reduction over negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reduce {
    /// Mean.
    Mean,
    /// Sum (VSE as published).
    Sum,
}

/// Structure transfer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TransferConfig {
    /// Weight of text teaching image, L_{t->v}.
    pub lambda_v: f64,
    /// Weight of image teaching text, L_{v->t}.
    pub lambda_t: f64,
    /// The teacher's order.
    pub order: Order,
    /// Temperature of a soft order.
    pub tau: f64,
    /// Sharpness of the student's order.
    pub gamma: f64,
    /// Where the near item of a triplet comes from.
    pub triplets: Triplets,
    /// Neighbourhood size of local triplets; at most B - 2 is used.
    pub kappa: usize,
    /// Triplets per anchor, M.
    pub per_anchor: usize,
    /// The teacher's space.
    pub teacher: Teacher,
    /// A control in place of the real teacher.
    pub control: Control,
}

/// Form of the teacher's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// 0 or 1 (the infinite-margin loss).
    Hard,
    /// A probability.
    Soft,
}

/// Choice of triplets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Triplets {
    /// Near item from the teacher's nearest neighbours.
    Local,
    /// Both items uniform (as MAI).
    Uniform,
    /// Every triplet of the batch, as a plain B^3 tensor; for batches of at most [`ALL_TRIPLETS_MAX_BATCH`].
    All,
}

/// Largest batch for [`Triplets::All`]: its tensors have B^3 entries.
pub const ALL_TRIPLETS_MAX_BATCH: usize = 128;

/// The teacher's space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Teacher {
    /// The peer's current embedding (as MAI).
    Embedding,
    /// The peer's input features, fixed.
    Features,
}

/// Controls that show what transfer itself contributes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Control {
    /// The real thing.
    None,
    /// Each modality teaches itself: sharpening without transfer.
    SelfTeacher,
    /// Orders from permuted items of the other modality.
    Shuffled,
}

/// Optimiser and schedule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// Items per batch, B.
    pub batch: usize,
    /// Passes over the items.
    pub epochs: usize,
    /// Peak learning rate of AdamW.
    pub learning_rate: f64,
    /// Steps of linear learning-rate warm-up.
    pub lr_warmup_steps: usize,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// First moment decay.
    pub beta_1: f64,
    /// Second moment decay.
    pub beta_2: f64,
    /// Largest global gradient norm; 0 does not clip.
    pub clip: f64,
    /// One step on the total, or three steps in turn.
    pub schedule: Schedule,
    /// First epochs with the retrieval loss only, E_0.
    pub warmup_epochs: usize,
    /// Standard deviation of the noise added to (standardised) input features while training.
    pub noise: f64,
    /// Evaluate every so many epochs; 0 only at the end.
    pub eval_every: usize,
}

/// Order of the updates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// One step on the total loss.
    Joint,
    /// A step on L_ret, then the image tower on L_{t->v}, then the text tower on L_{v->t} (MAI's).
    Alternating,
}

impl Config {
    /// Checks every setting once; the error names the setting, its value and what is allowed.
    pub fn validate(&self) -> Result<()> {
        let Self { version, model, retrieval, transfer, train, data, .. } = self;
        let finite = |value: f64, least: f64| value.is_finite() && value >= least;
        let rules = [
            (*version == CONFIG_VERSION, "version", version.to_string(), "this program reads version 1"),
            (data.text_dim >= 1, "data.text_dim", data.text_dim.to_string(), "at least 1"),
            (data.text_buckets >= 16, "data.text_buckets", data.text_buckets.to_string(), "at least 16"),
            (data.fold.is_none_or(|f| f < 5), "data.fold", format!("{:?}", data.fold), "0 to 4"),
            ((1..=4096).contains(&model.hidden), "model.hidden", model.hidden.to_string(), "1 to 4096"),
            ((2..=2048).contains(&model.dim), "model.dim", model.dim.to_string(), "2 to 2048"),
            ((0.0..1.0).contains(&model.dropout), "model.dropout", model.dropout.to_string(), "0 up to, not including, 1"),
            (finite(model.cca_ridge, 0.0), "model.cca_ridge", model.cca_ridge.to_string(), "0 or more"),
            (finite(retrieval.weight, 0.0), "retrieval.weight", retrieval.weight.to_string(), "0 or more"),
            (finite(retrieval.margin, 0.0), "retrieval.margin", retrieval.margin.to_string(), "0 or more"),
            (finite(retrieval.temperature, 0.01), "retrieval.temperature", retrieval.temperature.to_string(), "0.01 or more"),
            (finite(transfer.lambda_v, 0.0), "transfer.lambda_v", transfer.lambda_v.to_string(), "0 or more"),
            (finite(transfer.lambda_t, 0.0), "transfer.lambda_t", transfer.lambda_t.to_string(), "0 or more"),
            (finite(transfer.tau, 1e-4), "transfer.tau", transfer.tau.to_string(), "0.0001 or more"),
            (finite(transfer.gamma, 1e-4), "transfer.gamma", transfer.gamma.to_string(), "0.0001 or more"),
            (transfer.kappa >= 1, "transfer.kappa", transfer.kappa.to_string(), "at least 1"),
            ((1..=256).contains(&transfer.per_anchor), "transfer.per_anchor", transfer.per_anchor.to_string(), "1 to 256"),
            ((3..=4096).contains(&train.batch), "train.batch", train.batch.to_string(), "3 to 4096"),
            (train.epochs >= 1, "train.epochs", train.epochs.to_string(), "at least 1"),
            (finite(train.learning_rate, 0.0), "train.learning_rate", train.learning_rate.to_string(), "0 or more"),
            (finite(train.weight_decay, 0.0), "train.weight_decay", train.weight_decay.to_string(), "0 or more"),
            ((0.0..1.0).contains(&train.beta_1), "train.beta_1", train.beta_1.to_string(), "0 up to, not including, 1"),
            ((0.0..1.0).contains(&train.beta_2), "train.beta_2", train.beta_2.to_string(), "0 up to, not including, 1"),
            (finite(train.clip, 0.0), "train.clip", train.clip.to_string(), "0 or more"),
            (finite(train.noise, 0.0), "train.noise", train.noise.to_string(), "0 or more"),
        ];
        for (right, name, value, allowed) in rules {
            if !right {
                return Err(Error::Config(format!("{name} is {value}; allowed: {allowed}")));
            }
        }
        if retrieval.weight + transfer.lambda_v + transfer.lambda_t == 0.0 {
            return Err(Error::Config(
                "every term has weight 0, so there is nothing to learn; raise retrieval.weight or a lambda".to_owned(),
            ));
        }
        if transfer.triplets == Triplets::All && train.batch > ALL_TRIPLETS_MAX_BATCH {
            return Err(Error::Config(format!(
                "transfer.triplets is all with train.batch {}; all triplets need a batch of at most \
                 {ALL_TRIPLETS_MAX_BATCH}, or choose local",
                train.batch
            )));
        }
        Ok(())
    }

    /// Reads JSON that may name only what differs from the defaults, and validates it.
    pub fn from_json(json: &str) -> Result<Self> {
        let config: Self = serde_json::from_str(json).map_err(|e| Error::Config(e.to_string()))?;
        config.validate()?;
        Ok(config)
    }
}

impl Default for Config {
    fn default() -> Self {
        Self {
            version: CONFIG_VERSION,
            seed: 1,
            data: DataConfig::default(),
            model: ModelConfig::default(),
            retrieval: RetrievalConfig::default(),
            transfer: TransferConfig::default(),
            train: TrainConfig::default(),
        }
    }
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            image_features: ImageFeatures::Given,
            text_dim: 384,
            text_buckets: 1 << 15,
            split: Split::Concept,
            test_view: String::new(),
            fold: None,
            validation: false,
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            tower: Tower::Skip,
            hidden: 256,
            dim: 128,
            norm: Norm::Layer,
            dropout: 0.1,
            init: Init::Cca,
            cca_ridge: 0.1,
        }
    }
}

impl Default for RetrievalConfig {
    fn default() -> Self {
        Self {
            loss: Retrieval::InfoNce,
            weight: 1.0,
            margin: 0.2,
            negatives: 10,
            reduce: Reduce::Mean,
            temperature: 0.07,
        }
    }
}

impl Default for TransferConfig {
    fn default() -> Self {
        Self {
            lambda_v: 1.0,
            lambda_t: 1.0,
            order: Order::Hard,
            tau: 0.1,
            gamma: 5.0,
            triplets: Triplets::Local,
            kappa: 10,
            per_anchor: 16,
            teacher: Teacher::Embedding,
            control: Control::None,
        }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            batch: 256,
            epochs: 60,
            learning_rate: 1e-3,
            lr_warmup_steps: 10,
            weight_decay: 0.05,
            beta_1: 0.9,
            beta_2: 0.999,
            clip: 1.0,
            schedule: Schedule::Joint,
            warmup_epochs: 0,
            noise: 0.0,
            eval_every: 5,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_names_only_what_differs() {
        let config = Config::from_json(r#"{"seed": 7, "transfer": {"lambda_v": 0}}"#).unwrap();
        assert_eq!((config.seed, config.transfer.lambda_v, config.transfer.lambda_t), (7, 0.0, Config::default().transfer.lambda_t));
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(Config::from_json(&text).unwrap(), config);
    }

    #[test]
    fn errors_name_the_setting() {
        for (json, name) in [
            (r#"{"transfer": {"lamda": 1}}"#, "lamda"),
            (r#"{"model": {"dropout": 1.0}}"#, "model.dropout"),
            (r#"{"train": {"batch": 2}}"#, "train.batch"),
            (r#"{"version": 2}"#, "version"),
            (r#"{"retrieval": {"weight": 0}, "transfer": {"lambda_v": 0, "lambda_t": 0}}"#, "nothing to learn"),
            (r#"{"transfer": {"triplets": "all"}, "train": {"batch": 256}}"#, "local"),
            ("[1", "configuration"),
        ] {
            let error = Config::from_json(json).unwrap_err().to_string();
            assert!(error.contains(name), "{json}: {error}");
        }
    }
}
