//! One iteration: forward both towers, read both teachers' orders, update.
//!
//! State advances by values, and the statistics stay on the device until somebody asks for them.

use super::batches::Batch;
use super::optimiser::State;
use crate::config::{Config, Control, Schedule, Teacher};
use crate::error::Result;
use crate::loss::retrieval::{SCALE_MAX, retrieval};
use crate::loss::transfer::{Draw, Orders, distances, orders, transfer};
use crate::model::tower::{Training, unit_rows};
use crate::model::{Side, Weights, embed};
use burn::tensor::Tensor;

/// Name of the log of InfoNCE's inverse temperature among the weights.
pub const LOG_SCALE: &str = "retrieval/log_scale";

/// Columns of the statistics of a step.
pub const STATISTICS: [&str; 6] = ["total", "retrieval", "transfer_v", "transfer_t", "gradient_norm", "temperature"];

/// One iteration on `batch`. `structure` is false during the warm-up epochs: retrieval only.
///
/// Returns the next state and `[1, 6]` statistics in the order of [`STATISTICS`]; a term that is switched off reads 0.
pub fn step(
    state: State,
    batch: &Batch,
    config: &Config,
    learning_rate: f64,
    structure: bool,
) -> Result<(State, Tensor<2>)> {
    let pass = Pass { batch, config, learning_rate, structure };
    match config.train.schedule {
        Schedule::Joint => pass.joint(state),
        Schedule::Alternating => pass.alternating(state),
    }
}

struct Pass<'a> {
    batch: &'a Batch,
    config: &'a Config,
    learning_rate: f64,
    structure: bool,
}

