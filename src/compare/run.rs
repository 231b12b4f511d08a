//! One job: choose how long to train on a validation part, train, measure.

use super::{Job, METRICS, Part, Record};
use crate::analyze::report::{Detail, Metrics, clustering_of, measure};
use crate::analyze::structure::{order_agreement, overlap_at_k, triplets};
use crate::analyze::{Cca, Score};
use crate::config::Config;
use crate::data::{Corpus, Partition};
use crate::error::{Error, Result};
use crate::features::TextFeatures;
use crate::matrix::Matrix;
use crate::objectives::{Method, Objective};
use crate::tensor::Device;
use crate::train::inputs::Inputs;
use crate::train::{Session, start};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Epochs between two looks at the validation part.
const LOOK: usize = 5;

/// Changes with every setting of the job; a stored record of another one is stale.
pub fn fingerprint(config: &Config, corpus: &Corpus, method: &Method) -> String {
    let text = format!("{config:?} {} {method:?}", corpus.fingerprint);
    Sha256::digest(text).iter().take(8).map(|b| format!("{b:02x}")).collect()
}

/// Epochs after which an objective is at its best (mR, mean over the views) on a fifth of the *training* families, trained
/// on the others.
///
/// The schedule is the full one, so that the choice stops it early and changes nothing else. One look is noisy (a fifth
/// of the training items): each counts as the mean of itself and the looks beside it.
pub async fn stop_epoch(
    corpus: &Rc<Corpus>,
    config: &Config,
    text: Option<TextFeatures>,
    device: &Device,
) -> Result<usize> {
    let mut session = Session::new(corpus.clone(), config.clone(), text, device.clone())?;
    let steps = LOOK * session.plan().steps_per_epoch;
    let mut looks = Vec::new();
    while !session.finished() {
        session.step(steps).await?;
        looks.push(session.mean_recall().await?);
    }
    let best = best_look(&looks);
    Ok(((best + 1) * LOOK).min(config.train.epochs))
}

/// The first of the best after smoothing.
fn best_look(looks: &[f64]) -> usize {
    let smooth = |n: usize| {
        let near = &looks[n.saturating_sub(1)..(n + 2).min(looks.len())];
        near.iter().sum::<f64>() / near.len() as f64
    };
    (0..looks.len()).fold(0, |best, n| if smooth(n) > smooth(best) { n } else { best })
}

/// The configuration that [`stop_epoch`] trains: `config`, on four fifths of its training families.
pub fn validating(mut config: Config) -> Config {
    config.data.validation = true;
    config.train.eval_every = 0;
    config
}

/// Computes a job. `stop` is what [`stop_epoch`] said (ignored by closed forms); `text` reuses text features fitted on
/// the same training captions with the same seed.
pub async fn measure_job(
    corpus: &Rc<Corpus>,
    objective: &Objective,
    job: &Job,
    stop: Option<usize>,
    text: Option<TextFeatures>,
    device: &Device,
) -> Result<Record> {
    let began = web_time::Instant::now();
    let mut config = job.config(objective)?;
    let configuration = fingerprint(&config, corpus, &objective.method);
    config.train.stop_epoch = stop.unwrap_or(0);
    let by_view = match objective.method {
        Method::Trained(_) => trained(corpus, config, text, device).await?,
        _ => closed(corpus, &objective.method, &config, text)?,
    };
    let views = matches!(job.split, Part::Concept | Part::ConceptFold);
    Ok(Record {
        job: job.clone(),
        data: corpus.name.clone(),
        metrics: mean(by_view.values()),
        views: if views { by_view } else { BTreeMap::new() },
        stop_epoch: stop.filter(|_| matches!(objective.method, Method::Trained(_))),
        configuration,
        seconds: (began.elapsed().as_secs_f64() * 100.0).round() / 100.0,
    })
}

type Values = BTreeMap<String, Option<f64>>;

async fn trained(
    corpus: &Rc<Corpus>,
    config: Config,
    text: Option<TextFeatures>,
    device: &Device,
) -> Result<BTreeMap<String, Values>> {
    let mut session = Session::new(corpus.clone(), config, text, device.clone())?;
    session.step(usize::MAX / 2).await?;
    let mut by_view = BTreeMap::new();
    for view in session.partition().reported(corpus.views.len()) {
        let metrics = session.evaluate_view(view, Detail::Full).await?;
        by_view.insert(corpus.views[view].name.clone(), values(&metrics)?);
    }
    Ok(by_view)
}

fn closed(
    corpus: &Corpus,
    method: &Method,
    config: &Config,
    text: Option<TextFeatures>,
) -> Result<BTreeMap<String, Values>> {
    let partition = Partition::new(corpus, &config.data)?;
    let inputs = Inputs::new(corpus, &partition, config, text)?;
    let items = &partition.test_items;
    let (texts, image_of_text) = corpus.queries_of(items)?;
    let (cca, text_rows) = match method {
        Method::Raw => (None, inputs.texts(&texts)),
        Method::MeanVector => {
            let captions: Vec<&str> = partition.train_items.iter().map(|&i| whole_caption(corpus, i)).collect();
            let cca = start::paired(&inputs, &partition, config, &inputs.word_means(&captions))?;
            let rows = cca.project_y(&inputs.word_means(&texts))?;
            (Some(cca), rows)
        }
        _ => {
            let cca = start::canonical(&inputs, &partition, config)?;
            let rows = cca.project_y(&inputs.texts(&texts))?;
            (Some(cca), rows)
        }
    };
    let text_rows = text_rows.normalised();
    let mut by_view = BTreeMap::new();
    for view in partition.reported(corpus.views.len()) {
        let raw = inputs.image[view].select(items.iter().copied());
        let image = projected(cca.as_ref(), raw)?;
        let values = match method {
            Method::Raw => raw_values(corpus, items, &image, &text_rows, &image_of_text)?,
            _ => {
                let how = (Score::Cosine, Detail::Full);
                values(&measure(corpus, items, &image, &text_rows, &texts, &image_of_text, how)?)?
            }
        };
        by_view.insert(corpus.views[view].name.clone(), values);
    }
    Ok(by_view)
}

