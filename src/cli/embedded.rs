//! Embeddings on their way to a file: batch by batch into a journal, and from there, when all are in it, to the file.
//!
//! A numpy array begins with its length, so that it can only be written at the end; and what stands in the journal
//! outlives a kill.

use mtls_lab::data::journal::Journal;
use mtls_lab::error::{Error, Result};
use mtls_lab::export::{Zip, line, npz};
use mtls_lab::matrix::Matrix;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// What the embeddings are written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `keys`, `vectors`.
    Npz,
    /// A line each.
    Jsonl,
}

impl Format {
    /// By the ending of the name.
    pub fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some("npz") => Ok(Self::Npz),
            Some("jsonl") => Ok(Self::Jsonl),
            _ => Err(Error::Config(format!("--out {}: choose a name that ends in .npz or .jsonl", path.display()))),
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    key: &'a str,
    vector: &'a [f32],
}

/// Embeddings so far.
pub struct Out {
    path: PathBuf,
    format: Format,
    dim: usize,
    pub journal: Journal,
    /// Pictures or texts that were looked at.
    pub seen: usize,
    /// Those among them that could be embedded.
    pub rows: usize,
    /// Characters of the longest key.
    width: usize,
}

impl Out {
    /// Embeddings of `dim` numbers for the file `path`; those that a journal beside it holds about the same `subject` are there
    /// already.
    pub fn open(path: &Path, format: Format, subject: Sha256, dim: usize) -> Result<Self> {
        let subject: String = subject.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (mut seen, mut rows, mut width) = (0, 0, 1);
        let journal = Journal::open(&path.with_file_name(format!("{name}.journal")), &subject, |_, body| {
            let (count, entries) = split(body)?;
            seen += count;
            for entry in each(entries, dim) {
                rows += 1;
                width = width.max(npz::width(entry?.0));
            }
            Ok(())
        })?;
        if seen > 0 {
            eprintln!("{seen} were embedded before");
        }
        Ok(Self { path: path.to_owned(), format, dim, journal, seen, rows, width })
    }

    /// `keys` and their `vectors` out of `seen` pictures or texts.
    pub fn add(&mut self, seen: usize, keys: &[String], vectors: &Matrix) -> Result<()> {
        let mut body = (seen as u32).to_le_bytes().to_vec();
        for (n, key) in keys.iter().enumerate() {
            body.extend((key.len() as u32).to_le_bytes());
            body.extend(key.as_bytes());
            body.extend(vectors.row(n).iter().flat_map(|value| value.to_le_bytes()));
            self.width = self.width.max(npz::width(key));
        }
        (self.seen, self.rows) = (self.seen + seen, self.rows + keys.len());
        self.journal.append(&body)
    }

    /// Writes the file, through a temporary name.
    pub fn finish(self) -> Result<()> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let part = self.path.with_file_name(format!("{name}.part"));
        let failed = |e| Error::io(&part, e);
        let mut file = BufWriter::new(File::create(&part).map_err(failed)?);
        let mut file = match self.format {
            Format::Jsonl => {
                self.each(|key, vector| {
                    let vector: Vec<f32> =
                        vector.as_chunks().0.iter().map(|value| f32::from_le_bytes(*value)).collect();
                    line(&mut file, &Line { key, vector: &vector })
                })
                .map_err(failed)?;
                file
            }
            Format::Npz => {
                let mut zip = Zip::new(file);
                let kind = format!("<U{}", self.width);
                npz::array(&mut zip, "keys", (&kind, 4 * self.width), &[self.rows], true, |to| {
                    self.each(|key, _| to.write_all(&npz::utf32(key, self.width)))
                })?;
                npz::array(&mut zip, "vectors", ("<f4", 4), &[self.rows, self.dim], false, |to| {
                    self.each(|_, vector| to.write_all(vector))
                })?;
                zip.finish()?
            }
        };
        file.flush().map_err(failed)?;
        std::fs::rename(&part, &self.path).map_err(|e| Error::io(&self.path, e))?;
        self.journal.remove()
    }

    /// Every key with the bytes of its vector.
    fn each(&self, mut take: impl FnMut(&str, &[u8]) -> io::Result<()>) -> io::Result<()> {
        let read = self.journal.each(|body| {
            for entry in each(split(body)?.1, self.dim) {
                let (key, vector) = entry?;
                take(key, vector).map_err(|e| Error::io(&self.path, e))?;
            }
            Ok(())
        });
        read.map_err(|e| io::Error::other(e.to_string()))
    }
}

fn broken() -> Error {
    Error::format("journal", "holds other records than embeddings; remove it")
}

/// How many were looked at, and the embeddings among them.
fn split(body: &[u8]) -> Result<(usize, &[u8])> {
    let (count, entries) = body.split_first_chunk().ok_or_else(broken)?;
    Ok((u32::from_le_bytes(*count) as usize, entries))
}

/// Keys and vectors of a record.
fn each(mut bytes: &[u8], dim: usize) -> impl Iterator<Item = Result<(&str, &[u8])>> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk()?;
        let entry = rest.split_at_checked(u32::from_le_bytes(*length) as usize).and_then(|(key, rest)| {
            let (vector, rest) = rest.split_at_checked(4 * dim)?;
            bytes = rest;
            Some((std::str::from_utf8(key).ok()?, vector))
        });
        Some(entry.ok_or_else(broken))
    })
}
