//! The defaults of every setting, chosen on validation parts of the training concepts.

use super::*;

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
            validation_part: 0,
            drop_generic_words: false,
        }
    }
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            tower: Tower::Skip,
            hidden: 256,
            dim: 256,
            norm: Norm::Layer,
            dropout: 0.1,
            init: Init::Cca,
            cca_ridge: 0.1,
            stem: Stem::None,
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
            bias: -10.0,
            within_image: 0.0,
            within_text: 0.0,
        }
    }
}

impl Default for TransferConfig {
    fn default() -> Self {
        Self {
            lambda_v: 3.0,
            lambda_t: 1.0,
            order: Order::Hard,
            tau: 0.1,
            gamma: 3.0,
            triplets: Triplets::Local,
            kappa: 20,
            per_anchor: 16,
            teacher: Teacher::Embedding,
            average_decay: 0.99,
            neighbours: Neighbours::Batch,
            refresh_epochs: 1,
            form: Form::Softplus,
            margin: 0.2,
            control: Control::None,
        }
    }
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            batch: 256,
            per_item: 1,
            epochs: 60,
            stop_epoch: 0,
            learning_rate: 3e-4,
            lr_warmup_steps: 10,
            weight_decay: 0.05,
            beta_1: 0.9,
            beta_2: 0.999,
            clip: 1.0,
            schedule: Schedule::Joint,
            warmup_epochs: 0,
            noise: 0.4,
            eval_every: 5,
        }
    }
}
