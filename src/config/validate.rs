//! What is allowed: each setting is checked once, and the error names it.

use super::{CONFIG_VERSION, Config, ImageFeatures, Init, Neighbours, Stem, Teacher, Tower, Triplets};
use crate::error::{Error, Result};

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
            (data.validation_part < 5, "data.validation_part", data.validation_part.to_string(), "0 to 4"),
            ((1..=4096).contains(&model.hidden), "model.hidden", model.hidden.to_string(), "1 to 4096"),
            ((2..=2048).contains(&model.dim), "model.dim", model.dim.to_string(), "2 to 2048"),
            (
                (0.0..1.0).contains(&model.dropout),
                "model.dropout",
                model.dropout.to_string(),
                "0 up to, not including, 1",
            ),
            (finite(model.cca_ridge, 0.0), "model.cca_ridge", model.cca_ridge.to_string(), "0 or more"),
            (finite(retrieval.weight, 0.0), "retrieval.weight", retrieval.weight.to_string(), "0 or more"),
            (finite(retrieval.margin, 0.0), "retrieval.margin", retrieval.margin.to_string(), "0 or more"),
            (
                finite(retrieval.temperature, 0.01),
                "retrieval.temperature",
                retrieval.temperature.to_string(),
                "0.01 or more",
            ),
            (retrieval.bias.is_finite(), "retrieval.bias", retrieval.bias.to_string(), "a finite number"),
            (
                finite(retrieval.within_image, 0.0),
                "retrieval.within_image",
                retrieval.within_image.to_string(),
                "0 or more",
            ),
            (
                finite(retrieval.within_text, 0.0),
                "retrieval.within_text",
                retrieval.within_text.to_string(),
                "0 or more",
            ),
            (finite(transfer.lambda_v, 0.0), "transfer.lambda_v", transfer.lambda_v.to_string(), "0 or more"),
            (finite(transfer.lambda_t, 0.0), "transfer.lambda_t", transfer.lambda_t.to_string(), "0 or more"),
            (finite(transfer.tau, 1e-4), "transfer.tau", transfer.tau.to_string(), "0.0001 or more"),
            (finite(transfer.gamma, 1e-4), "transfer.gamma", transfer.gamma.to_string(), "0.0001 or more"),
            (finite(transfer.margin, 0.0), "transfer.margin", transfer.margin.to_string(), "0 or more"),
            (
                (0.0..1.0).contains(&transfer.average_decay),
                "transfer.average_decay",
                transfer.average_decay.to_string(),
                "0 up to, not including, 1",
            ),
            (
                transfer.refresh_epochs >= 1,
                "transfer.refresh_epochs",
                transfer.refresh_epochs.to_string(),
                "at least 1",
            ),
            (transfer.kappa >= 1, "transfer.kappa", transfer.kappa.to_string(), "at least 1"),
            (
                (1..=256).contains(&transfer.per_anchor),
                "transfer.per_anchor",
                transfer.per_anchor.to_string(),
                "1 to 256",
            ),
            ((3..=4096).contains(&train.batch), "train.batch", train.batch.to_string(), "3 to 4096"),
            ((1..=16).contains(&train.per_item), "train.per_item", train.per_item.to_string(), "1 to 16"),
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
        let objects = retrieval.weight + retrieval.within_image + retrieval.within_text;
        if objects + transfer.lambda_v + transfer.lambda_t == 0.0 {
            return Err(Error::Config(
                "every term has weight 0, so there is nothing to learn; raise retrieval.weight or a lambda".to_owned(),
            ));
        }
        if retrieval.within_image + retrieval.within_text > 0.0 && train.per_item < 2 {
            return Err(Error::Config(
                "retrieval.within_image and within_text compare pairs of one item, and train.per_item is 1; raise it to 2"
                    .to_owned(),
            ));
        }
        if transfer.neighbours == Neighbours::Corpus && transfer.triplets != Triplets::Local {
            return Err(Error::Config(
                "transfer.neighbours is corpus, which says where local triplets come from; set transfer.triplets to local"
                    .to_owned(),
            ));
        }
        if model.stem == Stem::Conv && (data.image_features != ImageFeatures::Pixels64 || model.init == Init::Cca) {
            return Err(Error::Config(
                "model.stem is conv: it reads pixels and starts at random; set data.image_features to pixels64 and \
                 model.init to random"
                    .to_owned(),
            ));
        }
        // CCA of 12,288 numbers a picture takes gigabytes.
        let closed = model.init == Init::Cca && model.tower != Tower::Mlp || transfer.teacher == Teacher::Fused;
        if data.image_features == ImageFeatures::Pixels64 && closed {
            return Err(Error::Config(
                "data.image_features is pixels64, too many numbers for a closed form; set model.init to random and another \
                 transfer.teacher than fused, or choose hog or pixels32"
                    .to_owned(),
            ));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_names_only_what_differs() {
        let config = Config::from_json(r#"{"seed": 7, "transfer": {"lambda_v": 0}}"#).unwrap();
        assert_eq!(
            (config.seed, config.transfer.lambda_v, config.transfer.lambda_t),
            (7, 0.0, Config::default().transfer.lambda_t)
        );
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
            (r#"{"retrieval": {"within_text": 0.2}}"#, "per_item"),
            (r#"{"transfer": {"neighbours": "corpus", "triplets": "uniform"}}"#, "transfer.triplets"),
            (r#"{"model": {"stem": "conv"}}"#, "pixels64"),
            (r#"{"data": {"image_features": "pixels64"}}"#, "model.init"),
            ("[1", "configuration"),
        ] {
            let error = Config::from_json(json).unwrap_err().to_string();
            assert!(error.contains(name), "{json}: {error}");
        }
    }
}
