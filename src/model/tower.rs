//! A tower: `[B, d_in] -> [B, d]`, unit rows.
//!
//! | shape | map before the unit norm |
//! |---|---|
//! | linear | `x W + b` |
//! | mlp | `drop(relu(norm(x W1 + b1))) W2 + b2` |
//! | skip | the sum of both; `W2` starts at zero, so that training starts from the linear map |
//!
//! On small sets the linear path is worth more than depth: CCA gives its start in closed form.

use super::stem;
use super::weights::Weights;
use crate::config::{ModelConfig, Norm, Stem, Tower};
use crate::error::Result;
use crate::matrix::Matrix;
use crate::rng::Rng;
use crate::tensor::Tensor;
use rand::Rng as _;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Which modality a tower embeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// `f_v`.
    Image,
    /// `f_t`.
    Text,
}

impl Side {
    /// Prefix of the tower's tensors.
    pub fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Text => "text",
        }
    }

    /// The other modality.
    pub fn peer(self) -> Self {
        match self {
            Self::Image => Self::Text,
            Self::Text => Self::Image,
        }
    }
}

const NORM_EPSILON: f32 = 1e-5;
/// Share of the new batch in the running statistics of a batch norm.
const BATCH_NORM_MOMENTUM: f32 = 0.1;

/// Fresh weights of one tower. `linear` gives the start of the linear path (`[d_in, d]`, `[1, d]`); random otherwise.
pub fn init(
    side: Side,
    d_in: usize,
    config: &ModelConfig,
    linear: Option<(Matrix, Matrix)>,
    rng: &mut Rng,
) -> BTreeMap<String, Matrix> {
    let mut weights = BTreeMap::new();
    let mut put = |name: &str, m: Matrix| weights.insert(format!("{}/{name}", side.name()), m);
    let ModelConfig { hidden, dim, .. } = *config;
    let stem = stem_of(side, config);
    let d_in = if stem == Stem::Conv { stem::OUTPUT } else { d_in };
    if config.tower != Tower::Mlp {
        let (weight, bias) = linear.unwrap_or_else(|| (kaiming(d_in, dim, rng), Matrix::zeros(1, dim)));
        put("linear/weight", weight);
        put("linear/bias", bias);
    }
    if config.tower != Tower::Linear {
        put("hidden/weight", kaiming(d_in, hidden, rng));
        put("hidden/bias", Matrix::zeros(1, hidden));
        if config.norm != Norm::None {
            put("norm/gain", Matrix { rows: 1, cols: hidden, data: vec![1.0; hidden] });
            put("norm/bias", Matrix::zeros(1, hidden));
        }
        if config.norm == Norm::Batch {
            put("norm/running/mean", Matrix::zeros(1, hidden));
            put("norm/running/variance", Matrix { rows: 1, cols: hidden, data: vec![1.0; hidden] });
        }
        let skip = config.tower == Tower::Skip;
        put("out/weight", if skip { Matrix::zeros(hidden, dim) } else { kaiming(hidden, dim, rng) });
        put("out/bias", Matrix::zeros(1, dim));
    }
    if stem == Stem::Conv {
        weights.append(&mut stem::init(rng));
    }
    weights
}

/// Texts have no stem.
fn stem_of(side: Side, config: &ModelConfig) -> Stem {
    if side == Side::Image { config.stem } else { Stem::None }
}

/// Uniform in `±sqrt(3 / d_in)`: keeps the variance of the rows (He et al. 2015, without the ReLU's factor).
fn kaiming(rows: usize, cols: usize, rng: &mut Rng) -> Matrix {
    let bound = (3.0 / rows as f32).sqrt();
    Matrix { rows, cols, data: (0..rows * cols).map(|_| rng.random_range(-bound..bound)).collect() }
}

/// What a forward pass while training needs and leaves behind.
#[derive(Debug, Default)]
pub struct Training {
    /// Dropout mask `[B, hidden]`, already divided by the keep probability.
    pub mask: Option<Tensor<2>>,
    /// New running statistics (batch norm): name and value.
    pub running: Vec<(String, Tensor<2>)>,
}

/// The embedding of `x: [B, d_in]` by the tower of `side`: `[B, d]`, unit rows.
///
/// With `training`, dropout applies and a batch norm uses the batch's own statistics. An error when `weights` were
/// made for another architecture.
pub fn embed(
    weights: &Weights,
    side: Side,
    x: Tensor<2>,
    config: &ModelConfig,
    mut training: Option<&mut Training>,
) -> Result<Tensor<2>> {
    let w = |name: &str| weights.get(&format!("{}/{name}", side.name()));
    let x = match stem_of(side, config) {
        Stem::Conv => stem::features(weights, x)?,
        Stem::None => x,
    };
    let mut out = None;
    if config.tower != Tower::Mlp {
        out = Some(x.clone().affine(w("linear/weight")?, w("linear/bias")?));
    }
    if config.tower != Tower::Linear {
        let mut h = x.affine(w("hidden/weight")?, w("hidden/bias")?);
        h = match config.norm {
            Norm::None => h,
            Norm::Layer => h.layer_norm(w("norm/gain")?, w("norm/bias")?, NORM_EPSILON),
            Norm::Batch => batch_norm(h, &w, side, training.as_deref_mut())? * w("norm/gain")? + w("norm/bias")?,
        };
        h = h.relu();
        if let Some(mask) = training.and_then(|t| t.mask.clone()) {
            h = h * mask;
        }
        let mlp = h.affine(w("out/weight")?, w("out/bias")?);
        out = Some(match out {
            Some(linear) => linear + mlp,
            None => mlp,
        });
    }
    Ok(unit_rows(out.unwrap_or_else(|| unreachable!("every tower has a path"))))
}

