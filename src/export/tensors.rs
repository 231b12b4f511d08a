//! `weights.safetensors` and `features.safetensors`.

use super::{EXPORT_VERSION, Sink};
use crate::analyze::Score;
use crate::error::{Error, Result};
use crate::features::{Entry, Int8, Scaled, alphanumeric_ranges};
use crate::matrix::Matrix;
use crate::train::Session;
use serde_json::json;

const WEIGHTS: &str = "weights.safetensors";

/// Towers under their names in a snapshot (`weights/…`), what was fitted (`features/…`) and the configuration.
pub async fn weights(session: &Session, sink: &mut dyn Sink) -> Result<()> {
    let mut entries: Vec<Entry> =
        session.weights().download().await?.iter().map(|(name, m)| whole(&format!("weights/{name}"), m)).collect();
    entries.extend(fitted(session, |_| true).iter().map(|(name, m)| whole(name, m)));
    entries.push(ranges());
    save(WEIGHTS, &entries, &about(session), sink)
}

/// What a text needs, small enough for a page: the basis in 8 bits with a scale a row.
pub async fn text_model(session: &Session, name: &str, sink: &mut dyn Sink) -> Result<()> {
    let mut entries = Vec::new();
    for (tensor, m) in session.weights().download().await? {
        if tensor.starts_with("text/") {
            entries.push(whole(&format!("weights/{tensor}"), &m));
        }
    }
    for (tensor, m) in fitted(session, |tensor| tensor.starts_with("features/text/")) {
        if tensor == "features/text/basis" {
            entries.extend(small(&tensor, &m));
        } else {
            entries.push(whole(&tensor, &m));
        }
    }
    entries.push(ranges());
    save(name, &entries, &about(session), sink)
}

/// Embeddings in 8 bits with a scale a row, for a page.
pub fn index(image: &Matrix, text: &Matrix, name: &str, sink: &mut dyn Sink) -> Result<()> {
    let entries: Vec<Entry> = [("image", image), ("text", text)].iter().flat_map(|(n, m)| small(n, m)).collect();
    save(name, &entries, &json!({"format": "mtls-lab-index", "version": EXPORT_VERSION}), sink)
}

/// `image/VIEW [N, d_x]` and `text [N, d_y]`: features before they are centred.
pub fn features(session: &Session, sink: &mut dyn Sink) -> Result<()> {
    let (inputs, corpus) = (session.inputs(), session.corpus());
    let mut entries = vec![whole("text", &inputs.raw_texts(&session.query_texts()?))];
    for view in &corpus.views {
        entries.push(whole(&format!("image/{}", view.name), &inputs.raw_images(view)?));
    }
    let about = json!({
        "format": "mtls-lab-features", "version": EXPORT_VERSION, "program": crate::program(),
        "corpus": corpus.name, "fingerprint": corpus.fingerprint, "view": view(session),
        "views": corpus.views.iter().map(|view| view.name.as_str()).collect::<Vec<_>>(),
        "keys": corpus.items.iter().map(|item| item.key.as_str()).collect::<Vec<_>>(),
    });
    save("features.safetensors", &entries, &about, sink)
}

/// Everything about the run that its tensors do not say.
pub fn about(session: &Session) -> serde_json::Value {
    let (inputs, corpus) = (session.inputs(), session.corpus());
    json!({
        "format": "mtls-lab-weights", "version": EXPORT_VERSION, "program": crate::program(),
        "config": session.config(), "corpus": corpus.name, "fingerprint": corpus.fingerprint, "step": session.steps_done(),
        "view": view(session),
        "score": if session.score() == Score::Order { "order" } else { "cosine" },
        "image": {"features": inputs.image_features(), "columns": inputs.image_dim()},
        "text": {
            "columns": inputs.text_dim(), "buckets": session.config().data.text_buckets, "hash": "fnv1a-64",
            "grams": [3, 5], "without": inputs.dropped_words(),
        },
    })
}

/// The view whose pictures are embedded in every export.
fn view(session: &Session) -> &str {
    &session.corpus().views[session.partition().test_view].name
}

fn fitted(session: &Session, keep: impl Fn(&str) -> bool) -> Vec<(String, Matrix)> {
    session.inputs().fitted().into_iter().filter(|(name, _)| name != "features/text/meta" && keep(name)).collect()
}

fn whole(name: &str, m: &Matrix) -> Entry {
    Entry::f32(name, &[m.rows, m.cols], &m.data)
}

fn small(name: &str, m: &Matrix) -> [Entry; 2] {
    Int8::quantise(&m.data, &[m.rows, m.cols], Scaled::Rows).entries(name)
}

fn ranges() -> Entry {
    let ranges = alphanumeric_ranges();
    // Code points are below 2^24: exact as f32, as the bucket numbers are.
    let values: Vec<f32> = ranges.iter().flatten().map(|&c| c as f32).collect();
    Entry::f32("features/text/alphanumeric", &[ranges.len(), 2], &values)
}

fn save(name: &str, entries: &[Entry], about: &serde_json::Value, sink: &mut dyn Sink) -> Result<()> {
    let bytes = crate::features::write_tensors(entries, Some(about.to_string()))
        .map_err(|problem| Error::format(name, problem))?;
    sink.file(name, &mut |to| to.write_all(&bytes))
}
