//! A device, and the run on it.

use super::pack::{Data, Pack};
use super::{Js, from_js, json, put, to_js};
use crate::analyze::Hit;
use crate::config::Config;
use crate::data::Credit;
use crate::device::{self, Choice, Opened};
use crate::error::{Error, Result};
use crate::features::{TextFeatures, decode, query};
use crate::lab::{Found, Grouping, Lab, Moment, Space};
use crate::model::Side;
use crate::train::reference::Workload;
use crate::train::{Event, Session};
use serde::Serialize;
use wasm_bindgen::prelude::*;

#[derive(Serialize)]
struct RunInfo<'a> {
    config: &'a Config,
    corpus: &'a str,
    items: usize,
    train_items: usize,
    test_items: usize,
    views: Vec<&'a str>,
    display_view: &'a str,
    classes: &'a [String],
    parameters: usize,
    steps_per_epoch: usize,
    total_steps: usize,
    step: usize,
    history: &'a [Event],
    credits: &'a [Credit],
    workload: Workload,
}

#[derive(Serialize)]
struct ItemInfo<'a> {
    key: &'a str,
    title: &'a str,
    query: &'a str,
    class: Option<u32>,
    held_out: bool,
}

/// Text features kept between runs: fitting them is the slowest part of a start.
struct FittedText {
    key: String,
    features: TextFeatures,
}

/// A device and the run on it.
#[wasm_bindgen]
pub struct Engine {
    opened: Opened,
    lab: Option<Lab>,
    text: Option<FittedText>,
}

#[wasm_bindgen]
impl Engine {
    /// Opens `cpu`, `gpu` (self-tested), or `auto` (the faster one at `workload`, that of a `RunInfo`).
    pub async fn create(device: String, workload: JsValue) -> Js<Engine> {
        let choice: Choice = device.parse()?;
        let workload: Option<Workload> = from_js(&workload)?;
        Ok(Self { opened: device::open(choice, &workload.unwrap_or_default()).await?, lab: None, text: None })
    }

    /// Which device, and why.
    pub fn device(&self) -> Js<JsValue> {
        to_js(&self.opened.report)
    }

    /// Begins a run; the one before is dropped only when the new one stands.
    pub async fn start(&mut self, data: &Data, config: JsValue) -> Js<JsValue> {
        let corpus = data.0.clone();
        let config = Config::from_json(&json(&config))?;
        let key = text_key(&corpus.fingerprint, &config);
        let text = self.text.take().filter(|t| t.key == key).map(|t| t.features);
        let session = Session::new(corpus, config, text, self.opened.device.clone())?;
        self.take(session, key)
    }

    /// Goes on from a snapshot.
    pub async fn resume(&mut self, data: &Data, snapshot: &[u8]) -> Js<JsValue> {
        let session = Session::resume(data.0.clone(), snapshot, None, self.opened.device.clone())?;
        let key = text_key(&session.corpus().fingerprint, session.config());
        self.take(session, key)
    }

    fn take(&mut self, session: Session, key: String) -> Js<JsValue> {
        self.text = Some(FittedText { key, features: session.inputs().text_features().clone() });
        let info = self.lab.insert(Lab::new(session)?).session();
        let (plan, partition) = (info.plan(), info.partition());
        let views: Vec<&str> = info.corpus().views.iter().map(|v| v.name.as_str()).collect();
        to_js(&RunInfo {
            config: info.config(),
            corpus: &info.corpus().name,
            items: info.corpus().len(),
            train_items: partition.train_items.len(),
            test_items: partition.test_items.len(),
            display_view: views[partition.test_view],
            views,
            classes: &info.corpus().classes,
            parameters: info.weights().parameters(),
            steps_per_epoch: plan.steps_per_epoch,
            total_steps: plan.last_step,
            step: info.steps_done(),
            history: info.history(),
            credits: &info.corpus().credits,
            workload: info.workload(),
        })
    }

    pub(super) fn lab(&self) -> Result<&Lab> {
        self.lab.as_ref().ok_or_else(|| Error::Data("no run has been started".to_owned()))
    }

    pub(super) fn lab_mut(&mut self) -> Result<&mut Lab> {
        self.lab.as_mut().ok_or_else(|| Error::Data("no run has been started".to_owned()))
    }

