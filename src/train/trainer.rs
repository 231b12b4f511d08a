//! One iteration: forward both towers, read both teachers' orders, update.
//!
//! State advances by values, and the statistics stay on the device until somebody asks for them.

use super::batches::Batch;
use super::index::Index;
use super::optimiser::State;
use crate::config::{Config, Control, Neighbours, Retrieval, Schedule, Teacher};
use crate::error::{Error, Result};
use crate::loss::order::non_negative;
use crate::loss::retrieval::{Calibration, SCALE_MAX, retrieval};
use crate::loss::transfer::{Draw, Orders, Space, orders, transfer};
use crate::loss::within::within;
use crate::model::tower::Training;
use crate::model::{Side, Weights, embed};
use crate::tensor::Tensor;
use std::borrow::Cow;

pub mod walk;

/// Name of the log of the inverse temperature among the weights.
pub const LOG_SCALE: &str = "retrieval/log_scale";

/// Name of SigLIP's bias among the weights.
pub const BIAS: &str = "retrieval/bias";

/// Columns of the statistics of a step.
pub const STATISTICS: [&str; 7] =
    ["total", "retrieval", "transfer_v", "transfer_t", "within", "gradient_norm", "temperature"];

/// The embedding that the objective of `config` compares: unit rows, non-negative for order-embeddings.
pub fn represent(
    weights: &Weights,
    side: Side,
    x: Tensor<2>,
    config: &Config,
    training: Option<&mut Training>,
) -> Result<Tensor<2>> {
    let e = embed(weights, side, x, &config.model, training)?;
    Ok(if config.retrieval.loss == Retrieval::Order { non_negative(e) } else { e })
}

/// One iteration on `batch`. `structure` is false during the warm-up epochs: retrieval only. `index` is what
/// [`Neighbours::Corpus`] has seen at its last look.
///
/// The state moves in place: copies of weights and moments would take as long as a tower. On an error it may stand between
/// two updates.
///
/// Returns `[1, 7]` statistics in the order of [`STATISTICS`]; a term that is switched off reads 0.
pub fn step(
    state: &mut State,
    batch: &Batch,
    index: Option<&Index>,
    config: &Config,
    learning_rate: f64,
    structure: bool,
) -> Result<Tensor<2>> {
    let pass = Pass { batch, index, config, learning_rate, structure };
    let statistics = match config.train.schedule {
        Schedule::Joint => pass.joint(state),
        Schedule::Alternating => pass.alternating(state),
    }?;
    state.average(config.transfer.average_decay)?;
    Ok(statistics)
}

struct Pass<'a> {
    batch: &'a Batch,
    index: Option<&'a Index>,
    config: &'a Config,
    learning_rate: f64,
    structure: bool,
}

/// The terms of an iteration, unweighted; none for one that is off.
struct Terms {
    retrieval: Tensor<1>,
    transfer: [Option<Tensor<1>>; 2],
    within: [Option<Tensor<1>>; 2],
}

impl Terms {
    /// The same values without the graph behind them, which would keep the weights from moving in place.
    fn inner(self) -> Self {
        let inner = |terms: [Option<Tensor<1>>; 2]| terms.map(|term| term.map(Tensor::inner));
        Self { retrieval: self.retrieval.inner(), transfer: inner(self.transfer), within: inner(self.within) }
    }
}

