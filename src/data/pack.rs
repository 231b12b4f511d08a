//! A bundled data pack: one manifest and parts that are loaded singly (`docs/formats.md` describes the files).
//!
//! Shapes: `N` concepts in the manifest's order, cut into blocks (`a`, `b`, ...) of consecutive concepts; a subset is
//! the first so many of them. A part covers one block (an atlas or a feature block of one style, the texts of one
//! language) or none (the projection, the encoder). The same code reads packs natively, in the page and in the builder.

mod build_corpus;
mod manifest;
mod parts;
#[cfg(test)]
mod tests;

pub use manifest::{Block, Kind, Manifest, PACK_FORMAT, PACK_VERSION, Part, Subset};

use crate::data::corpus::Tiles;
use crate::error::{Error, Result};
use crate::features::pca::Pca;
use crate::matrix::Matrix;
use std::collections::BTreeMap;

/// What to do about a part that cannot be used.
const REMEDY: &str = "load the part again, or rebuild the pack with `cargo xtask pack NAME`";

/// A manifest and the parts loaded so far.
#[derive(Debug, Clone)]
pub struct Pack {
    manifest: Manifest,
    /// By part name; [`Pack::add_part`] has checked every shape against the manifest.
    atlases: BTreeMap<String, Tiles>,
    features: BTreeMap<String, Matrix>,
    texts: BTreeMap<String, Vec<Vec<String>>>,
    projection: Option<Pca>,
    encoder: Option<Vec<u8>>,
}

/// Which part of a pack becomes a corpus.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackOptions {
    /// A subset of the manifest, e.g. `emoji-1k` or `emoji-4`; empty: all concepts.
    pub subset: String,
    /// Styles to take, in this order; empty: every style that is loaded, in the manifest's order.
    pub views: Vec<String>,
}

impl Pack {
    /// A pack with no part loaded yet.
    pub fn new(manifest: Manifest) -> Self {
        Self {
            manifest,
            atlases: BTreeMap::new(),
            features: BTreeMap::new(),
            texts: BTreeMap::new(),
            projection: None,
            encoder: None,
        }
    }

    /// The table of contents.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Takes in the bytes of part `name`: checks their length and SHA-256, decodes them and checks the shapes.
    ///
    /// # Errors
    /// [`Error::Format`] naming the part when it is unknown, truncated, damaged or of another pack; the pack then
    /// stays as it was.
    pub fn add_part(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let part = self.manifest.part(name)?.clone();
        parts::check_integrity(&part, bytes)?;
        match part.kind {
            Kind::Atlas => {
                self.atlases.insert(part.name.clone(), parts::atlas(&part, bytes)?);
            }
            Kind::Features => {
                self.features.insert(part.name.clone(), parts::features(&part, bytes)?);
            }
            Kind::Texts | Kind::Keywords => {
                self.texts.insert(part.name.clone(), parts::texts(&part, bytes)?);
            }
            Kind::Projection => self.projection = Some(Pca::from_part(&part.name, bytes)?),
            // Decoded by `Encoder::from_part`, which needs a device.
            Kind::Encoder => self.encoder = Some(bytes.to_vec()),
        }
        Ok(())
    }

    /// Whether part `name` is loaded.
    pub fn has_part(&self, name: &str) -> bool {
        self.atlases.contains_key(name)
            || self.features.contains_key(name)
            || self.texts.contains_key(name)
            || self.manifest.part(name).is_ok_and(|part| match part.kind {
                Kind::Projection => self.projection.is_some(),
                Kind::Encoder => self.encoder.is_some(),
                _ => false,
            })
    }

    /// The parts that `subset` (empty: all concepts) needs for training on `styles` (empty: all) with the texts of
    /// `languages` (`en` always; `emojilib` names the keyword set), in loading order: texts, features, atlases.
    pub fn parts_for(&self, subset: &str, styles: &[&str], languages: &[&str]) -> Result<Vec<String>> {
        self.manifest.parts_for(subset, styles, languages)
    }

    /// The projection of encoder features into the space of the feature blocks, once its part is loaded.
    pub fn projection(&self) -> Option<&Pca> {
        self.projection.as_ref()
    }

    /// The bytes for [`crate::features::encoder::Encoder::from_part`], once the part is loaded.
    pub fn encoder_part(&self) -> Option<&[u8]> {
        self.encoder.as_deref()
    }
}

/// An [`Error::Format`] about part `name` that ends in the remedy.
fn bad_part(name: &str, problem: impl std::fmt::Display) -> Error {
    Error::format(format!("pack part {name}"), format!("{problem}; {REMEDY}"))
}
