//! The one configuration: the same JSON on the command line, in a file, in the page's address and in a saved run.
//!
//! Defaults stand in `defaults` and nowhere else, what is allowed in `validate`. `serde(default)` on every struct means that a JSON object may name only
//! what differs.

mod defaults;
mod validate;

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
    /// Which fifth of the training families that is, 0 to 4: five of them say more than one.
    pub validation_part: u8,
    /// Take out of every text the words that name a class (face, animal, food, ...): what clustering is worth without
    /// the label in the text.
    pub drop_generic_words: bool,
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
    /// What stands before the image tower.
    pub stem: Stem,
}

/// What turns the image input into the features that the image tower reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stem {
    /// Nothing: the tower reads the features as they are.
    None,
    /// Three trained convolutions on 64 x 64 pixels.
    Conv,
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
    /// Starting temperature of InfoNCE and SigLIP; it is learned.
    pub temperature: f64,
    /// Starting bias of SigLIP; it is learned.
    pub bias: f64,
    /// Weight of TBNN's within-view term among images: pictures of one item nearer than those of others.
    pub within_image: f64,
    /// The same among texts.
    pub within_text: f64,
}

/// Form of the retrieval loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retrieval {
    /// Hinge over the K hardest negatives.
    Hinge,
    /// Cross-entropy of the similarities in both directions.
    InfoNce,
    /// Each pair of the batch by itself: a match or not, by a sigmoid.
    Sigmoid,
    /// The hinge on a partial order: a text stands above its pictures. Its score is not the cosine.
    Order,
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
    /// Decay of the averaged weights of [`Teacher::Average`], per step.
    pub average_decay: f64,
    /// Where local triplets find the teacher's neighbours.
    pub neighbours: Neighbours,
    /// Epochs between two looks at the whole training set, for [`Neighbours::Corpus`].
    pub refresh_epochs: usize,
    /// Form of the loss on a triplet.
    pub form: Form,
    /// Margin of [`Form::Hinge`].
    pub margin: f64,
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
    /// Every triplet of the batch: B^3 of them, in B^2 memory ([`crate::loss::triplets`]).
    All,
}

/// The teacher's space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Teacher {
    /// The peer's current embedding (as MAI).
    Embedding,
    /// The peer's input features, fixed.
    Features,
    /// The peer's embedding under a moving average of the weights.
    Average,
    /// Image and text side by side in the CCA space of the training pairs, fixed: the same teacher for both.
    Fused,
}

/// Where local triplets find the teacher's neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Neighbours {
    /// Among the items of the batch.
    Batch,
    /// Among all training items, from an index that is refreshed while training.
    Corpus,
}

/// Form of the loss on a triplet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// Cross-entropy: `softplus` for a hard order, the infinite margin.
    Softplus,
    /// `[m + D(i,near) - D(i,far)]_+`: the finite margin, as a control.
    Hinge,
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
    /// Pairs per batch, B.
    pub batch: usize,
    /// Pairs of each item in a batch, with different captions and views where the item has them: several positives.
    pub per_item: usize,
    /// Passes over the items.
    pub epochs: usize,
    /// Stop after so many of them, the schedule unchanged; 0 goes to the end.
    pub stop_epoch: usize,
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
