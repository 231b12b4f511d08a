//! A run that is pumped: `session.step(n).await` gives events. Pause: stop calling. Cancel: drop it.
//!
//! The page, the command line, the tests and the benchmarks all drive this one type.

use super::batches::{Batch, Plan, batch};
use super::event::{Event, Step};
use super::index::Index;
use super::inputs::{Asked, Inputs};
use super::optimiser::{State, learning_rate};
use super::reference::Workload;
use super::trainer::walk::{Walk, walk};
use super::{snapshot, start, trainer};
use crate::analyze::Score;
use crate::analyze::report::{Detail, Metrics, Trained, agreement, measure, ranked};
use crate::config::{Config, Teacher};
use crate::data::{Corpus, Partition};
use crate::error::{Error, Result};
use crate::features::TextFeatures;
use crate::matrix::Matrix;
use crate::model::weights::{download, upload};
use crate::model::{Side, Weights};
use crate::tensor::{Device, Tensor};
use std::rc::Rc;

mod retune;
mod teachers;

pub use retune::RETUNABLE;

/// Rows embedded at once: bounds the memory of a large gallery.
const EMBED_ROWS: usize = 4096;

/// All tables of a run, the fixed teacher included where it has one.
fn prepared(corpus: &Corpus, partition: &Partition, config: &Config, text: Option<TextFeatures>) -> Result<Inputs> {
    let mut inputs = Inputs::new(corpus, partition, config, text)?;
    if config.transfer.teacher == Teacher::Fused {
        inputs.fused = Some(start::fused_teacher(&inputs, partition, config)?);
    }
    Ok(inputs)
}

/// What a step works on.
struct Next {
    batch: Batch,
    rate: f64,
    structure: bool,
}

/// A training run.
pub struct Session {
    corpus: Rc<Corpus>,
    config: Config,
    partition: Partition,
    inputs: Inputs,
    plan: Plan,
    state: State,
    index: Option<Index>,
    step: usize,
    history: Vec<Event>,
    device: Device,
}

impl Session {
    /// Prepares a run: split, features, towers. `text` reuses text features fitted on the same training captions.
    ///
    /// # Errors
    /// A configuration out of range, too little data, a device that fails.
    pub fn new(corpus: Rc<Corpus>, config: Config, text: Option<TextFeatures>, device: Device) -> Result<Self> {
        config.validate()?;
        let partition = Partition::new(&corpus, &config.data)?;
        let inputs = prepared(&corpus, &partition, &config, text)?;
        let plan = Plan::new(partition.train_items.len(), &config)?;
        let weights = start::weights(&inputs, &partition, &config)?;
        let state = State::new(Weights::upload(weights, &device)).averaging(&config.transfer);
        Ok(Self { corpus, config, partition, inputs, plan, state, index: None, step: 0, history: Vec::new(), device })
    }

    /// The text features that a run of `config` on `corpus` fits: for several runs on the same training captions.
    pub fn fit_text(corpus: &Corpus, config: &Config) -> Result<TextFeatures> {
        Inputs::fit_text(corpus, &Partition::new(corpus, &config.data)?, config)
    }

    /// Continues a run from a snapshot, on any device.
    ///
    /// # Errors
    /// A damaged snapshot, or one of other data.
    pub fn resume(corpus: Rc<Corpus>, bytes: &[u8], text: Option<TextFeatures>, device: Device) -> Result<Self> {
        let (header, state, index) = snapshot::read(bytes, &device)?;
        if header.fingerprint != corpus.fingerprint {
            return Err(Error::format(
                "snapshot",
                format!(
                    "it belongs to the data set {} in another state than the one that is open ({}); open that one first",
                    header.corpus, corpus.name
                ),
            ));
        }
        header.config.validate()?;
        let config = header.config;
        let partition = Partition::new(&corpus, &config.data)?;
        let inputs = prepared(&corpus, &partition, &config, text)?;
        let plan = Plan::new(partition.train_items.len(), &config)?;
        let (step, history) = (header.step, header.history);
        Ok(Self { corpus, config, partition, inputs, plan, state, index, step, history, device })
    }

