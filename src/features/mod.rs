//! From pictures and texts to fixed-length feature rows, before any tower.
//!
//! - [`mod@decode`]: bytes of an image file to a square RGB tile.
//! - [`image`]: tiles to pixels or to HOG and colour.
//! - [`encoder`], [`pca`], [`int8`]: the pretrained image encoder, its projection, and how both are stored.
//! - [`query`]: a new picture as a query.
//! - [`text`]: captions to hashed TF-IDF rows, reduced by a truncated SVD (`svd`) of the terms that `tokens` finds.
//!
//! What is fitted (idf, basis, means, scales) is fitted on the training part only, and travels with a run as named
//! matrices (`tensors` / `from_tensors`), so that a new picture or text gets the same features later.

pub mod decode;
mod dense;
pub mod encoder;
pub mod image;
pub mod int8;
pub mod pca;
pub mod query;
mod svd;
pub mod text;
mod tokens;

pub use decode::decode;
pub use image::{hog_colour, pixels};
pub(crate) use int8::{Entry, Int8, Scaled, write_tensors};
pub use text::TextFeatures;
pub(crate) use tokens::{alphanumeric_ranges, without_words};

use crate::error::{Error, Result};
use crate::matrix::Matrix;

/// The matrix called `name`.
fn tensor<'a>(tensors: &'a [(String, Matrix)], name: &str) -> Result<&'a Matrix> {
    tensors
        .iter()
        .find_map(|(other, matrix)| (other == name).then_some(matrix))
        .filter(|matrix| matrix.data.len() == matrix.rows * matrix.cols)
        .ok_or_else(|| Error::format(name, "missing or damaged; export the run again"))
}
