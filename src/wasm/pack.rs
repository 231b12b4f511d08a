//! What there is before a run: settings, presets, objectives and the pack.

use super::{Js, from_js, to_js};
use crate::config::Config;
use crate::data::pack::{Manifest, Pack as DataPack, PackOptions};
use crate::data::{Corpus, prepared, shapes};
use crate::objectives::{self, Method};
use crate::train::session::RETUNABLE;
use serde::Deserialize;
use std::rc::Rc;
use wasm_bindgen::prelude::*;

/// Version, commit and whether the bundle has the GPU back end.
#[wasm_bindgen]
pub fn about() -> Js<JsValue> {
    to_js(&serde_json::json!({
        "version": env!("CARGO_PKG_VERSION"), "commit": crate::commit(), "gpu": cfg!(feature = "gpu"),
    }))
}

/// The default configuration.
#[wasm_bindgen]
pub fn default_config() -> Js<JsValue> {
    to_js(&Config::default())
}

/// Named differences from the default.
#[wasm_bindgen]
pub fn presets() -> Js<JsValue> {
    to_js(&crate::presets::all())
}

/// Every trained objective of the comparison: `{ id, role, about, config }`, config as a difference from the default.
#[wasm_bindgen]
pub fn objectives() -> Js<JsValue> {
    let all = objectives::all().into_iter().filter_map(|o| match o.method {
        Method::Trained(config) => {
            Some(serde_json::json!({"id": o.id, "role": o.role, "about": o.about, "config": config}))
        }
        _ => None,
    });
    to_js(&all.collect::<Vec<_>>())
}

/// Settings (`section.key`) that may change while a run stands.
#[wasm_bindgen]
pub fn retunable() -> Vec<String> {
    RETUNABLE.iter().map(|&key| key.to_owned()).collect()
}

/// A bundled data set: a manifest, and parts that are added one by one.
#[wasm_bindgen]
pub struct Pack(pub(super) DataPack);

#[wasm_bindgen]
impl Pack {
    /// Reads `manifest.json`.
    #[wasm_bindgen(constructor)]
    pub fn new(manifest: &[u8]) -> Js<Pack> {
        Ok(Self(DataPack::new(Manifest::parse(manifest)?)))
    }

    /// The manifest as an object.
    pub fn manifest(&self) -> Js<JsValue> {
        to_js(self.0.manifest())
    }

    /// Names of the parts that a subset in some views and languages needs.
    pub fn parts_for(&self, subset: &str, views: Vec<String>, languages: Vec<String>) -> Js<Vec<String>> {
        let strs = |v: &[String]| -> Vec<String> { v.to_vec() };
        let (views, languages) = (strs(&views), strs(&languages));
        let views: Vec<&str> = views.iter().map(String::as_str).collect();
        let languages: Vec<&str> = languages.iter().map(String::as_str).collect();
        Ok(self.0.parts_for(subset, &views, &languages)?)
    }

    /// Adds the bytes of a part, checked against the manifest.
    pub fn add_part(&mut self, name: &str, bytes: &[u8]) -> Js<()> {
        Ok(self.0.add_part(name, bytes)?)
    }

    /// Whether a part is loaded.
    pub fn has_part(&self, name: &str) -> bool {
        self.0.has_part(name)
    }
}

/// What runs train on. Several runs may share one.
#[wasm_bindgen]
pub struct Data(pub(super) Rc<Corpus>);

#[derive(Deserialize)]
struct Selection {
    subset: String,
    #[serde(default)]
    views: Vec<String>,
}

#[wasm_bindgen]
impl Data {
    /// A part of a pack, `{ subset, views }`, whose parts are loaded.
    pub fn from_pack(pack: &Pack, selection: JsValue) -> Js<Data> {
        let Selection { subset, views } = from_js(&selection)?;
        Ok(Self(Rc::new(pack.0.corpus(&PackOptions { subset, views })?)))
    }

    /// Generated scenes, `{ items, seed }`.
    pub fn shapes(options: JsValue) -> Js<Data> {
        Ok(Self(Rc::new(shapes(from_js(&options)?)?)))
    }

    /// Own data as an importer wrote it.
    pub fn prepared(bytes: &[u8]) -> Js<Data> {
        Ok(Self(Rc::new(prepared::read(bytes)?)))
    }
}