/// By the statistics of the batch while training, which move those that are kept; by these afterwards.
fn batch_norm(
    h: Tensor<2>,
    w: &impl Fn(&str) -> Result<Tensor<2>>,
    side: Side,
    training: Option<&mut Training>,
) -> Result<Tensor<2>> {
    let (mean, variance) = match training {
        None => (w("norm/running/mean")?, w("norm/running/variance")?),
        Some(training) => {
            let mean = h.clone().mean_dim(0);
            let variance = (h.clone() - mean.clone()).square().mean_dim(0);
            for (name, new) in [("mean", &mean), ("variance", &variance)] {
                let name = format!("norm/running/{name}");
                let old = w(&name)?.inner();
                let moved = old.clone() + (new.clone().inner() - old).mul_scalar(BATCH_NORM_MOMENTUM);
                training.running.push((format!("{}/{name}", side.name()), moved));
            }
            (mean, variance)
        }
    };
    Ok((h - mean) / variance.add_scalar(NORM_EPSILON).sqrt())
}

/// Every row scaled to unit length.
pub fn unit_rows(x: Tensor<2>) -> Tensor<2> {
    x.unit_rows(1e-12)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loss::check::{gradient, noise, tensor};
    use crate::rng::{Purpose, stream};
    use crate::tensor::Device;

    fn weights(config: &ModelConfig) -> Weights {
        let mut rng = stream(1, Purpose::Init, 0);
        Weights::upload(init(Side::Image, 3, config, None, &mut rng), &Device::Cpu)
    }

    #[test]
    fn rows_have_unit_length_in_every_architecture() {
        for tower in [Tower::Linear, Tower::Mlp, Tower::Skip] {
            for norm in [Norm::Layer, Norm::Batch, Norm::None] {
                let config = ModelConfig { tower, norm, hidden: 5, dim: 4, ..Default::default() };
                let e = embed(&weights(&config), Side::Image, tensor(2, 3, &noise(6, 1)), &config, None).unwrap();
                let m = pollster::block_on(super::super::weights::download(vec![e])).unwrap().remove(0);
                for i in 0..2 {
                    assert!((m.row(i).iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn a_skip_tower_starts_as_its_linear_path() {
        let skip = ModelConfig { tower: Tower::Skip, hidden: 5, dim: 4, ..Default::default() };
        let linear = ModelConfig { tower: Tower::Linear, ..skip.clone() };
        let (w, x) = (weights(&skip), tensor(2, 3, &noise(6, 1)));
        let of = |c| embed(&w, Side::Image, x.clone(), c, None).unwrap().array();
        assert_eq!(of(&skip), of(&linear));
    }

    #[test]
    fn batch_norm_uses_the_batch_while_training_and_its_history_afterwards() {
        let config =
            ModelConfig { tower: Tower::Mlp, norm: Norm::Batch, hidden: 5, dim: 4, dropout: 0.0, ..Default::default() };
        let mut w = weights(&config);
        let x = tensor(4, 3, &noise(12, 1));
        let mut training = Training::default();
        for _ in 0..200 {
            training.running.clear();
            embed(&w, Side::Image, x.clone(), &config, Some(&mut training)).unwrap();
            w.0.extend(training.running.drain(..));
        }
        let trained = embed(&w, Side::Image, x.clone(), &config, Some(&mut training)).unwrap().array();
        let evaluated = embed(&w, Side::Image, x, &config, None).unwrap().array();
        assert!(trained.iter().zip(&evaluated).all(|(a, b)| (a - b).abs() < 1e-3));
    }

    #[test]
    fn gradients_reach_the_input_through_every_path() {
        for norm in [Norm::Layer, Norm::Batch, Norm::None] {
            let config = ModelConfig { tower: Tower::Mlp, norm, hidden: 6, dim: 3, ..Default::default() };
            let w = weights(&config);
            let target = tensor(4, 3, &noise(12, 9));
            gradient(4, 3, &noise(12, 2), |x| {
                let mut training = Training::default();
                (embed(&w, Side::Image, x, &config, Some(&mut training)).unwrap() * target.clone()).sum()
            });
        }
    }

    #[test]
    fn missing_tensors_are_named() {
        let config = ModelConfig::default();
        let error = embed(&Weights::default(), Side::Text, tensor(1, 3, &[0.0; 3]), &config, None).unwrap_err();
        assert!(error.to_string().contains("text/linear/weight"), "{error}");
    }
}
