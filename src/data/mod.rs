//! Pictures and texts that belong together, and what of them is trained on.
//!
//! - [`corpus`]: items with captions, pictures in one or more views, labels; the tables that everything else indexes.
//! - [`pack`]: the bundled packs; `pack_files` (native) finds and reads them in folders.

pub mod corpus;
pub mod pack;
#[cfg(not(target_arch = "wasm32"))]
pub mod pack_files;

pub use corpus::{Corpus, Credit, Item, QuerySet, RowProblem, Tiles, View};
pub use pack::{Manifest, Pack, PackOptions};
#[cfg(not(target_arch = "wasm32"))]
pub use pack_files::PackFolder;