    /// Key, title, first query text, class and side of the split of every item.
    pub fn items(&self) -> Js<JsValue> {
        let session = self.lab()?.session();
        let corpus = session.corpus();
        let mut held_out = vec![false; corpus.len()];
        session.partition().test_items.iter().for_each(|&i| held_out[i] = true);
        let queries = corpus.query_sets.first();
        let items: Vec<ItemInfo> = (corpus.items.iter().enumerate())
            .map(|(i, item)| ItemInfo {
                key: &item.key,
                title: &item.title,
                query: queries.and_then(|q| q.texts[i].first()).map_or("", String::as_str),
                class: item.class,
                held_out: held_out[i],
            })
            .collect();
        to_js(&items)
    }

    /// Where the thumbnails of the display view lie: `{ size, columns, per_page, pages }`.
    pub fn sheet(&self) -> Js<JsValue> {
        to_js(&self.tiles()?.sheet())
    }

    /// A page of them: `{ width, height, rgba }`.
    pub fn sheet_page(&self, page: usize) -> Js<JsValue> {
        let atlas = self.tiles()?.page(page);
        let object = to_js(&serde_json::json!({"width": atlas.width, "height": atlas.height}))?;
        put(&object, "rgba", &js_sys::Uint8ClampedArray::from(atlas.rgba.as_slice()).into())?;
        Ok(object)
    }

    /// Up to `n` iterations.
    pub async fn step(&mut self, n: usize) -> Js<JsValue> {
        to_js(&self.lab_mut()?.step(n).await?)
    }

    /// Metrics on the held-out part now; those before training are kept with the run.
    pub async fn evaluate(&mut self) -> Js<JsValue> {
        to_js(&self.lab_mut()?.evaluate_start().await?)
    }

    /// `{ image, text }`: two Float32Arrays of `2 N` or `3 N` coordinates.
    pub async fn projection(&mut self) -> Js<JsValue> {
        let points = self.lab_mut()?.projection().await?;
        let (image, text) = points.data.split_at(points.data.len() / 2);
        arrays(&[("image", image), ("text", text)])
    }

    /// Projects to 2 or 3 dimensions from now on.
    pub fn project_to(&mut self, dims: usize) -> Js<()> {
        Ok(self.lab_mut()?.project_to(dims)?)
    }

    /// `{ image, text, dim }`: the embeddings of all items, row by row, at `beginning` or `now`.
    pub async fn embeddings(&mut self, moment: JsValue) -> Js<JsValue> {
        let moment: Moment = from_js(&moment)?;
        let at = self.lab_mut()?.embedded_at(moment).await?;
        let object = arrays(&[("image", &at.image.data), ("text", &at.text.data)])?;
        put(&object, "dim", &(at.image.cols as u32).into())?;
        Ok(object)
    }

    /// `{ image_rank, text_rank, score }` of all pairs.
    pub async fn pairs(&mut self) -> Js<JsValue> {
        let pairs = self.lab_mut()?.pairs().await?;
        let object = arrays(&[("score", &pairs.score)])?;
        for (name, ranks) in [("image_rank", pairs.image_rank), ("text_rank", pairs.text_rank)] {
            let ranks: Vec<u32> = ranks.into_iter().map(|r| r as u32).collect();
            put(&object, name, &js_sys::Uint32Array::from(ranks.as_slice()).into())?;
        }
        Ok(object)
    }

    /// The next step of the run taken apart, with `show` of its pairs in full.
    pub async fn iteration(&mut self, show: usize) -> Js<JsValue> {
        to_js(&self.lab_mut()?.iteration(show).await?)
    }

    /// Changes settings from the next step on; the whole configuration as it is then.
    pub fn retune(&mut self, difference: JsValue) -> Js<JsValue> {
        let lab = self.lab_mut()?;
        lab.retune(&from_js(&difference)?)?;
        to_js(lab.session().config())
    }

    /// Iterations of the whole run, which a change of the epochs moves.
    pub fn total_steps(&self) -> Js<usize> {
        Ok(self.lab()?.session().plan().last_step)
    }

    /// `{ labels, ami, nmi, ari }` over all items in `image`, `text` or `fused` space, by `{ kmeans: k }` or
    /// `{ hdbscan: least members }`; label -1 is noise.
    pub async fn clusters(&mut self, how: JsValue, space: JsValue) -> Js<JsValue> {
        let how: Grouping = from_js(&how)?;
        let space: Space = from_js(&space)?;
        let clusters = self.lab_mut()?.clusters(how, space).await?;
        let labels: Vec<i32> = clusters.labels.iter().map(|l| l.map_or(-1, |l| l as i32)).collect();
        let score = clusters.scores;
        let object = to_js(&serde_json::json!({
            "ami": score.map(|s| s.ami), "nmi": score.map(|s| s.nmi), "ari": score.map(|s| s.ari),
        }))?;
        put(&object, "labels", &js_sys::Int32Array::from(labels.as_slice()).into())?;
        Ok(object)
    }

