//! The manifest: what a pack holds, in which order, where it comes from, and how each part is checked.
//!
//! Concepts are stored as columns (one array per field) because a row of named fields each would triple the file.

use super::REMEDY;
use crate::data::corpus::Credit;
use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The `format` field of every manifest.
pub const PACK_FORMAT: &str = "mtls-lab-pack";
/// The version this build writes and reads.
pub const PACK_VERSION: u32 = 1;
/// Name used in errors about the manifest itself.
const FILE: &str = "manifest.json";

/// Table of contents of a pack.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`PACK_FORMAT`].
    pub format: String,
    /// [`PACK_VERSION`].
    pub version: u32,
    /// Short name, e.g. `emoji`.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// `N`.
    pub concepts: usize,
    /// Prefixes of the concepts that can be used on their own.
    pub subsets: Vec<Subset>,
    /// Runs of consecutive concepts; parts are cut along them.
    pub blocks: Vec<Block>,
    /// Drawing styles, in order.
    pub styles: Vec<String>,
    /// Languages of the text parts; the first one gives titles and training captions.
    pub languages: Vec<String>,
    /// Names of the groups (cluster labels).
    pub groups: Vec<String>,
    /// Names of the subgroups.
    pub subgroups: Vec<String>,
    /// Column: code points in hex, joined by `-`.
    pub key: Vec<String>,
    /// Column: index into `groups`.
    pub group: Vec<u32>,
    /// Column: index into `subgroups`.
    pub subgroup: Vec<u32>,
    /// Column: family number; families are never divided by a split.
    pub family: Vec<u32>,
    /// Column: family fold, 0-4.
    pub fold: Vec<u8>,
    /// Column: 1 where the concept is in the held-out part of the concept split, else 0.
    pub held_out: Vec<u8>,
    /// The files.
    pub parts: Vec<Part>,
    /// Attribution; [`Part::credit`] names an entry by its `part` field.
    pub credits: Vec<Credit>,
}

/// The first `concepts` concepts, under a name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subset {
    /// E.g. `emoji-1k`.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// How many concepts, from the first on; a whole number of blocks.
    pub concepts: usize,
}

/// Concepts `start .. start + len`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// E.g. `a`.
    pub name: String,
    /// First concept.
    pub start: usize,
    /// Number of concepts.
    pub len: usize,
}

/// What a part holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// PNG: the pictures of one style and block.
    Atlas,
    /// Safetensors: quantised features of one style and block.
    Features,
    /// Gzipped JSON: label and tags of one language and block.
    Texts,
    /// As `Texts`, without a label: an independent set of keywords, for queries only.
    Keywords,
    /// Safetensors: principal components that encoder features are projected on.
    Projection,
    /// Safetensors: weights of the image encoder.
    Encoder,
}

/// One file of the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Unique name.
    pub name: String,
    /// File name beside the manifest.
    pub file: String,
    /// What it holds.
    pub kind: Kind,
    /// Length of the file.
    pub bytes: usize,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Which of [`Manifest::credits`] covers it.
    pub credit: String,
    /// Style (`atlas`, `features`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub style: String,
    /// Language or source (`texts`, `keywords`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// Block (all kinds but `projection` and `encoder`).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub block: String,
    /// Rows it must have: concepts of the block; 0 where there is no block.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub rows: usize,
    /// Side of a tile in pixels (`atlas`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub tile: usize,
    /// Tiles per row of the atlas (`atlas`), or numbers per concept (`features`).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub columns: usize,
    /// Another bundled pack that the file lies in (a shared encoder); empty: this one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pack: String,
}

fn is_zero(n: &usize) -> bool {
    *n == 0
}

