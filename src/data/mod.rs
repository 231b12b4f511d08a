//! Pictures and texts that belong together, and what of them is trained on.
//!
//! - [`corpus`]: items with captions, pictures in one or more views, labels; the tables that everything else indexes.
//! - [`split`]: which items and views a run trains on and which it reports on.
//! - [`pack`]: the bundled packs; `pack_files` (native) finds and reads them in folders.
//! - [`metadata`]: rows of `metadata.csv` and `metadata.jsonl`; `folder` (native) reads a user's folder by them.
//! - [`mod@shapes`]: generated scenes of shapes, with captions that say where they are.
//! - [`synthetic`]: a small generated corpus for tests and the device self-test.

pub mod corpus;
#[cfg(not(target_arch = "wasm32"))]
pub mod folder;
pub mod metadata;
pub mod pack;
#[cfg(not(target_arch = "wasm32"))]
pub mod pack_files;
pub mod shapes;
pub mod split;
pub mod synthetic;

pub use corpus::{Corpus, Credit, Item, QuerySet, RowProblem, Tiles, View};
#[cfg(not(target_arch = "wasm32"))]
pub use folder::read_folder;
pub use pack::{Manifest, Pack, PackOptions};
#[cfg(not(target_arch = "wasm32"))]
pub use pack_files::PackFolder;
pub use shapes::{ShapesOptions, shapes};
pub use split::Partition;