    /// Up to `n` iterations, and an evaluation wherever one falls due. Stops early only when the run is over.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a statistic is not finite, [`Error::Device`] when the device fails.
    pub async fn step(&mut self, n: usize) -> Result<Vec<Event>> {
        let mut events = Vec::new();
        let mut pending = Vec::new();
        let last = (self.step + n).min(self.plan.last_step);
        while self.step < last {
            let Next { batch, rate, structure } = self.next().await?;
            let index = self.index.as_ref();
            let statistics = trainer::step(&mut self.state, &batch, index, &self.config, rate, structure)?;
            self.step += 1;
            pending.push((self.step, rate, statistics));
            if self.evaluation_due() {
                self.report(&mut pending, &mut events).await?;
                let metrics = Box::new(self.evaluate().await?);
                events.push(Event::Evaluation { step: self.step, epoch: self.epoch(self.step), metrics });
            }
        }
        self.report(&mut pending, &mut events).await?;
        if self.finished() && !events.is_empty() {
            events.push(Event::Finished { step: self.step });
        }
        self.history.extend(events.iter().cloned());
        Ok(events)
    }

    /// What the next step works on.
    async fn next(&mut self) -> Result<Next> {
        self.look().await?;
        let (items, index) = (&self.partition.train_items, self.index.as_ref());
        Ok(Next {
            batch: batch(&self.inputs, items, self.plan, self.step, &self.config, index, &self.device)?,
            rate: learning_rate(self.step, self.plan.total_steps, &self.config.train),
            structure: self.plan.epoch(self.step) >= self.config.train.warmup_epochs,
        })
    }

    /// The inside of the next step; none is made. An error when the run is over.
    pub async fn walk(&mut self) -> Result<(Batch, f64, Walk)> {
        if self.finished() {
            return Err(Error::Data("the run is over: there is no next step to look into; reset it".to_owned()));
        }
        let Next { batch, rate, structure } = self.next().await?;
        let walk = walk(&self.state, &batch, self.index.as_ref(), &self.config, rate, structure).await?;
        Ok((batch, rate, walk))
    }

