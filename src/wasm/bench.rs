//! The benchmarks in a browser.

use super::{Js, to_js};
use crate::bench::{Job, measure};
use crate::error::Error;
use wasm_bindgen::prelude::*;

/// Measures a job (JSON, see [`Job`]) on the CPU, `repeat` times.
#[wasm_bindgen]
pub async fn bench(job: String, repeat: usize) -> Js<JsValue> {
    let job: Job = serde_json::from_str(&job).map_err(|e| Error::Config(format!("{job} is no job: {e}")))?;
    to_js(&measure(job, repeat, &crate::tensor::Device::Cpu).await?)
}
