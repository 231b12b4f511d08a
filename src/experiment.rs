//! A run as one file that travels: a zip with the snapshot, what it computed, where its data comes from, and that data
//! where it is nobody else's (docs/formats.md).

use crate::config::Config;
use crate::data::{ShapesOptions, prepared};
use crate::error::{Error, Result};
use crate::export::{self, Choice, Memory, Options, Zip};
use crate::lab::Lab;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use zip::ZipArchive;

/// Version of the file; a reader refuses newer ones.
pub const EXPERIMENT_VERSION: u32 = 1;
const FORMAT: &str = "mtls-lab-experiment";
/// Stands first, so that a file can be told from other archives by its first bytes.
const HEADER: &str = "experiment.json";
const SNAPSHOT: &str = "run.safetensors";
const DATA: &str = "data.safetensors";
/// Most bytes of the header, and of one of the other files: what a tab can hold.
const MOST: [u64; 2] = [16 << 20, 1 << 30];

/// Where the data of a run comes from, in words that hold on every machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// A bundled pack.
    Pack {
        /// Its name.
        pack: String,
        /// A subset of it.
        subset: String,
        /// Drawing styles; empty: all.
        views: Vec<String>,
    },
    /// Generated scenes.
    Shapes(ShapesOptions),
    /// Somebody's own files.
    Own,
}

/// What an experiment is written with, beside the run itself.
#[derive(Debug, Clone, Deserialize)]
pub struct Attached {
    /// Where the data comes from.
    pub origin: Origin,
    /// Whether the data goes into the file.
    pub data: bool,
    /// What the page shows: its own business, handed back as it is.
    #[serde(default)]
    pub page: Option<serde_json::Value>,
}

/// Everything but the large parts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// Always `mtls-lab-experiment`.
    pub format: String,
    /// [`EXPERIMENT_VERSION`].
    pub version: u32,
    /// Version and commit of the program that wrote it.
    pub program: String,
    /// Name of the data.
    pub corpus: String,
    /// Its fingerprint: the run goes on only on these data.
    pub fingerprint: String,
    /// Where it comes from.
    pub origin: Origin,
    /// Iterations done.
    pub step: usize,
    /// Iterations of the whole run.
    pub total_steps: usize,
    /// The configuration as it is now.
    pub config: Config,
    /// As in [`Attached::page`].
    #[serde(default)]
    pub page: Option<serde_json::Value>,
    /// SHA-256 of the other files by name, in hex.
    pub sha256: BTreeMap<String, String>,
}

/// An experiment that was read.
#[derive(Debug)]
pub struct Experiment {
    /// What it is about.
    pub header: Header,
    /// The run ([`crate::train::snapshot`]).
    pub snapshot: Vec<u8>,
    /// The data ([`prepared`]), where the file has it.
    pub data: Option<Vec<u8>>,
}