/// The caption that says most: the longest.
fn whole_caption(corpus: &Corpus, item: usize) -> &str {
    let captions = corpus.items[item].captions.iter();
    captions.map(String::as_str).max_by_key(|c| c.len()).unwrap_or_default()
}

fn projected(cca: Option<&Cca>, rows: Matrix) -> Result<Matrix> {
    Ok(match cca {
        Some(cca) => cca.project_x(&rows)?,
        None => rows,
    }
    .normalised())
}

/// What can be said of features without a common space.
fn raw_values(corpus: &Corpus, items: &[usize], image: &Matrix, text: &Matrix, of: &[usize]) -> Result<Values> {
    // The first text of an item stands for it.
    let (rows, firsts): (Vec<usize>, Vec<usize>) =
        (0..items.len()).filter_map(|row| Some((row, of.iter().position(|&r| r == row)?))).unzip();
    let items: Vec<usize> = rows.iter().map(|&row| items[row]).collect();
    let (image, text) = (image.select(rows), text.select(firsts));
    let clustering = clustering_of(corpus, &items, &image, &text, Detail::Full)?;
    let mut out = picked(&serde_json::to_value(&clustering).map_err(|e| Error::format("metrics", e.to_string()))?);
    let fixed = triplets(items.len(), 10_000, 0);
    out.insert("order_agreement".into(), order_agreement(&image, &text, &fixed)?);
    out.insert("overlap_10".into(), overlap_at_k(&image, &text, 10)?);
    Ok(out)
}

fn values(metrics: &Metrics) -> Result<Values> {
    Ok(picked(&serde_json::to_value(metrics).map_err(|e| Error::format("metrics", e.to_string()))?))
}

fn picked(json: &Value) -> Values {
    METRICS
        .iter()
        .map(|name| {
            let value = if *name == "clusters" { &json["clusters"]["k"] } else { &json[*name] };
            ((*name).to_owned(), value.as_f64())
        })
        .collect()
}

/// Metric by metric over the views; none where a view has none.
fn mean<'a>(views: impl Iterator<Item = &'a Values> + Clone) -> Values {
    let n = views.clone().count().max(1) as f64;
    METRICS
        .iter()
        .map(|name| {
            let sum: Option<f64> = views.clone().map(|v| v.get(*name).copied().flatten()).sum();
            ((*name).to_owned(), sum.map(|s| s / n))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::synthetic;
    use crate::objectives::find;

    fn small() -> (Rc<Corpus>, Job) {
        let job =
            Job { objective: String::new(), split: Part::Concept, fold: None, seed: 1, without_generic_words: false };
        (Rc::new(synthetic::corpus(120, 3)), job)
    }

    fn record(id: &str) -> Record {
        let (corpus, job) = small();
        let mut objective = find(id).unwrap();
        if let Method::Trained(difference) = &mut objective.method {
            let tiny = serde_json::json!({"train": {"epochs": 10, "batch": 24}, "data": {"text_dim": 32},
                "model": {"hidden": 16, "dim": 16}});
            crate::objectives::merge(difference, tiny);
        }
        let job = Job { objective: id.into(), ..job };
        pollster::block_on(measure_job(&corpus, &objective, &job, Some(10), None, &Device::Cpu)).unwrap()
    }

    #[test]
    fn closed_forms_and_a_trained_one_report_every_metric_they_have() {
        let raw = record("raw");
        assert_eq!(raw.metrics["mr"], None);
        assert!(raw.metrics["ami_image"].is_some() && raw.metrics["order_agreement"].is_some());
        for id in ["cca", "mean-vector", "infonce/mlp", "order/mlp"] {
            let r = record(id);
            // 24 held-out pairs: chance is 22.
            assert!(r.metrics["mr"].unwrap() > 30.0, "{id}: {:?}", r.metrics["mr"]);
            assert_eq!(r.metrics.len(), METRICS.len());
            assert_eq!(r.views.len(), 1);
        }
        assert_eq!((record("cca").stop_epoch, record("infonce/mlp").stop_epoch), (None, Some(10)));
    }

    #[test]
    fn the_epoch_is_one_of_the_looks() {
        let (corpus, _) = small();
        let mut config = Config::default();
        config.train = crate::config::TrainConfig { epochs: 15, batch: 24, ..config.train };
        config.data.text_dim = 32;
        let stop = pollster::block_on(stop_epoch(&corpus, &validating(config), None, &Device::Cpu)).unwrap();
        assert!([5, 10, 15].contains(&stop), "{stop}");
        // A single high look between low ones is noise; of equals the first.
        assert_eq!(best_look(&[30.0, 36.0, 30.0, 34.0, 34.0, 34.0, 34.0]), 4);
        assert_eq!(best_look(&[34.0]), 0);
    }
}
