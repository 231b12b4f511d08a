//! AdamW (Loshchilov & Hutter 2019) on named tensors, with a global gradient-norm clip.
//!
//! Own code instead of burn's optimiser for two reasons: its records are read synchronously, which a browser's GPU
//! cannot do, and the state must travel in a snapshot under the names of the weights.

use crate::config::{Teacher, TrainConfig, TransferConfig};
use crate::error::Result;
use crate::model::Weights;
use crate::model::weights::{decayed, trained};
use crate::tensor::{Adam, Device, Gradients, Tensor, adam, square_sum};
use std::collections::BTreeMap;

const EPSILON: f32 = 1e-8;

/// Weights and their moments.
#[derive(Debug, Clone, Default)]
pub struct State {
    /// The weights.
    pub weights: Weights,
    /// First moments, by the same names.
    pub first: Weights,
    /// Second moments, by the same names.
    pub second: Weights,
    /// Updates each weight has had (towers have different numbers under the alternating schedule).
    pub updates: BTreeMap<String, u64>,
    /// Moving average of the weights, by the same names; empty unless it teaches.
    pub average: Weights,
}

impl State {
    /// Fresh moments for `weights`.
    pub fn new(weights: Weights) -> Self {
        let zeros =
            || Weights(weights.0.iter().map(|(n, t)| (n.clone(), Tensor::zeros(t.dims(), &t.device()))).collect());
        let updates = weights.0.keys().map(|n| (n.clone(), 0)).collect();
        Self { first: zeros(), second: zeros(), updates, weights, average: Weights::default() }
    }

    /// Begins to average the weights where `config` asks for it.
    pub fn averaging(mut self, config: &TransferConfig) -> Self {
        if config.teacher == Teacher::Average {
            self.average = self.weights.clone();
        }
        self
    }

    /// Moves the average, if there is one, towards the weights.
    pub fn average(&mut self, decay: f64) -> Result<()> {
        for (name, average) in &mut self.average.0 {
            *average = moved(average.clone(), self.weights.get(name)?, decay);
        }
        Ok(())
    }

    /// The same values on another device.
    pub async fn on(&self, device: &Device) -> Result<Self> {
        Ok(Self {
            weights: self.weights.on(device).await?,
            first: self.first.on(device).await?,
            second: self.second.on(device).await?,
            average: self.average.on(device).await?,
            updates: self.updates.clone(),
        })
    }

    /// One update of the weights that have a gradient; `tracked` are the leaves that `gradients` belong to.
    ///
    /// Returns the gradient norm before clipping, `[1, 1]`.
    pub fn update(
        &mut self,
        tracked: Weights,
        gradients: &Gradients,
        learning_rate: f64,
        config: &TrainConfig,
    ) -> Result<Tensor<2>> {
        let (names, gradients): (Vec<String>, Vec<Tensor<2>>) = tracked
            .0
            .iter()
            .filter(|(name, _)| trained(name))
            .filter_map(|(name, leaf)| leaf.grad(gradients).map(|g| (name.clone(), g)))
            .unzip();
        // From here on nobody else holds the weights: they can move in place.
        drop(tracked);
        let norm = square_sum(&gradients).sqrt();
        let factor = (config.clip > 0.0)
            .then(|| norm.clone().add_scalar(1e-12).recip().mul_scalar(config.clip as f32).clamp_max(1.0));
        for (name, g) in names.into_iter().zip(gradients) {
            let t = self.updates.entry(name.clone()).or_insert(0);
            *t += 1;
            let correct = |beta: f64| (1.0 - beta.powf(*t as f64)) as f32;
            let numbers = Adam {
                rate: learning_rate as f32,
                keep: if decayed(&name) { (1.0 - learning_rate * config.weight_decay) as f32 } else { 1.0 },
                beta: [config.beta_1, config.beta_2],
                correct: [correct(config.beta_1), correct(config.beta_2)],
                epsilon: EPSILON,
            };
            let state = [self.weights.take(&name)?, self.first.take(&name)?, self.second.take(&name)?];
            let [w, m, v] = adam(&numbers, state, g, factor.as_ref());
            self.weights.0.insert(name.clone(), w);
            self.first.0.insert(name.clone(), m);
            self.second.0.insert(name, v);
        }
        Ok(norm)
    }
}

/// `beta a + (1 - beta) b`
fn moved(a: Tensor<2>, b: Tensor<2>, beta: f64) -> Tensor<2> {
    a.mul_scalar(beta as f32) + b.mul_scalar((1.0 - beta) as f32)
}

/// Learning rate at `step` (from 0): linear warm-up, then a half cosine down to zero at `total`.
pub fn learning_rate(step: usize, total: usize, config: &TrainConfig) -> f64 {
    let warm = config.lr_warmup_steps.min(total);
    if step < warm {
        return config.learning_rate * (step + 1) as f64 / warm as f64;
    }
    let progress = (step - warm) as f64 / (total - warm).max(1) as f64;
    config.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress.min(1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::check::tensor;

    fn scalar(t: &Tensor<2>) -> f32 {
        t.clone().array()[0]
    }

    #[test]
    fn two_steps_by_hand() {
        // w = 1, gradients 2 then 2: the bias-corrected direction is 1 each time, whatever the gradient's size.
        let config = TrainConfig { weight_decay: 0.5, clip: 0.0, ..Default::default() };
        let mut state = State::new(Weights([("a/weight".to_owned(), tensor(1, 1, &[1.0]))].into()));
        let mut expected = 1.0f32;
        for _ in 0..2 {
            let tracked = state.weights.tracked();
            let grads = tracked.0["a/weight"].clone().mul_scalar(2.0).sum().backward();
            let norm = state.update(tracked, &grads, 0.1, &config).unwrap();
            expected = expected * (1.0 - 0.05) - 0.1;
            assert!((scalar(&norm) - 2.0).abs() < 1e-6);
            assert!((scalar(&state.weights.0["a/weight"]) - expected).abs() < 1e-5);
        }
    }

    #[test]
    fn the_clip_is_global() {
        // Gradients (3, 4): norm 5; clipped to 1 the first moments are (0.1) * (0.6, 0.8).
        let config = TrainConfig { clip: 1.0, ..Default::default() };
        let mut state = State::new(Weights(
            [("a".to_owned(), tensor(1, 1, &[0.0])), ("b".to_owned(), tensor(1, 1, &[0.0]))].into(),
        ));
        let tracked = state.weights.tracked();
        let loss = tracked.0["a"].clone().mul_scalar(3.0) + tracked.0["b"].clone().mul_scalar(4.0);
        let norm = state.update(tracked, &loss.sum().backward(), 0.1, &config).unwrap();
        assert!((scalar(&norm) - 5.0).abs() < 1e-6);
        assert!((scalar(&state.first.0["a"]) - 0.06).abs() < 1e-6);
        assert!((scalar(&state.first.0["b"]) - 0.08).abs() < 1e-6);
    }

    #[test]
    fn the_rate_rises_then_falls_to_zero() {
        let config = TrainConfig { learning_rate: 1.0, lr_warmup_steps: 4, ..Default::default() };
        assert_eq!(learning_rate(0, 104, &config), 0.25);
        assert_eq!(learning_rate(3, 104, &config), 1.0);
        assert!((learning_rate(54, 104, &config) - 0.5).abs() < 1e-9);
        assert!(learning_rate(103, 104, &config) < 1e-3);
        assert!(learning_rate(0, 0, &config).is_finite());
    }
}
