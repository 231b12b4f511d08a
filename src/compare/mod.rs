//! The comparison: objectives x splits x seeds, on the same data with the same budget.
//!
//! A [`Job`] is one cell: an objective, a split and a seed. [`run::measure_job`] computes it; [`summary`] puts the
//! records of many into tables. How long an objective trains is chosen on a validation part of the *training* concepts
//! ([`run::stop_epoch`]); folds and held-out parts only report.

#[cfg(feature = "cli")]
pub mod figure;
pub mod run;
pub mod summary;

use crate::config::{Config, DataConfig, Split};
use crate::data::Corpus;
use crate::error::Result;
use crate::objectives::{Method, Objective, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is held out in a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The corpus's own held-out families.
    Concept,
    /// One of the five family folds.
    ConceptFold,
    /// An unseen style.
    Style,
    /// Unseen families in an unseen style.
    Both,
}

impl Part {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 4] = [Self::Concept, Self::ConceptFold, Self::Style, Self::Both];

    /// As in the JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Concept => "concept",
            Self::ConceptFold => "concept-fold",
            Self::Style => "style",
            Self::Both => "both",
        }
    }

    /// What `corpus` lacks for this split; none where it has everything.
    pub fn lacking(self, corpus: &Corpus) -> Option<&'static str> {
        match self {
            Self::ConceptFold if corpus.items.iter().all(|i| i.fold.is_none()) => Some("its items have no folds"),
            // One to hold out, one for the choice of the epoch, one to train on.
            Self::Style | Self::Both if corpus.views.len() < 3 => Some("it shows its items in fewer than three styles"),
            _ => None,
        }
    }
}

/// One cell of the comparison.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Job {
    /// Id of the objective.
    pub objective: String,
    /// What is held out.
    pub split: Part,
    /// Which fold; none unless the split is one.
    pub fold: Option<u8>,
    /// Seed of everything random.
    pub seed: u64,
    /// Without the words that name a class.
    #[serde(default)]
    pub without_generic_words: bool,
}

impl Job {
    /// The configuration of this cell.
    pub fn config(&self, objective: &Objective) -> Result<Config> {
        let mut config = objective.config()?;
        config.seed = self.seed;
        config.train.eval_every = 0;
        config.data = DataConfig {
            split: match self.split {
                Part::Concept | Part::ConceptFold => Split::Concept,
                Part::Style => Split::Style,
                Part::Both => Split::Both,
            },
            fold: self.fold,
            drop_generic_words: self.without_generic_words,
            ..config.data
        };
        Ok(config)
    }
}

/// The result of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// What was computed.
    #[serde(flatten)]
    pub job: Job,
    /// Name of the data set.
    pub data: String,
    /// [`METRICS`] by name, recalls in per cent: on unseen concepts the mean over the views. Null where a metric is not
    /// defined, as retrieval by raw features.
    pub metrics: BTreeMap<String, Option<f64>>,
    /// The same on each view (unseen concepts only).
    #[serde(default)]
    pub views: BTreeMap<String, BTreeMap<String, Option<f64>>>,
    /// Epochs trained, as chosen on the validation part; none for closed forms.
    pub stop_epoch: Option<usize>,
    /// Fingerprint of the configuration: a record of another one is computed again.
    pub configuration: String,
    /// Seconds, the choice of the epoch not counted.
    pub seconds: f64,
}

/// Metrics of a record.
pub const METRICS: [&str; 20] = [
    "i2t_r1",
    "i2t_r5",
    "i2t_r10",
    "t2i_r1",
    "t2i_r5",
    "t2i_r10",
    "mr",
    "ami_image",
    "ami_text",
    "ami_fused",
    "ami_subgroup",
    "nmi_image",
    "ari_image",
    "order_agreement",
    "overlap_10",
    "modality_gap",
    "alignment",
    "uniformity_image",
    "uniformity_text",
    "clusters",
];

/// Which jobs are run.
#[derive(Debug, Clone)]
pub struct Suite {
    /// Objectives by id; empty takes all.
    pub objectives: Vec<String>,
    /// Splits.
    pub parts: Vec<Part>,
    /// Seeds of the splits that are not folds.
    pub seeds: u64,
    /// Also the default, its twin and CCA without the words that name a class.
    pub label_leak: bool,
}

impl Suite {
    /// The paper's comparison: everything on everything.
    pub fn paper() -> Self {
        Self { objectives: Vec::new(), parts: Part::ALL.to_vec(), seeds: 5, label_leak: true }
    }

    /// The jobs, cheap and decisive ones first. Closed forms draw nothing but the start of the text SVD: one seed is all.
    pub fn jobs(&self, objectives: &[Objective]) -> Vec<Job> {
        let chosen = |o: &&Objective| self.objectives.is_empty() || self.objectives.contains(&o.id);
        let mut chosen: Vec<&Objective> = objectives.iter().filter(chosen).collect();
        chosen.sort_by_key(|o| o.role);
        let mut jobs = Vec::new();
        for objective in chosen {
            let closed = !matches!(objective.method, Method::Trained(_));
            let job = |split, fold, seed| Job {
                objective: objective.id.clone(),
                split,
                fold,
                seed,
                without_generic_words: false,
            };
            // The weight curve is drawn from one split; everything else is measured on all.
            let parts = self.parts.iter().filter(|p| objective.role != Role::Weight || **p == Part::Concept);
            for &part in parts {
                match part {
                    Part::ConceptFold => jobs.extend((0..5).map(|fold| job(part, Some(fold), 1))),
                    _ => jobs.extend((1..=if closed { 1 } else { self.seeds }).map(|seed| job(part, None, seed))),
                }
            }
            let leak = self.label_leak && self.parts.contains(&Part::Concept);
            if leak && ["raw", "cca", "twin", "mtls"].contains(&objective.id.as_str()) {
                let seeds = 1..=if closed { 1 } else { self.seeds };
                jobs.extend(seeds.map(|seed| Job { without_generic_words: true, ..job(Part::Concept, None, seed) }));
            }
        }
        jobs
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::objectives;

    #[test]
    fn the_papers_suite_has_every_cell_once() {
        let jobs = Suite::paper().jobs(&objectives::all());
        let distinct: std::collections::HashSet<&Job> = jobs.iter().collect();
        assert_eq!(distinct.len(), jobs.len());
        let of = |id: &str, part| jobs.iter().filter(|j| j.objective == id && j.split == part).count();
        assert_eq!((of("mtls", Part::ConceptFold), of("mtls", Part::Style), of("mtls", Part::Concept)), (5, 5, 10));
        assert_eq!((of("cca", Part::Both), of("cca", Part::ConceptFold), of("cca", Part::Concept)), (1, 5, 2));
    }

    #[test]
    fn data_of_one_style_without_folds_is_compared_on_its_own_held_out_part() {
        let corpus = crate::data::synthetic::corpus(30, 3);
        let possible: Vec<Part> = Part::ALL.into_iter().filter(|p| p.lacking(&corpus).is_none()).collect();
        assert_eq!(possible, [Part::Concept]);
    }

    #[test]
    fn a_job_survives_its_json() {
        let job = Job {
            objective: "mtls".into(),
            split: Part::ConceptFold,
            fold: Some(3),
            seed: 1,
            without_generic_words: false,
        };
        let text = serde_json::to_string(&job).unwrap();
        assert!(text.contains(r#""split":"concept-fold""#), "{text}");
        assert_eq!(serde_json::from_str::<Job>(&text).unwrap(), job);
        assert_eq!(job.config(&objectives::find("mtls").unwrap()).unwrap().data.fold, Some(3));
    }
}