    /// The `k` best pictures and texts for any text, at `beginning` or `now`.
    pub async fn search_text(&mut self, text: String, k: usize, moment: JsValue) -> Js<JsValue> {
        found(self.lab_mut()?.search_text(&text, k, from_js(&moment)?).await?)
    }

    /// The `k` best pictures and texts for the picture of an item.
    pub async fn search_item(&mut self, item: usize, k: usize, moment: JsValue) -> Js<JsValue> {
        found(self.lab_mut()?.search_item(item, k, from_js(&moment)?).await?)
    }

    /// The `k` best pictures and texts for any picture, which the browser decoded. With given features the parts `encoder`
    /// and `pca` are needed.
    pub async fn search_image(
        &mut self,
        pack: &Pack,
        width: u32,
        height: u32,
        rgba: Vec<u8>,
        k: usize,
        moment: JsValue,
    ) -> Js<JsValue> {
        let moment: Moment = from_js(&moment)?;
        let session = self.lab()?.session();
        let (kind, own) = (session.inputs().image_features(), session.corpus().projection.clone());
        // On the CPU whatever the run's device: one picture is not worth compiling a GPU pipeline for each layer.
        let tile = decode::from_rgba(width, height, rgba, &[query::side(kind)])
            .and_then(|mut tiles| tiles.pop())
            .ok_or_else(|| Error::Data("a picture needs 4 bytes a pixel".to_owned()))?;
        let raw = query::features(tile, kind, Some(&pack.0), own.as_ref(), &crate::tensor::Device::Cpu).await?;
        found(self.lab_mut()?.search_features(raw, k, moment).await?)
    }

    /// `{ image, text, overlap }`: the `k` nearest pictures and texts of an item, at `beginning` or `now`.
    pub async fn neighbourhood(&mut self, item: usize, k: usize, moment: JsValue) -> Js<JsValue> {
        let moment: Moment = from_js(&moment)?;
        let around = self.lab_mut()?.neighbourhood(item, k, moment).await?;
        to_js(&serde_json::json!({"image": hits(&around.image), "text": hits(&around.text), "overlap": around.overlap}))
    }

    /// Scores of the pictures (rows) and the texts (columns) of some items, `n * n` numbers row by row.
    pub async fn similarity(&mut self, items: Vec<u32>) -> Js<js_sys::Float32Array> {
        let items: Vec<usize> = items.into_iter().map(|i| i as usize).collect();
        Ok(self.lab_mut()?.similarity(&items).await?.data.as_slice().into())
    }

    /// Triplets by which the `image` or the `text` tower is taught about an item, strongest first:
    /// `{ near, far, teacher_gap, student_gap, near_distance, force }`.
    pub async fn lessons(&mut self, item: usize, student: JsValue, count: usize) -> Js<JsValue> {
        let student: Side = from_js(&student)?;
        to_js(&self.lab_mut()?.lessons(item, student, count).await?)
    }

    /// The run as bytes.
    pub async fn snapshot(&mut self) -> Js<js_sys::Uint8Array> {
        Ok(self.lab()?.session().snapshot().await?.as_slice().into())
    }

    /// Destroys the GPU device under the run.
    pub fn lose_device(&self) {
        self.opened.lose();
    }
}

/// What the fitted text features depend on.
fn text_key(fingerprint: &str, config: &Config) -> String {
    format!("{fingerprint} {} {:?}", config.seed, config.data)
}

fn hits(hits: &[Hit]) -> Vec<serde_json::Value> {
    hits.iter().map(|h| serde_json::json!({"item": h.index, "score": h.score})).collect()
}

fn found(found: Found) -> Js<JsValue> {
    to_js(&serde_json::json!({"images": hits(&found.images), "texts": hits(&found.texts)}))
}

/// An object of Float32Arrays.
fn arrays(named: &[(&str, &[f32])]) -> Js<JsValue> {
    let object = JsValue::from(js_sys::Object::new());
    for (name, values) in named {
        put(&object, name, &js_sys::Float32Array::from(*values).into())?;
    }
    Ok(object)
}