impl Pass<'_> {
    /// One step on the total.
    fn joint(&self, state: &mut State) -> Result<Tensor<2>> {
        let tracked = state.weights.tracked();
        let mut training = self.training();
        let terms = {
            let spaces = self.forward(&tracked, &mut training)?.map(Space::new);
            let [teach_v, teach_t] = self.orders(state, &spaces)?;
            let [v, t] = &spaces;
            Terms {
                retrieval: self.retrieval(&tracked, v.rows(), t.rows())?,
                within: self.within(&spaces)?,
                transfer: [
                    teach_v.map(|orders| self.transfer(Side::Image, &spaces, &orders)),
                    teach_t.map(|orders| self.transfer(Side::Text, &spaces, &orders)),
                ],
            }
        };
        let total = self.total(&terms);
        let (value, terms) = (total.clone().inner(), terms.inner());
        let norm = state.update(tracked, &total.backward(), self.learning_rate, &self.config.train)?;
        keep_running(state, training);
        statistics(state, value, terms, norm)
    }

    /// MAI's schedule: retrieval, then the image tower, then the text tower; the orders are read before any step.
    fn alternating(&self, state: &mut State) -> Result<Tensor<2>> {
        let tracked = state.weights.tracked();
        let mut training = self.training();
        let e = self.forward(&tracked, &mut training)?;
        let (taught, mut terms) = {
            let spaces = e.map(Space::new);
            let [v, t] = &spaces;
            let retrieval = self.retrieval(&tracked, v.rows(), t.rows())?;
            let terms = Terms { within: self.within(&spaces)?, retrieval, transfer: [None, None] };
            (self.orders(state, &spaces)?, terms)
        };
        let r = &self.config.retrieval;
        let mut norm = if r.weight + r.within_image + r.within_text > 0.0 {
            let loss = self.total(&terms);
            state.update(tracked, &loss.backward(), self.learning_rate, &self.config.train)?
        } else {
            Tensor::zeros([1, 1], &terms.retrieval.device())
        };
        keep_running(state, training);
        let config = &self.config.transfer;
        for (n, (orders, lambda)) in taught.into_iter().zip([config.lambda_v, config.lambda_t]).enumerate() {
            let Some(orders) = orders else { continue };
            let side = [Side::Image, Side::Text][n];
            let tracked = state.weights.tracked();
            let mut training = self.training();
            let e = represent(&tracked, side, self.input(side), self.config, Some(&mut training[n]))?;
            let term = self.transfer(side, &[e.clone(), e].map(Space::new), &orders);
            let loss = term.clone().mul_scalar(lambda as f32);
            let more = state.update(tracked, &loss.backward(), self.learning_rate, &self.config.train)?;
            norm = norm.max_pair(more);
            terms.transfer[n] = Some(term);
        }
        let total = self.total(&terms);
        statistics(state, total, terms, norm)
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
        Ok([
            represent(weights, Side::Image, self.input(Side::Image), self.config, Some(image))?,
            represent(weights, Side::Text, self.input(Side::Text), self.config, Some(text))?,
        ])
    }

    fn retrieval(&self, weights: &Weights, v: Tensor<2>, t: Tensor<2>) -> Result<Tensor<1>> {
        let calibration = Calibration { log_scale: weights.get(LOG_SCALE)?, bias: weights.get(BIAS)? };
        Ok(retrieval(v, t, calibration, self.batch.known.clone(), &self.config.retrieval))
    }

    fn within(&self, spaces: &[Space; 2]) -> Result<[Option<Tensor<1>>; 2]> {
        let config = &self.config.retrieval;
        let term = |side: Side, weight: f64| -> Result<Option<Tensor<1>>> {
            if weight == 0.0 {
                return Ok(None);
            }
            let partner = self.batch.partner.clone();
            let partner = partner.ok_or_else(|| Error::Config("the within-view term needs train.per_item 2".into()))?;
            Ok(Some(within(spaces[side as usize].distances(), partner, self.batch.known.clone(), config)))
        };
        Ok([term(Side::Image, config.within_image)?, term(Side::Text, config.within_text)?])
    }

    /// What `orders` teach the tower of `side`, inside the batch or among the items of the index.
    fn transfer(&self, side: Side, spaces: &[Space; 2], orders: &Orders) -> Tensor<1> {
        let bank = self.index.map(|index| index.bank(side));
        transfer(&spaces[side as usize], bank.as_ref(), orders, &self.config.transfer)
    }

    /// The orders that teach the image tower and the text tower; none for a direction that is off.
    fn orders(&self, state: &State, spaces: &[Space; 2]) -> Result<[Option<Orders>; 2]> {
        let config = &self.config.transfer;
        let on = [config.lambda_v, config.lambda_t].map(|lambda| lambda > 0.0 && self.structure);
        if config.neighbours == Neighbours::Corpus {
            let [image, text] = self.batch.indexed.clone().map_or([None, None], |orders| orders.map(Some));
            return Ok([image.filter(|_| on[0]), text.filter(|_| on[1])]);
        }
        let order = |student: Side, on: bool, draw: &Draw| -> Result<Option<Orders>> {
            if !on {
                return Ok(None);
            }
            let teacher = teacher_of(student, config.control);
            let mut space = match (config.teacher, teacher) {
                (Teacher::Embedding, side) => Cow::Borrowed(&spaces[side as usize]),
                (Teacher::Average, side) => {
                    Cow::Owned(Space::new(represent(&state.average, side, self.input(side), self.config, None)?))
                }
                (Teacher::Features | Teacher::Fused, side) => {
                    let missing = || Error::Config("the fixed teacher was not prepared for this batch".into());
                    let [image, text] = self.batch.fixed.clone().ok_or_else(missing)?;
                    Cow::Owned(Space::new(if side == Side::Image { image } else { text }))
                }
            };
            if let (Control::Shuffled, Some(permutation)) = (config.control, &self.batch.permutation) {
                space = Cow::Owned(Space::new(space.rows().select(0, permutation)));
            }
            Ok(Some(orders(&space, draw, config)))
        };
        let [image, text] = &self.batch.draws;
        Ok([order(Side::Image, on[0], image)?, order(Side::Text, on[1], text)?])
    }

    fn total(&self, terms: &Terms) -> Tensor<1> {
        let (r, t) = (&self.config.retrieval, &self.config.transfer);
        let weighted = (terms.transfer.iter().zip([t.lambda_v, t.lambda_t]))
            .chain(terms.within.iter().zip([r.within_image, r.within_text]));
        let mut total = terms.retrieval.clone().mul_scalar(r.weight as f32);
        for (term, weight) in weighted {
            if let Some(term) = term {
                total = total + term.clone().mul_scalar(weight as f32);
            }
        }
        total
    }
}

/// Who teaches `student`.
pub fn teacher_of(student: Side, control: Control) -> Side {
    if control == Control::SelfTeacher { student } else { student.peer() }
}

fn keep_running(state: &mut State, training: [Training; 2]) {
    for side in training {
        state.weights.0.extend(side.running);
    }
}

fn statistics(state: &State, total: Tensor<1>, terms: Terms, norm: Tensor<2>) -> Result<Tensor<2>> {
    let column = |t: Option<Tensor<1>>| match t {
        Some(t) => t.inner().reshape([1, 1]),
        None => norm.clone().mul_scalar(0.0),
    };
    let temperature = state.weights.get(LOG_SCALE)?.clamp_max(SCALE_MAX.ln()).mul_scalar(-1.0).exp();
    let [tv, tt] = terms.transfer;
    let within = match terms.within {
        [Some(v), Some(t)] => Some(v + t),
        [v, t] => v.or(t),
    };
    let columns = vec![
        column(Some(total)),
        column(Some(terms.retrieval)),
        column(tv),
        column(tt),
        column(within),
        norm.clone(),
        temperature,
    ];
    Ok(Tensor::cat(columns, 1))
}