/// Writes the run as it is now.
///
/// # Errors
/// A device that fails.
pub async fn write(lab: &mut Lab, attached: &Attached) -> Result<Vec<u8>> {
    let mut files: Vec<(String, Vec<u8>)> = vec![(SNAPSHOT.to_owned(), lab.session().snapshot().await?)];
    let mut exports = Memory::default();
    for choice in [Choice::Embeddings, Choice::Metrics] {
        Box::pin(export::export(lab, choice, &Options::default(), &mut exports)).await?;
    }
    files.extend(exports.0);
    let session = lab.session();
    let corpus = session.corpus();
    if attached.data {
        files.push((DATA.to_owned(), prepared::write(corpus)?));
    }
    let header = Header {
        format: FORMAT.to_owned(),
        version: EXPERIMENT_VERSION,
        program: crate::program(),
        corpus: corpus.name.clone(),
        fingerprint: corpus.fingerprint.clone(),
        origin: attached.origin.clone(),
        step: session.steps_done(),
        total_steps: session.plan().last_step,
        config: session.config().clone(),
        page: attached.page.clone(),
        sha256: files.iter().map(|(name, bytes)| (name.clone(), hex(bytes))).collect(),
    };
    let json = serde_json::to_vec_pretty(&header).map_err(|e| Error::format(HEADER, e.to_string()))?;
    let mut zip = Zip::default();
    zip.add(HEADER, true, 0, &mut |to| to.write_all(&json))?;
    for (name, bytes) in &files {
        // Weights and pictures do not get smaller.
        let shrinks = name.starts_with("metrics");
        zip.add(name, shrinks, bytes.len() as u64, &mut |to| to.write_all(bytes))?;
    }
    Ok(zip.finish()?.into_inner())
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Experiment {
    /// Reads what [`write()`] wrote; `name` is the file's, for the sentence.
    ///
    /// # Errors
    /// [`Error::Format`]: no experiment, another version, cut off or damaged.
    pub fn read(name: &str, mut source: impl Read + Seek) -> Result<Self> {
        let bad = |problem: &str| Error::format(name, problem);
        let damaged = |what: &str| bad(&format!("{what}; it is cut off or damaged: use another copy"));
        // A local header of a zip takes 30 bytes, then comes the name. A file that begins as one of ours and is cut off
        // may end in the middle of its embeddings, which are a zip as well.
        let mut begin = Vec::new();
        let begun = source.by_ref().take(30 + HEADER.len() as u64).read_to_end(&mut begin);
        begun.and_then(|_| source.rewind()).map_err(|e| damaged(&format!("cannot be read ({e})")))?;
        let ours = begin.ends_with(HEADER.as_bytes());
        let mut archive = ZipArchive::new(source).map_err(|e| damaged(&format!("cannot be read as a zip ({e})")))?;
        if archive.index_for_name(HEADER).is_none() {
            return Err(if ours {
                damaged("has lost its end")
            } else {
                bad("is a zip, but no experiment of MTLS Lab; pictures are opened as data")
            });
        }
        let mut part = |file: &str, most: u64| -> Result<Vec<u8>> {
            let entry = archive.by_name(file).map_err(|e| damaged(&format!("{file} cannot be read ({e})")))?;
            let mut bytes = Vec::new();
            let read = entry.take(most + 1).read_to_end(&mut bytes);
            read.map_err(|e| damaged(&format!("{file} cannot be unpacked ({e})")))?;
            if bytes.len() as u64 > most {
                return Err(bad(&format!("{file} is larger than {} MiB, which no experiment needs", most >> 20)));
            }
            Ok(bytes)
        };
        let json = part(HEADER, MOST[0])?;
        let header = Self::header(&json).map_err(|problem| bad(&problem))?;
        let mut checked = |file: &str| -> Result<Vec<u8>> {
            let bytes = part(file, MOST[1])?;
            let fits = header.sha256.get(file).is_some_and(|sum| *sum == hex(&bytes));
            if fits { Ok(bytes) } else { Err(damaged(&format!("the checksum of {file} does not match"))) }
        };
        let snapshot = checked(SNAPSHOT)?;
        let data = if header.sha256.contains_key(DATA) { Some(checked(DATA)?) } else { None };
        Ok(Self { snapshot, data, header })
    }

    fn header(json: &[u8]) -> std::result::Result<Header, String> {
        #[derive(Deserialize)]
        struct Tag {
            format: String,
            version: u32,
        }
        let broken = |e: serde_json::Error| format!("{HEADER} cannot be read ({e}); use another copy of the file");
        let tag: Tag = serde_json::from_slice(json).map_err(broken)?;
        if tag.format != FORMAT {
            return Err(format!("is a {} file, no experiment of MTLS Lab", tag.format));
        }
        if tag.version > EXPERIMENT_VERSION {
            return Err(format!(
                "is an experiment of version {}, this program reads up to {EXPERIMENT_VERSION}; update it",
                tag.version
            ));
        }
        serde_json::from_slice(json).map_err(broken)
    }
}

#[cfg(test)]
#[path = "experiment_tests.rs"]
mod tests;
