//! Pictures looked at ahead of their rows, in any order and in several places at once: what costs time (decoding, the
//! encoder) is done by workers that each have the same files open, and joined by path afterwards.

use super::corpus::Tiles;
use super::files::inside;
use super::import::{Import, Pixels};
use crate::error::Result;
use crate::features::decode;
use crate::features::encoder::{ENCODER_SIZE, Encoder};
use sha2::{Digest as _, Sha256};
use std::collections::HashSet;

/// What a picture came to.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Thumbnail of [`super::import::TILE`] pixels a side, RGB.
    pub tile: Vec<u8>,
    /// SHA-256 of the file.
    pub digest: [u8; 32],
    /// The encoder's; empty without it.
    pub features: Vec<f32>,
}

/// A picture on its way: decoded, not encoded yet.
#[derive(Debug)]
pub struct Looked {
    tiles: Vec<Vec<u8>>,
    digest: [u8; 32],
}

/// What a look at a file gave.
#[derive(Debug)]
pub enum Look {
    /// A picture.
    Picture(Looked),
    /// A file of a kind that only a browser decodes: [`Import::look_at`] takes its pixels.
    Foreign(Vec<u8>),
}

impl Import {
    /// Paths of all pictures that rows name, each once, in the order of their rows.
    pub fn wanted(&self) -> Vec<String> {
        let mut known = HashSet::new();
        let named = self.rows.iter().filter(|row| self.given.is_none() || !row.file.is_empty());
        named.filter_map(|row| inside(&row.file).ok()).filter(|key| known.insert(key.clone())).collect()
    }

    /// Looks at a picture.
    ///
    /// # Errors
    /// A sentence: the file is missing or cannot be read.
    pub fn look(&mut self, key: &str) -> std::result::Result<Look, String> {
        let looked = self.decoded(key)?;
        Ok(looked.map_or_else(Look::Foreign, |(tiles, digest)| Look::Picture(Looked { tiles, digest })))
    }

    /// Pixels that the browser decoded; without any it cannot be decoded there either.
    ///
    /// # Errors
    /// A sentence that says so.
    pub fn look_at(&self, pixels: Option<Pixels>) -> std::result::Result<Looked, String> {
        let tiles = pixels.and_then(|p| decode::from_rgba(p.width, p.height, p.rgba, &self.sizes()));
        let tiles = tiles.ok_or("is of a kind that is not read here; convert it to PNG, JPEG or WebP")?;
        Ok(Looked { digest: Sha256::digest(&tiles[0]).into(), tiles })
    }

    /// Whether the next row can be read without looking at a file; not so behind the last one.
    pub fn next_is_known(&self) -> bool {
        self.rows.get(self.done).is_some_and(|row| match inside(&row.file) {
            Ok(key) => self.ahead.contains_key(&key) || self.tried.contains_key(&key) || self.given.is_some(),
            Err(_) => true,
        })
    }

    /// Takes over what was seen of a picture: its rows then do not read it again. Either all pictures are taken over, or
    /// none where there is an encoder: features are in the order of the pictures.
    pub fn show(&mut self, key: String, seen: std::result::Result<Seen, String>) {
        self.ahead.insert(key, seen);
    }
}

/// Sends pictures through the encoder, if there is one.
///
/// # Errors
/// The device fails.
pub async fn encode(looked: Vec<Looked>, encoder: Option<&Encoder>) -> Result<Vec<Seen>> {
    let large = looked.iter().flat_map(|one| one.tiles.get(1).into_iter().flatten().copied());
    let features = match encoder {
        Some(encoder) => Some(encoder.features(&Tiles { size: ENCODER_SIZE, rgb: large.collect() }).await?),
        None => None,
    };
    let row = |i| features.as_ref().map_or(Vec::new(), |rows| rows.row(i).to_vec());
    let seen = looked.into_iter().enumerate().map(|(i, mut one)| {
        let tile = if one.tiles.is_empty() { Vec::new() } else { one.tiles.swap_remove(0) };
        Seen { tile, digest: one.digest, features: row(i) }
    });
    Ok(seen.collect())
}
