//! Named configurations: each is a difference from the default, with the reason it exists.

use serde::Serialize;
use serde_json::{Value, json};

/// A named difference from [`crate::config::Config::default`].
#[derive(Debug, Clone, Serialize)]
pub struct Preset {
    /// Name in the address and on the command line.
    pub name: &'static str,
    /// Title for people.
    pub title: &'static str,
    /// What it shows.
    pub why: &'static str,
    /// The data set that it is made for, if it is for one.
    pub data: Option<&'static str>,
    /// The difference, as JSON of a `Config`.
    pub config: Value,
}

/// All presets; the first is the default.
pub fn all() -> Vec<Preset> {
    let preset = |name, title, why, config| Preset { name, title, why, data: None, config };
    let made_for = |data, preset| Preset { data: Some(data), ..preset };
    vec![
        preset(
            "mtls",
            "MTLS (default)",
            "Retrieval and structure transfer in both directions, from a CCA start: the form that measures best.",
            json!({}),
        ),
        preset(
            "retrieval",
            "Retrieval only",
            "The same towers and batches without transfer: what transfer changes is the difference.",
            json!({"transfer": {"lambda_v": 0.0, "lambda_t": 0.0}}),
        ),
        preset(
            "scratch",
            "From random weights",
            "An MLP with nothing but random weights: watch the pairs find each other.",
            json!({"model": {"tower": "mlp", "init": "random"}, "train": {"learning_rate": 1e-3}}),
        ),
        preset(
            "paper",
            "Close to the paper",
            "Hinge with ten negatives and alternating steps, as the abstract and MAI describe; the paper's own settings are not public here.",
            json!({
                "model": {"tower": "mlp", "init": "random"},
                "retrieval": {"loss": "hinge", "negatives": 10},
                "transfer": {"lambda_v": 0.2, "lambda_t": 0.2},
                "train": {"schedule": "alternating", "learning_rate": 1e-3},
            }),
        ),
        made_for(
            "clipart",
            preset(
                "artists",
                "Free titles (Clipart)",
                "No two artists draw or name alike, and titles come in several languages: much harder than emoji, and closer to pictures of one's own.",
                json!({}),
            ),
        ),
        made_for(
            "shapes",
            preset(
                "combinations",
                "Unseen combinations (Shapes)",
                "Red is known, triangles are known, but no red triangle was ever trained on. Are they found all the same? The truth is exact, so every miss is a miss.",
                json!({}),
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn every_preset_is_a_valid_configuration() {
        for preset in all() {
            Config::from_json(&preset.config.to_string()).unwrap_or_else(|e| panic!("{}: {e}", preset.name));
        }
    }
}