    /// The same run before its first step.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn beginning(&self) -> Result<Self> {
        let text = Some(self.inputs.text_features().clone());
        Self::new(self.corpus.clone(), self.config.clone(), text, self.device.clone())
    }

    /// Reads the statistics of all pending steps in one transfer.
    async fn report(&self, pending: &mut Vec<(usize, f64, Tensor<2>)>, events: &mut Vec<Event>) -> Result<()> {
        if pending.is_empty() {
            return Ok(());
        }
        let table = Tensor::cat(pending.iter().map(|(_, _, s)| s.clone()).collect(), 0);
        let rows = download(vec![table]).await?;
        for (n, (step, rate, _)) in pending.drain(..).enumerate() {
            events.push(Event::Step(Step::read(step, self.epoch(step), rate, rows[0].row(n))?));
        }
        Ok(())
    }

    fn evaluation_due(&self) -> bool {
        let every = self.config.train.eval_every * self.plan.steps_per_epoch;
        self.finished() || (every > 0 && self.step.is_multiple_of(every))
    }

    fn epoch(&self, step: usize) -> f64 {
        step as f64 / self.plan.steps_per_epoch as f64
    }

    /// Metrics on the held-out part with the current weights, and retrieval among as many training items.
    pub async fn evaluate(&self) -> Result<Metrics> {
        let mut metrics = self.evaluate_view(self.partition.test_view, Detail::Curve).await?;
        metrics.trained = self.evaluate_trained().await?;
        Ok(metrics)
    }

    /// [`Self::evaluate`], and kept in the history if that has no evaluation yet: the state before training.
    pub async fn evaluate_start(&mut self) -> Result<Metrics> {
        let metrics = self.evaluate().await?;
        if self.last_metrics().is_none() {
            let (step, epoch) = (self.step, self.epoch(self.step));
            self.history.push(Event::Evaluation { step, epoch, metrics: Box::new(metrics.clone()) });
        }
        Ok(metrics)
    }

    /// The same among training items, as many as are held out, so that the two compare: the difference is what was
    /// learned by heart. None where no training item has a query text.
    async fn evaluate_trained(&self) -> Result<Option<Trained>> {
        let queries = self.queries()?;
        let asked: Vec<usize> =
            self.partition.train_items.iter().copied().filter(|&i| !queries[i].is_empty()).collect();
        let count = self.partition.test_items.len().min(asked.len());
        if count == 0 {
            return Ok(None);
        }
        let items: Vec<usize> = (0..count).map(|n| asked[n * asked.len() / count]).collect();
        let view = self.inputs.train_views.first().copied().unwrap_or(self.partition.test_view);
        let image = self.embed_inputs(Side::Image, &self.inputs.image[view].select(items.iter().copied())).await?;
        let (texts, image_of_text) = self.corpus.queries_of(&items)?;
        let text = self.embed_inputs(Side::Text, self.inputs.asked(Asked::Trained, &texts)).await?;
        let retrieval = ranked(&image, &text, &texts, &image_of_text, self.score())?;
        // Texts come item by item: the first of each.
        let firsts = (0..count).map(|i| image_of_text.partition_point(|&of| of < i));
        let (order_agreement, overlap_10, modality_gap) = agreement(&image, &text.select(firsts))?;
        Ok(Some(Trained { retrieval, order_agreement, overlap_10, modality_gap }))
    }

    /// The same on the pictures of any view, in any detail.
    pub async fn evaluate_view(&self, view: usize, detail: Detail) -> Result<Metrics> {
        let image = self.embed_held_out(view).await?;
        let (texts, image_of_text) = self.corpus.queries_of(&self.partition.test_items)?;
        let text = self.embed_inputs(Side::Text, self.inputs.asked(Asked::HeldOut, &texts)).await?;
        let items = &self.partition.test_items;
        measure(&self.corpus, items, &image, &text, &texts, &image_of_text, (self.score(), detail))
    }

    /// Retrieval alone on the held-out part, mR in per cent as the mean over the views that [`Partition::reported`] names:
    /// what a choice of the epoch looks at.
    pub async fn mean_recall(&self) -> Result<f64> {
        let (texts, image_of_text) = self.corpus.queries_of(&self.partition.test_items)?;
        let text = self.embed_inputs(Side::Text, self.inputs.asked(Asked::HeldOut, &texts)).await?;
        let views = self.partition.reported(self.corpus.views.len());
        let mut sum = 0.0;
        for &view in &views {
            let image = self.embed_held_out(view).await?;
            sum += ranked(&image, &text, &texts, &image_of_text, self.score())?.mr;
        }
        Ok(sum / views.len() as f64)
    }

    async fn embed_held_out(&self, view: usize) -> Result<Matrix> {
        let items = self.partition.test_items.iter().copied();
        self.embed_inputs(Side::Image, &self.inputs.image[view].select(items)).await
    }

    /// What ranks a picture and a text of this run.
    pub fn score(&self) -> Score {
        Score::of(self.config.retrieval.loss)
    }

    fn queries(&self) -> Result<&[Vec<String>]> {
        let first = self.corpus.query_sets.first();
        first.map(|q| q.texts.as_slice()).ok_or_else(|| Error::Data("the data has no query texts".to_owned()))
    }

    /// Embeddings of texts, `[n, d]`, unit rows.
    pub async fn embed_texts(&self, texts: &[&str]) -> Result<Matrix> {
        self.embed_inputs(Side::Text, &self.inputs.texts(texts)).await
    }

    /// Embeddings of raw image features of the kind in use, `[n, d]`.
    pub async fn embed_images(&self, raw: Matrix) -> Result<Matrix> {
        self.embed_inputs(Side::Image, &self.inputs.images(raw)?).await
    }

    /// Embeddings of the pictures of all items in `view`, `[N, d]`.
    pub async fn embed_view(&self, view: usize) -> Result<Matrix> {
        let table = self.inputs.image.get(view);
        let table = table.ok_or_else(|| Error::Data(format!("there is no view {view}")))?;
        self.embed_inputs(Side::Image, table).await
    }

    /// Embeddings of the first query text of all items, `[N, d]`; an item without one is embedded by its title.
    pub async fn embed_queries(&self) -> Result<Matrix> {
        self.embed_inputs(Side::Text, self.inputs.asked(Asked::Firsts, &self.query_texts()?)).await
    }

    /// The first query text of all items, the title of one without.
    pub fn query_texts(&self) -> Result<Vec<&str>> {
        let pairs = self.corpus.items.iter().zip(self.queries()?);
        Ok(pairs.map(|(item, texts)| texts.first().map_or(item.title.as_str(), String::as_str)).collect())
    }

    async fn embed_inputs(&self, side: Side, inputs: &Matrix) -> Result<Matrix> {
        self.embed_inputs_by(&self.state.weights, side, inputs).await
    }

    async fn embed_inputs_by(&self, weights: &Weights, side: Side, inputs: &Matrix) -> Result<Matrix> {
        let mut parts = Vec::new();
        for start in (0..inputs.rows).step_by(EMBED_ROWS) {
            let rows = inputs.select(start..(start + EMBED_ROWS).min(inputs.rows));
            parts.push(trainer::represent(weights, side, upload(rows, &self.device), &self.config, None)?);
        }
        let parts = download(parts).await?;
        let data = parts.into_iter().flat_map(|m| m.data).collect();
        Matrix::new(inputs.rows, self.config.model.dim, data)
    }

    /// The run as bytes (see [`snapshot`]).
    pub async fn snapshot(&self) -> Result<Vec<u8>> {
        let corpus = (self.corpus.name.as_str(), self.corpus.fingerprint.as_str());
        snapshot::write(&self.state, self.index.as_ref(), &self.config, corpus, self.step, &self.history).await
    }

    /// Goes on, on another device, from the state as it is.
    pub async fn move_to(&mut self, device: Device) -> Result<()> {
        self.state = self.state.on(&device).await?;
        self.index = self.index.take().map(|index| index.on(&device));
        self.device = device;
        Ok(())
    }

    /// What a step of this run costs: for comparing devices.
    pub fn workload(&self) -> Workload {
        let (image_dim, text_dim) = (self.inputs.image_dim(), self.inputs.text_dim());
        Workload { config: self.config.clone(), image_dim, text_dim }
    }

    /// Whether every step is done.
    pub fn finished(&self) -> bool {
        self.step >= self.plan.last_step
    }

    /// Iterations done.
    pub fn steps_done(&self) -> usize {
        self.step
    }

    /// Items, steps per epoch and in total.
    pub fn plan(&self) -> Plan {
        self.plan
    }

    /// The configuration of the run.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The data.
    pub fn corpus(&self) -> &Corpus {
        &self.corpus
    }

    /// The data, shared.
    pub fn corpus_handle(&self) -> Rc<Corpus> {
        self.corpus.clone()
    }

    /// Which items and views are trained on and tested.
    pub fn partition(&self) -> &Partition {
        &self.partition
    }

    /// The feature tables.
    pub fn inputs(&self) -> &Inputs {
        &self.inputs
    }

    /// The current weights.
    pub fn weights(&self) -> &Weights {
        &self.state.weights
    }

    /// What has been reported so far.
    pub fn history(&self) -> &[Event] {
        &self.history
    }

    /// The metrics of the last evaluation, if there was one.
    pub fn last_metrics(&self) -> Option<&Metrics> {
        self.history.iter().rev().find_map(|event| match event {
            Event::Evaluation { metrics, .. } => Some(&**metrics),
            _ => None,
        })
    }
}
