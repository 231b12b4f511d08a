//! A picture that was read before: what an [`Import`] keeps of it, so that it need not be read and encoded again.

use super::files::inside;
use super::import::{Import, TILE};
use crate::features::encoder::ENCODER_DIM;

/// What is kept of a picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// Thumbnail, RGB.
    pub tile: Vec<u8>,
    /// The encoder's features; empty without it.
    pub features: Vec<f32>,
}

impl Kept {
    /// Length of [`Self::to_bytes`], with or without the encoder.
    pub fn length(encoder: bool) -> usize {
        32 + TILE * TILE * 3 + if encoder { 4 * ENCODER_DIM } else { 0 }
    }

    /// Digest, thumbnail, features (F32, little-endian).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = [&self.digest[..], &self.tile].concat();
        bytes.extend(self.features.iter().flat_map(|value| value.to_le_bytes()));
        bytes
    }

    /// Reads [`Self::to_bytes`]; none of bytes that are not of its length.
    pub fn from_bytes(bytes: &[u8], encoder: bool) -> Option<Self> {
        if bytes.len() != Self::length(encoder) {
            return None;
        }
        let (digest, rest) = bytes.split_first_chunk()?;
        let (tile, features) = rest.split_at(TILE * TILE * 3);
        let features = features.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
        Some(Self { digest: *digest, tile: tile.to_vec(), features })
    }
}

impl Import {
    /// Path of the picture that [`Self::advance`] would read next; none where its row needs none to be read.
    pub fn next_picture(&self) -> Option<String> {
        let row = self.rows.get(self.done)?;
        let key = inside(&row.file).ok()?;
        (!self.tried.contains_key(&key)).then_some(key)
    }

    /// Takes over what was kept of the picture `key`, which [`Self::next_picture`] named, instead of reading it. The pictures
    /// before it have to be through the encoder.
    pub fn recall(&mut self, key: &str, kept: Kept) {
        let Some(row) = self.rows.get(self.done).map(|row| row.row) else { return };
        if self.encodes {
            self.features.rows += 1;
            self.features.data.extend(kept.features);
        }
        let at = self.keep(key, row, kept.digest, vec![kept.tile]);
        self.tried.insert(key.to_owned(), Ok(at));
    }

    /// What is to be kept of picture `at`, which is through the encoder where there is one.
    pub fn kept(&self, at: usize) -> Kept {
        Kept {
            digest: self.pictures[at].digest,
            tile: self.tiles.tile(at).to_vec(),
            features: if self.encodes { self.features.row(at).to_vec() } else { Vec::new() },
        }
    }
}
