//! The JavaScript interface: converts, nothing else. What stands here, the command line can do too.
//!
//! Two bundles, so that a visitor loads what a run needs: `engine` trains, `files` reads a user's own files. What neither
//! exports the linker leaves out.
//!
//! A method that is `async` must not be called while another one is in flight: the worker serialises its calls.

use serde::Serialize;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;

#[cfg(feature = "bench")]
mod bench;
#[cfg(feature = "engine")]
mod engine;
#[cfg(feature = "files")]
mod experiment;
#[cfg(feature = "engine")]
mod export;
#[cfg(feature = "files")]
mod import;
#[cfg(feature = "engine")]
mod pack;

type Js<T> = std::result::Result<T, JsError>;

/// Runs once when the module is instantiated.
#[wasm_bindgen(start)]
pub fn start() {
    console_error_panic_hook::set_once();
}

/// Gives the loops of training to `team` (see `www/src/worker/team.ts`), which may be more threads than this one.
#[cfg(feature = "engine")]
#[wasm_bindgen]
pub fn join(team: crate::tensor::cpu::team::Team) {
    crate::tensor::cpu::team::join(team);
}

/// Numbers of a thread's scratch, for a team.
#[cfg(feature = "engine")]
#[wasm_bindgen]
pub fn scratch() -> usize {
    mtls_kernels::SCRATCH
}

/// Through JSON text: what a type looks like in a file and in JavaScript is one code, and a bundle of half the size.
fn to_js(value: &impl Serialize) -> Js<JsValue> {
    js_sys::JSON::parse(&serde_json::to_string(value)?).map_err(|_| JsError::new("no JSON"))
}

fn json(value: &JsValue) -> String {
    js_sys::JSON::stringify(value).ok().and_then(|text| text.as_string()).unwrap_or_else(|| "null".to_owned())
}

fn from_js<T: DeserializeOwned>(value: &JsValue) -> Js<T> {
    Ok(serde_json::from_str(&json(value))?)
}

fn put(object: &JsValue, name: &str, value: &JsValue) -> Js<()> {
    js_sys::Reflect::set(object, &name.into(), value).map_err(|_| JsError::new("not an object"))?;
    Ok(())
}
