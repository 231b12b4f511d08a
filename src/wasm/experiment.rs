//! Experiments, read from a file.

use super::import::{BlobReader, described};
use super::{Js, to_js};
use crate::data::prepared;
use wasm_bindgen::prelude::*;

/// An experiment that was read.
#[wasm_bindgen]
pub struct Experiment(crate::experiment::Experiment);

#[wasm_bindgen]
impl Experiment {
    /// Reads a file (`Blob`); works in a worker only. `name`: for the sentence about what is wrong with it.
    pub fn open(name: &str, file: web_sys::Blob) -> Js<Experiment> {
        Ok(Self(crate::experiment::Experiment::read(name, BlobReader::new(file))?))
    }

    /// What it is about.
    pub fn header(&self) -> Js<JsValue> {
        to_js(&self.0.header)
    }

    /// The run.
    pub fn snapshot(&mut self) -> js_sys::Uint8Array {
        js_sys::Uint8Array::from(std::mem::take(&mut self.0.snapshot).as_slice())
    }

    /// The data as an importer gives it, where the file has them; once.
    pub fn data(&mut self) -> Js<JsValue> {
        let Some(bytes) = self.0.data.take() else { return Ok(JsValue::UNDEFINED) };
        described(&prepared::read(&bytes)?, &bytes)
    }
}
