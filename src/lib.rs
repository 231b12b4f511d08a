//! # MTLS Lab
//!
//! Trains a joint image-text representation with the method of Dong, Jian & Lu 2020 (*multimodal representations by
//! symmetrically transferring local structures*), natively and in the browser. Not to be confused with mutual TLS.
//!
//! The flow, one module a step:
//!
//! ```text
//! data ──► features ──► model (towers) ──► loss ──► train (session) ──► analyze (metrics, clusters, search, projection)
//! ```
//!
//! * [`data`]: a [`data::Corpus`] of items with captions, pictures and labels; bundled packs; a folder of one's own.
//! * [`features`]: pictures and texts as numbers, fitted on the training part only.
//! * [`tensor`]: what towers and losses are written in; on the CPU arrays of our own, on a GPU burn's.
//! * [`model`]: two towers into one unit sphere.
//! * [`loss`]: the bidirectional retrieval loss and structure transfer.
//! * [`train`]: a [`train::Session`] that is pumped: `session.step(n).await`.
//! * [`analyze`]: pure functions of embeddings.
//! * [`lab`]: a session with what a face (page, command line) asks of it: search, clusters, projection.
//! * [`export`]: a run as files for other programs, and as a search page of its own.
//! * [`device`]: the CPU or the GPU, chosen by numbers.
//!
//! Two decisions recur. Tensors carry their device at run time ([`tensor`]), so that one code trains on both. And
//! everything random is drawn on the CPU from one seed, split by purpose ([`rng`]), so that both see the same batch.

pub mod analyze;
#[cfg(feature = "bench")]
pub mod bench;
pub mod compare;
pub mod config;
pub mod data;
pub mod device;
mod double;
pub mod error;
pub mod experiment;
pub mod export;
pub mod features;
#[cfg(feature = "gpu")]
pub mod gpu;
pub mod iteration;
pub mod lab;
pub mod loss;
pub mod matrix;
pub mod model;
pub mod neighbourhood;
pub mod objectives;
pub mod presets;
pub mod rng;
pub mod tensor;
pub mod train;
#[cfg(target_arch = "wasm32")]
mod wasm;

/// Version and commit of this build, as it stands in every export: `mtls-lab 0.1.0 (abc1234)`.
pub fn program() -> String {
    format!("mtls-lab {} ({})", env!("CARGO_PKG_VERSION"), commit())
}

/// The commit this build was made from, or `unknown` outside a checkout.
pub fn commit() -> &'static str {
    option_env!("MTLS_LAB_COMMIT").unwrap_or("unknown")
}