impl Manifest {
    /// Reads and checks `manifest.json`.
    ///
    /// # Errors
    /// [`Error::Format`] when it is not JSON, not a pack, of another version, or contradicts itself.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        // The version is read first: a newer manifest may lack fields of this one.
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        fn broken(error: impl std::fmt::Display) -> Error {
            Error::format(FILE, format!("not a readable manifest ({error}); {REMEDY}"))
        }
        let text = std::str::from_utf8(bytes).map_err(broken)?;
        let head: Head = serde_json::from_str(text).map_err(broken)?;
        if head.format != PACK_FORMAT {
            return Err(Error::format(
                FILE,
                format!("format is `{}`, not `{PACK_FORMAT}`: this is not a pack", head.format),
            ));
        }
        if head.version != PACK_VERSION {
            let remedy = if head.version > PACK_VERSION {
                "update MTLS Lab"
            } else {
                "rebuild the pack with `cargo xtask pack NAME`"
            };
            return Err(Error::format(
                FILE,
                format!("pack version {}, this build reads {PACK_VERSION}; {remedy}", head.version),
            ));
        }
        let manifest: Self = serde_json::from_str(text).map_err(broken)?;
        manifest.check().map_err(|problem| Error::format(FILE, format!("{problem}; {REMEDY}")))?;
        Ok(manifest)
    }

    /// The part called `name`.
    pub fn part(&self, name: &str) -> Result<&Part> {
        self.parts.iter().find(|part| part.name == name).ok_or_else(|| {
            let known = self.parts.iter().map(|part| part.name.as_str()).collect::<Vec<_>>().join(", ");
            Error::format(format!("pack part {name}"), format!("pack `{}` has no such part; it has {known}", self.name))
        })
    }

    /// Number of concepts of `subset` (empty: all).
    pub fn subset_len(&self, subset: &str) -> Result<usize> {
        if subset.is_empty() {
            return Ok(self.concepts);
        }
        self.subsets.iter().find(|known| known.name == subset).map(|known| known.concepts).ok_or_else(|| {
            let known = self.subsets.iter().map(|known| known.name.as_str()).collect::<Vec<_>>().join(", ");
            Error::Data(format!("pack `{}` has no subset `{subset}`; it has {known}", self.name))
        })
    }

    /// The blocks that the first `len` concepts consist of.
    pub(super) fn blocks_of(&self, len: usize) -> impl Iterator<Item = &Block> {
        self.blocks.iter().filter(move |block| block.start < len)
    }

    /// The part of `kind` for `block` and the style or language `of`.
    pub(super) fn find(&self, kind: Kind, of: &str, block: &str) -> Option<&Part> {
        self.parts
            .iter()
            .find(|part| part.kind == kind && part.block == block && (part.style == of || part.language == of))
    }

    /// See [`super::Pack::parts_for`].
    pub(super) fn parts_for(&self, subset: &str, styles: &[&str], languages: &[&str]) -> Result<Vec<String>> {
        let len = self.subset_len(subset)?;
        let all: Vec<&str> = self.styles.iter().map(String::as_str).collect();
        let styles = if styles.is_empty() { &all } else { styles };
        let first = self.languages.first().map(String::as_str);
        let languages = first.into_iter().chain(languages.iter().copied().filter(|language| Some(*language) != first));
        let mut names = Vec::new();
        let mut take = |kinds: &[Kind], of: &str| -> Result<()> {
            for block in self.blocks_of(len) {
                let part = kinds.iter().find_map(|kind| self.find(*kind, of, &block.name)).ok_or_else(|| {
                    Error::Data(format!(
                        "pack `{}` has no `{of}`; it has the styles {} and the texts {}, emojilib",
                        self.name,
                        self.styles.join(", "),
                        self.languages.join(", ")
                    ))
                })?;
                names.push(part.name.clone());
            }
            Ok(())
        };
        for language in languages {
            take(&[Kind::Texts, Kind::Keywords], language)?;
        }
        for kind in [Kind::Features, Kind::Atlas] {
            for style in styles {
                take(&[kind], style)?;
            }
        }
        Ok(names)
    }

    fn check(&self) -> std::result::Result<(), String> {
        let n = self.concepts;
        let columns = [
            ("key", self.key.len()),
            ("group", self.group.len()),
            ("subgroup", self.subgroup.len()),
            ("family", self.family.len()),
            ("fold", self.fold.len()),
            ("held_out", self.held_out.len()),
        ];
        for (name, len) in columns {
            if len != n {
                return Err(format!("column `{name}` has {len} entries for {n} concepts"));
            }
        }
        if n == 0 {
            return Err("there is no concept".into());
        }
        let in_range = |column: &[u32], names: &[String]| column.iter().all(|i| (*i as usize) < names.len());
        if !in_range(&self.group, &self.groups) || !in_range(&self.subgroup, &self.subgroups) {
            return Err("a concept names a group or subgroup that is not listed".into());
        }
        let mut next = 0;
        for block in &self.blocks {
            if block.start != next || block.len == 0 {
                return Err(format!("block `{}` does not follow the one before it", block.name));
            }
            next += block.len;
        }
        if next != n {
            return Err(format!("the blocks cover {next} of {n} concepts"));
        }
        for subset in &self.subsets {
            if !self.blocks.iter().any(|block| block.start + block.len == subset.concepts) {
                return Err(format!("subset `{}` does not end where a block ends", subset.name));
            }
        }
        let mut names = BTreeSet::new();
        for part in &self.parts {
            self.check_part(part).map_err(|problem| format!("part `{}`: {problem}", part.name))?;
            if !names.insert(&part.name) {
                return Err(format!("part `{}` is listed twice", part.name));
            }
        }
        Ok(())
    }

    fn check_part(&self, part: &Part) -> std::result::Result<(), String> {
        // The file name is joined to a folder or an address: nothing but a plain name may stand there.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if part.file.is_empty() || part.file.starts_with('.') || !part.file.chars().all(plain) {
            return Err(format!("`{}` is not a plain file name", part.file));
        }
        if part.pack.starts_with('.') || !part.pack.chars().all(plain) {
            return Err(format!("`{}` is not the plain name of a pack", part.pack));
        }
        if part.sha256.len() != 64 || !part.sha256.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err("its SHA-256 is not 64 lower-case hex digits".into());
        }
        if !self.credits.iter().any(|credit| credit.part == part.credit) {
            return Err(format!("its credit `{}` is not listed", part.credit));
        }
        if !matches!(part.kind, Kind::Projection | Kind::Encoder) {
            let block = self.blocks.iter().find(|block| block.name == part.block).ok_or("its block is not listed")?;
            if part.rows != block.len {
                return Err(format!("{} rows for a block of {}", part.rows, block.len));
            }
        }
        if matches!(part.kind, Kind::Atlas | Kind::Features) && !self.styles.contains(&part.style) {
            return Err(format!("its style `{}` is not listed", part.style));
        }
        if part.kind == Kind::Atlas && (part.tile == 0 || part.columns == 0) {
            return Err("an atlas needs `tile` and `columns`".into());
        }
        if part.kind == Kind::Features && part.columns == 0 {
            return Err("features need `columns`".into());
        }
        Ok(())
    }
}