impl Pass<'_> {
    /// One step on the total.
    fn joint(&self, state: State) -> Result<(State, Tensor<2>)> {
        let tracked = state.weights.tracked();
        let mut training = self.training();
        let [v, t] = self.forward(&tracked, &mut training)?;
        let [teach_v, teach_t] = self.orders(&v, &t);
        let ret = self.retrieval(&tracked, v.clone(), t.clone())?;
        let tv = teach_v.map(|o| transfer(distances(v), &o, &self.config.transfer));
        let tt = teach_t.map(|o| transfer(distances(t), &o, &self.config.transfer));
        let total = self.total(&ret, &tv, &tt);
        let (mut state, norm) = state.update(&tracked, &total.backward(), self.learning_rate, &self.config.train)?;
        keep_running(&mut state, training);
        let statistics = statistics(&state, total, Some(ret), tv, tt, norm)?;
        Ok((state, statistics))
    }

    /// MAI's schedule: retrieval, then the image tower, then the text tower; the orders are read before any step.
    fn alternating(&self, state: State) -> Result<(State, Tensor<2>)> {
        let tracked = state.weights.tracked();
        let mut training = self.training();
        let [v, t] = self.forward(&tracked, &mut training)?;
        let [teach_v, teach_t] = self.orders(&v, &t);
        let ret = self.retrieval(&tracked, v, t)?;
        let loss = ret.clone().mul_scalar(self.config.retrieval.weight as f32);
        let (mut state, mut norm) = if self.config.retrieval.weight > 0.0 {
            state.update(&tracked, &loss.backward(), self.learning_rate, &self.config.train)?
        } else {
            let zero = Tensor::zeros([1, 1], &ret.device().inner());
            (state, zero)
        };
        keep_running(&mut state, training);
        let mut terms = [None, None];
        let transfer_config = &self.config.transfer;
        for (n, (side, orders, lambda)) in
            [(Side::Image, teach_v, transfer_config.lambda_v), (Side::Text, teach_t, transfer_config.lambda_t)]
                .into_iter()
                .enumerate()
        {
            let Some(orders) = orders else { continue };
            let tracked = state.weights.tracked();
            let [mut image, mut text] = self.training();
            let training = if side == Side::Image { &mut image } else { &mut text };
            let e = embed(&tracked, side, self.input(side), &self.config.model, Some(training))?;
            let term = transfer(distances(e), &orders, transfer_config);
            let loss = term.clone().mul_scalar(lambda as f32);
            let (next, more) = state.update(&tracked, &loss.backward(), self.learning_rate, &self.config.train)?;
            (state, norm) = (next, norm.max_pair(more));
            terms[n] = Some(term);
        }
        let [tv, tt] = terms;
        let total = self.total(&ret, &tv, &tt);
        let statistics = statistics(&state, total, Some(ret), tv, tt, norm)?;
        Ok((state, statistics))
    }

    fn input(&self, side: Side) -> Tensor<2> {
        match side {
            Side::Image => self.batch.x.clone(),
            Side::Text => self.batch.y.clone(),
        }
    }

    fn training(&self) -> [Training; 2] {
        self.batch.masks.clone().map(|mask| Training { mask, running: Vec::new() })
    }

    fn forward(&self, weights: &Weights, training: &mut [Training; 2]) -> Result<[Tensor<2>; 2]> {
        let [image, text] = training;
        let model = &self.config.model;
        Ok([
            embed(weights, Side::Image, self.input(Side::Image), model, Some(image))?,
            embed(weights, Side::Text, self.input(Side::Text), model, Some(text))?,
        ])
    }

    fn retrieval(&self, weights: &Weights, v: Tensor<2>, t: Tensor<2>) -> Result<Tensor<1>> {
        let s = v.matmul(t.transpose());
        Ok(retrieval(s, weights.get(LOG_SCALE)?, self.batch.known.clone(), &self.config.retrieval))
    }

    /// The orders that teach the image tower and the text tower; none for a direction that is off.
    fn orders(&self, v: &Tensor<2>, t: &Tensor<2>) -> [Option<Orders>; 2] {
        let config = &self.config.transfer;
        let order = |student: Side, lambda: f64, draw: &Draw| {
            if lambda == 0.0 || !self.structure {
                return None;
            }
            let teacher = if config.control == Control::SelfTeacher { student } else { student.peer() };
            let space = match (config.teacher, teacher) {
                (Teacher::Embedding, Side::Image) => v.clone().inner(),
                (Teacher::Embedding, Side::Text) => t.clone().inner(),
                (Teacher::Features, side) => unit_rows(self.input(side)),
            };
            let mut table = distances(space);
            if let (Control::Shuffled, Some(permutation)) = (config.control, &self.batch.permutation) {
                table = table.select(0, permutation.clone()).select(1, permutation.clone());
            }
            Some(orders(table, draw, config))
        };
        let [image, text] = &self.batch.draws;
        [order(Side::Image, config.lambda_v, image), order(Side::Text, config.lambda_t, text)]
    }

    fn total(&self, ret: &Tensor<1>, tv: &Option<Tensor<1>>, tt: &Option<Tensor<1>>) -> Tensor<1> {
        let mut total = ret.clone().mul_scalar(self.config.retrieval.weight as f32);
        for (term, lambda) in [(tv, self.config.transfer.lambda_v), (tt, self.config.transfer.lambda_t)] {
            if let Some(term) = term {
                total = total + term.clone().mul_scalar(lambda as f32);
            }
        }
        total
    }
}

fn keep_running(state: &mut State, training: [Training; 2]) {
    for side in training {
        state.weights.0.extend(side.running);
    }
}

fn statistics(
    state: &State,
    total: Tensor<1>,
    ret: Option<Tensor<1>>,
    tv: Option<Tensor<1>>,
    tt: Option<Tensor<1>>,
    norm: Tensor<2>,
) -> Result<Tensor<2>> {
    let column = |t: Option<Tensor<1>>| match t {
        Some(t) => t.inner().reshape([1, 1]),
        None => norm.zeros_like(),
    };
    let temperature = state.weights.get(LOG_SCALE)?.clamp_max(SCALE_MAX.ln()).neg().exp();
    Ok(Tensor::cat(vec![column(Some(total)), column(ret), column(tv), column(tt), norm.clone(), temperature], 1))
}
