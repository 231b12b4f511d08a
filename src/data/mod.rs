//! Pictures and texts that belong together, and what of them is trained on.
//!
//! - [`corpus`]: items with captions, pictures in one or more views, labels; the tables that everything else indexes.
//! - [`split`]: which items and views a run trains on and which it reports on.
//! - [`pack`]: the bundled packs; `pack_files` (native) finds and reads them in folders.
//! - [`import`]: a user's own files: [`files`] (folder, zip, tar), [`mod@layout`] and [`metadata`] (which picture has which caption),
//!   [`npy`] (ready features), [`mod@check`] (what is wrong with them, and remedies), and at the end a corpus.
//!   Natively, [`kept`] pictures stand in a [`journal`], so that reading goes on after it was cut off.
//! - [`prepared`]: a corpus as one file, so that own data outlives a reload.
//! - [`sheet`]: thumbnails as PNG.
//! - [`mod@shapes`]: generated scenes of shapes, with captions that say where they are.
//! - [`synthetic`]: a small generated corpus for tests and the device self-test.

mod assemble;
pub mod check;
pub mod corpus;
pub mod files;
pub mod import;
#[cfg(not(target_arch = "wasm32"))]
pub mod journal;
#[cfg(not(target_arch = "wasm32"))]
pub mod kept;
mod language;
pub mod layout;
pub mod look;
pub mod metadata;
mod near;
pub mod npy;
pub mod pack;
#[cfg(not(target_arch = "wasm32"))]
pub mod pack_files;
pub mod prepared;
pub mod shapes;
pub mod sheet;
pub mod split;
pub mod synthetic;

pub use corpus::{Corpus, Credit, Item, QuerySet, RowProblem, Tiles, View};
#[cfg(not(target_arch = "wasm32"))]
pub use import::read_folder;
pub use pack::{Manifest, Pack, PackOptions};
#[cfg(not(target_arch = "wasm32"))]
pub use pack_files::PackFolder;
pub use shapes::{ShapesOptions, shapes};
pub use split::Partition;
