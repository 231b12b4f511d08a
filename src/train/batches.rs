//! Batches: `B` pairs, an image and a caption each, of distinct items (or of `B / m` items with m pairs each, slot by
//! slot: `per_item`); an epoch is one pass over the items.
//!
//! Everything random is drawn here, by purpose and step, so that a resumed run and another device see the same batch.

use super::index::Index;
use super::inputs::Inputs;
use crate::config::{Config, Control, Teacher, Tower};
use crate::error::{Error, Result};
use crate::loss::transfer::{Draw, Orders};
use crate::matrix::Matrix;
use crate::model::Side;
use crate::model::weights::upload;
use crate::rng::{Purpose, stream};
use crate::tensor::{Device, Indices, Mask, Tensor};
use rand::Rng as _;
use rand::seq::SliceRandom as _;
use rand_distr::{Distribution as _, StandardNormal};
use std::collections::HashMap;

/// What one iteration works on.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Item of each row, `[B]`.
    pub items: Vec<usize>,
    /// Row of [`Inputs::captions`] of each row, `[B]`.
    pub captions: Vec<usize>,
    /// Image features `[B, d_x]`.
    pub x: Tensor<2>,
    /// Caption features `[B, d_y]`.
    pub y: Tensor<2>,
    /// `[B, B]`: image i and caption j, i != j, are known to match; none when no such pair is in the batch.
    pub known: Option<Mask>,
    /// `[B, 1]`: another pair of the same item; none with one pair an item.
    pub partner: Option<Indices>,
    /// Rows of the fixed teachers (image's, text's), `[B, d_a]`, unit rows, without noise; none for those that learn.
    pub fixed: Option<[Tensor<2>; 2]>,
    /// What the index says for the image and the text student; none where triplets stay inside the batch.
    pub indexed: Option<[Orders; 2]>,
    /// Triplets for the image tower and for the text tower.
    pub draws: [Draw; 2],
    /// Dropout masks of the image tower and of the text tower, `[B, hidden]`.
    pub masks: [Option<Tensor<2>>; 2],
    /// Permutation of the shuffled control.
    pub permutation: Option<Indices>,
}

/// Items and steps of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Training items.
    pub items: usize,
    /// Batches an epoch is cut into, of sizes that differ by at most one.
    pub steps_per_epoch: usize,
    /// Optimiser iterations of the whole schedule.
    pub total_steps: usize,
    /// Where the run ends: earlier where `train.stop_epoch` says so.
    pub last_step: usize,
}

impl Plan {
    /// Cuts `items` into batches of about `config.train.batch`. An error below three items.
    pub fn new(items: usize, config: &Config) -> Result<Self> {
        if items < 3 {
            return Err(Error::Data(format!(
                "training needs at least 3 items on the training side of the split, there are {items}; \
                 add pairs or hold out less"
            )));
        }
        // Rounding, not dropping: the last batch of an epoch would else be tiny or lost.
        let rounded = ((items * config.train.per_item) as f64 / config.train.batch as f64).round() as usize;
        let steps_per_epoch = rounded.clamp(1, items / 3);
        let last_epoch = match config.train.stop_epoch {
            0 => config.train.epochs,
            stop => stop.min(config.train.epochs),
        };
        let (total_steps, last_step) = (steps_per_epoch * config.train.epochs, steps_per_epoch * last_epoch);
        Ok(Self { items, steps_per_epoch, total_steps, last_step })
    }

    /// Epoch of `step`, both from 0.
    pub fn epoch(&self, step: usize) -> usize {
        step / self.steps_per_epoch
    }
}

