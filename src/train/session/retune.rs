//! Settings that may change while a run stands.

use super::Session;
use crate::config::{Config, Neighbours};
use crate::error::{Error, Result};
use crate::objectives::merge;
use crate::train::batches::Plan;
use crate::train::event::Event;
use serde_json::Value;

/// They act from the next step on; everything else decides what a run starts from, or what it has prepared.
pub const RETUNABLE: [&str; 25] = [
    "model.dropout",
    "retrieval.weight",
    "retrieval.margin",
    "retrieval.negatives",
    "retrieval.reduce",
    "transfer.lambda_v",
    "transfer.lambda_t",
    "transfer.order",
    "transfer.tau",
    "transfer.gamma",
    "transfer.triplets",
    "transfer.kappa",
    "transfer.per_anchor",
    "transfer.average_decay",
    "transfer.form",
    "transfer.margin",
    "train.learning_rate",
    "train.epochs",
    "train.stop_epoch",
    "train.weight_decay",
    "train.beta_1",
    "train.beta_2",
    "train.clip",
    "train.noise",
    "train.eval_every",
];

impl Session {
    /// Lays `difference` over the configuration: from the next step on. The history keeps what changed when.
    ///
    /// # Errors
    /// A setting that needs a restart, a value out of range, fewer epochs than are done. The run is left as it was.
    pub fn retune(&mut self, difference: &Value) -> Result<()> {
        let broken = |e: serde_json::Error| Error::Config(e.to_string());
        let now = serde_json::to_value(&self.config).map_err(broken)?;
        let mut next = now.clone();
        merge(&mut next, difference.clone());
        let config = Config::from_json(&next.to_string())?;
        config.validate()?;
        let next = serde_json::to_value(&config).map_err(broken)?;
        let mut changed = Vec::new();
        differences(&now, &next, "", &mut changed);
        // The index has read its neighbourhoods already.
        let indexed = config.transfer.neighbours == Neighbours::Corpus;
        let able = |key: &&str| RETUNABLE.contains(key) && !(indexed && *key == "transfer.kappa");
        let fixed: Vec<&str> = changed.iter().map(String::as_str).filter(|key| !able(key)).collect();
        if !fixed.is_empty() {
            let fixed = fixed.join(", ");
            return Err(Error::Config(format!("{fixed} cannot change during a run; begin a new run with it")));
        }
        let plan = Plan::new(self.partition.train_items.len(), &config)?;
        // The last epoch is followed by an evaluation, so that a run cannot end where it stands.
        if plan.last_step < self.plan.last_step && plan.last_step <= self.step {
            return Err(Error::Config(format!(
                "{} epochs are over already (step {} of {}); choose more of them",
                config.train.epochs, self.step, plan.last_step
            )));
        }
        if !changed.is_empty() {
            self.history.push(Event::Retuned { step: self.step, config: difference.clone() });
        }
        (self.config, self.plan) = (config, plan);
        Ok(())
    }
}

/// Dotted names of the leaves that are not equal.
fn differences(a: &Value, b: &Value, path: &str, found: &mut Vec<String>) {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            for (key, value) in b {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differences(a.get(key).unwrap_or(&Value::Null), value, &path, found);
            }
        }
        _ if a != b => found.push(path.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_settings() {
        let all = serde_json::to_value(Config::default()).unwrap();
        for name in RETUNABLE {
            let (section, key) = name.split_once('.').unwrap();
            assert!(all[section].get(key).is_some(), "{name}");
        }
    }
}