/// The batch of `step` (from 0): a pure function of its arguments.
pub fn batch(
    inputs: &Inputs,
    train_items: &[usize],
    plan: Plan,
    step: usize,
    config: &Config,
    index: Option<&Index>,
    device: &Device,
) -> Result<Batch> {
    let seed = config.seed;
    let at = step as u64;
    let mut order = train_items.to_vec();
    order.shuffle(&mut stream(seed, Purpose::Order, plan.epoch(step) as u64));
    let part = step % plan.steps_per_epoch;
    let bound = |part: usize| part * plan.items / plan.steps_per_epoch;
    let distinct = &order[bound(part)..bound(part + 1)];
    let slots = config.train.per_item;
    let items: Vec<usize> = distinct.repeat(slots);
    let b = items.len();

    let mut sampling = stream(seed, Purpose::Sampling, at);
    let mut x = Vec::with_capacity(b * inputs.image_dim());
    let mut captions = Vec::with_capacity(b);
    // The slots of an item take different views and captions, as far as it has them.
    let mut first = Vec::with_capacity(b);
    for (row, &item) in items.iter().enumerate() {
        let (views, own) = (inputs.train_views.len(), inputs.captions_of[item].clone());
        if row < distinct.len() {
            first.push((sampling.random_range(0..views), sampling.random_range(own.clone())));
        }
        let (slot, (view, caption)) = (row / distinct.len(), first[row % distinct.len()]);
        x.extend_from_slice(inputs.image[inputs.train_views[(view + slot) % views]].row(item));
        captions.push(own.start + (caption - own.start + slot) % own.len());
    }
    let mut x = Matrix::new(b, inputs.image_dim(), x)?;
    let mut y = inputs.captions.select(captions.iter().copied());
    let fixed = match config.transfer.teacher {
        Teacher::Features => Some([x.clone().normalised(), y.clone().normalised()]),
        Teacher::Fused => inputs.fused.as_ref().map(|table| {
            let rows = table.select(items.iter().copied());
            [rows.clone(), rows]
        }),
        Teacher::Embedding | Teacher::Average => None,
    };
    if config.train.noise > 0.0 {
        let mut noise = stream(seed, Purpose::Noise, at);
        for value in x.data.iter_mut().chain(&mut y.data) {
            let z: f32 = StandardNormal.sample(&mut noise);
            *value += config.train.noise as f32 * z;
        }
    }

    let mut triplets = stream(seed, Purpose::Triplets, at);
    let draws = [
        Draw::new(b, &config.transfer, &mut triplets, device)?,
        Draw::new(b, &config.transfer, &mut triplets, device)?,
    ];
    let indexed = index.map(|index| {
        let anchors: Vec<usize> = items.iter().map(|i| train_items.partition_point(|t| t < i)).collect();
        [Side::Image, Side::Text].map(|side| index.orders(side, &anchors, &config.transfer, &mut triplets, device))
    });
    let permutation = (config.transfer.control == Control::Shuffled).then(|| {
        let mut p: Vec<i32> = (0..b as i32).collect();
        p.shuffle(&mut triplets);
        Indices::list(p, device)
    });
    Ok(Batch {
        x: upload(x, device),
        y: upload(y, device),
        known: known(inputs, &items, &captions, device),
        items,
        captions,
        partner: (slots > 1).then(|| {
            let next = (0..b).map(|row| ((row + distinct.len()) % b) as i32).collect();
            Indices::new(next, [b, 1], device)
        }),
        fixed: fixed.map(|rows| rows.map(|rows| upload(rows, device))),
        indexed,
        draws,
        masks: masks(b, step, config, device),
        permutation,
    })
}

/// Where the caption of j is also one of item i (so wherever j is another pair of item i) the two match: never a negative.
fn known(inputs: &Inputs, items: &[usize], captions: &[usize], device: &Device) -> Option<Mask> {
    let b = items.len();
    let mut rows: HashMap<u32, Vec<usize>> = HashMap::new();
    for (j, &caption) in captions.iter().enumerate() {
        rows.entry(inputs.caption_id[caption]).or_default().push(j);
    }
    let mut mask = vec![false; b * b];
    let mut any = false;
    for (i, &item) in items.iter().enumerate() {
        for &j in inputs.captions_of[item].clone().filter_map(|own| rows.get(&inputs.caption_id[own])).flatten() {
            mask[i * b + j] = i != j;
            any |= i != j;
        }
    }
    any.then(|| Mask::new(mask, [b, b], device))
}

fn masks(b: usize, step: usize, config: &Config, device: &Device) -> [Option<Tensor<2>>; 2] {
    let p = config.model.dropout;
    if p == 0.0 || config.model.tower == Tower::Linear {
        return [None, None];
    }
    let hidden = config.model.hidden;
    let mut rng = stream(config.seed, Purpose::Dropout, step as u64);
    let keep = (1.0 - p) as f32;
    [(); 2].map(|()| {
        let mask = (0..b * hidden).map(|_| if rng.random::<f32>() < keep { 1.0 / keep } else { 0.0 }).collect();
        Some(upload(Matrix { rows: b, cols: hidden, data: mask }, device))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Partition, synthetic};

    #[test]
    fn a_pair_is_known_exactly_where_the_caption_is_one_of_the_item() {
        // Generated captions repeat, so that items share some.
        let corpus = synthetic::corpus(60, 3);
        for per_item in [1, 2] {
            let mut config = Config::default();
            config.train.per_item = per_item;
            let partition = Partition::new(&corpus, &config.data).unwrap();
            let inputs = Inputs::new(&corpus, &partition, &config, None).unwrap();
            let plan = Plan::new(partition.train_items.len(), &config).unwrap();
            let batch = batch(&inputs, &partition.train_items, plan, 0, &config, None, &Device::Cpu).unwrap();
            let text = |row: usize| inputs.caption_id[row];
            let matches = |i: usize, j: usize| {
                i != j && inputs.captions_of[batch.items[i]].clone().any(|own| text(own) == text(batch.captions[j]))
            };
            let b = batch.items.len();
            let plain: Vec<bool> = (0..b * b).map(|at| matches(at / b, at % b)).collect();
            assert!(plain.contains(&true) && plain.contains(&false), "{per_item} pairs an item");
            let Some(Mask::Cpu(mask, _)) = batch.known else { panic!("{per_item} pairs an item: no mask") };
            assert_eq!(*mask, plain, "{per_item} pairs an item");
        }
    }
}
