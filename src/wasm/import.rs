//! A user's own files in the page: dropped files, read in slices, and the steps from them to data that can be trained on.

use super::{Js, from_js, put, to_js};
use crate::data::Corpus;
use crate::data::files::{self, FileEntry, Files, MOST_FILE_BYTES, MOST_FILES};
use crate::data::import::{Advance, Import, Pixels};
use crate::data::look::{self, Look, Seen};
use crate::data::prepared;
use crate::error::{Error, Result};
use crate::features::encoder::Encoder;
use crate::tensor::Device;
use serde::Serialize as _;
use std::io::{Read, Seek, SeekFrom};
use wasm_bindgen::prelude::*;

/// Bytes fetched at once from a file. An archive is read entry by entry, each at its own place: what lies in the bytes
/// fetched last is not fetched again.
const SLICE: u64 = 1 << 20;

/// A dropped file as a reader. Works in a worker only: nothing else may read files synchronously.
pub(super) struct BlobReader {
    blob: web_sys::Blob,
    at: u64,
    length: u64,
    /// The bytes fetched last, and where they begin.
    fetched: (u64, Vec<u8>),
}

impl BlobReader {
    pub(super) fn new(blob: web_sys::Blob) -> Self {
        let length = blob.size() as u64;
        Self { blob, at: 0, length, fetched: (0, Vec::new()) }
    }
}

fn slice(blob: &web_sys::Blob, start: u64, end: u64) -> std::io::Result<Vec<u8>> {
    let read = || -> std::result::Result<Vec<u8>, JsValue> {
        let part = blob.slice_with_f64_and_f64(start as f64, end as f64)?;
        let buffer = web_sys::FileReaderSync::new()?.read_as_array_buffer(&part)?;
        Ok(js_sys::Uint8Array::new(&buffer).to_vec())
    };
    // The browser's sentence: the file was moved, or permission was taken back.
    read().map_err(|error| std::io::Error::other(js_sys::Error::from(error).message().as_string().unwrap_or_default()))
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.at >= self.length {
            return Ok(0);
        }
        let (begin, bytes) = &self.fetched;
        if !(*begin..begin + bytes.len() as u64).contains(&self.at) {
            let end = (self.at + SLICE.max(buffer.len() as u64)).min(self.length);
            self.fetched = (self.at, slice(&self.blob, self.at, end)?);
        }
        let (begin, bytes) = &self.fetched;
        let there = bytes.get((self.at - begin) as usize..).unwrap_or_default();
        let count = there.len().min(buffer.len());
        buffer[..count].copy_from_slice(&there[..count]);
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for BlobReader {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let place = match to {
            SeekFrom::Start(at) => i128::from(at),
            SeekFrom::End(by) => i128::from(self.length) + i128::from(by),
            SeekFrom::Current(by) => i128::from(self.at) + i128::from(by),
        };
        self.at = u64::try_from(place).map_err(|_| std::io::Error::other("before the beginning of the file"))?;
        Ok(self.at)
    }
}

/// What was dropped: a folder's files, or some files.
struct Dropped {
    list: Vec<FileEntry>,
    blobs: Vec<web_sys::Blob>,
    left_out: Vec<(String, String)>,
}

impl Files for Dropped {
    fn list(&self) -> &[FileEntry] {
        &self.list
    }

    fn left_out(&self) -> &[(String, String)] {
        &self.left_out
    }

    fn read(&mut self, index: usize) -> std::result::Result<Vec<u8>, String> {
        let (blob, entry) = self.blobs.get(index).zip(self.list.get(index)).ok_or("the file is missing")?;
        if entry.bytes > MOST_FILE_BYTES {
            return Err(format!("is larger than {} MiB; scale the picture down", MOST_FILE_BYTES >> 20));
        }
        slice(blob, 0, entry.bytes).map_err(|e| format!("cannot be read ({e}); choose the files again"))
    }
}

/// `[path, blob]` pairs as a container: an archive is opened, several are read as one.
fn open(name: &str, dropped: &js_sys::Array) -> Result<Box<dyn Files>> {
    let wrong = || Error::Data("files must be given as [path, blob]".into());
    if dropped.length() as usize > MOST_FILES {
        return Err(Error::format(name, format!("has more than {MOST_FILES} files; take a part of it")));
    }
    let (mut list, mut blobs, mut left_out, mut archives) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for pair in dropped.iter() {
        let pair: js_sys::Array = pair.dyn_into().map_err(|_| wrong())?;
        let path = pair.get(0).as_string().ok_or_else(wrong)?;
        let blob: web_sys::Blob = pair.get(1).dyn_into().map_err(|_| wrong())?;
        let packed =
            [".zip", ".tar", ".gz", ".tgz", ".7z", ".rar", ".zst"].iter().any(|end| path.to_lowercase().ends_with(end));
        if packed {
            let opened = files::archive(&path, BlobReader::new(blob))?;
            archives.push(opened.ok_or_else(|| Error::format(&path, "is no zip and no tar; pack the pictures anew"))?);
            continue;
        }
        match files::listed(&path) {
            Ok(Some(path)) => {
                list.push(FileEntry { path, bytes: blob.size() as u64 });
                blobs.push(blob);
            }
            Ok(None) => {}
            Err(problem) => left_out.push((path, problem)),
        }
    }
    if archives.is_empty() {
        return Ok(Box::new(Dropped { list, blobs, left_out }));
    }
    if !list.is_empty() {
        archives.push(Box::new(Dropped { list, blobs, left_out }));
    }
    Ok(Box::new(files::Joined::new(archives)))
}

/// Files on their way to data.
#[wasm_bindgen]
pub struct Importer {
    import: Import,
    encoder: Option<Encoder>,
}

#[wasm_bindgen]
impl Importer {
    /// Finds out what `files` (`[path, blob]` pairs) hold; `encoder`: the pack's part, if pictures are to go through it.
    pub fn open(name: &str, files: &js_sys::Array, encoder: Option<Vec<u8>>) -> Js<Importer> {
        let encoder = encoder.map(|part| Encoder::from_part(&part, &Device::Cpu)).transpose()?;
        Ok(Self { import: Import::open(name, open(name, files)?, encoder.is_some())?, encoder })
    }

    /// Paths of all pictures.
    pub fn wanted(&self) -> Vec<String> {
        self.import.wanted()
    }

    /// Looks at some pictures: a list of `{ key, tile, digest, features }`, `{ key, problem }`, or `{ key, foreign }`,
    /// the bytes of one that the browser has to decode (then [`Self::look_at`]).
    pub async fn look(&mut self, keys: Vec<String>) -> Js<js_sys::Array> {
        let list = js_sys::Array::new();
        let (mut names, mut looked) = (Vec::new(), Vec::new());
        for key in keys {
            match self.import.look(&key) {
                Ok(Look::Picture(one)) => {
                    names.push(key);
                    looked.push(one);
                }
                Ok(Look::Foreign(bytes)) => {
                    let object = to_js(&serde_json::json!({ "key": key }))?;
                    put(&object, "foreign", &js_sys::Uint8Array::from(bytes.as_slice()).into())?;
                    list.push(&object);
                }
                Err(problem) => {
                    list.push(&to_js(&serde_json::json!({ "key": key, "problem": problem }))?);
                }
            }
        }
        let seen = look::encode(looked, self.encoder.as_ref()).await?;
        for (key, seen) in names.iter().zip(&seen) {
            list.push(&handed(key, seen)?);
        }
        Ok(list)
    }

    /// The same of pixels that the browser decoded; without any, it cannot either.
    pub async fn look_at(&mut self, key: String, width: u32, height: u32, rgba: Option<Vec<u8>>) -> Js<JsValue> {
        match self.import.look_at(rgba.map(|rgba| Pixels { width, height, rgba })) {
            Ok(one) => handed(&key, &look::encode(vec![one], self.encoder.as_ref()).await?[0]),
            Err(problem) => to_js(&serde_json::json!({ "key": key, "problem": problem })),
        }
    }

    /// Takes over what another worker saw.
    pub fn show(&mut self, key: String, tile: Vec<u8>, digest: Vec<u8>, features: Vec<f32>) -> Js<()> {
        let digest = digest.try_into().map_err(|_| JsError::new("a digest has 32 bytes"))?;
        self.import.show(key, Ok(Seen { tile, digest, features }));
        Ok(())
    }

    /// Takes over that another worker could not read it.
    pub fn show_problem(&mut self, key: String, problem: String) {
        self.import.show(key, Err(problem));
    }

    /// Joins rows with the pictures that were taken over, as far as these go; `all`: to the end. How many pictures there are.
    pub fn join(&mut self, all: bool) -> usize {
        while all || self.import.next_is_known() {
            match self.import.advance() {
                Advance::Row => {}
                // Looked at before: it could not be decoded.
                Advance::Foreign { .. } => self.import.supply(None),
                Advance::Done => break,
            }
        }
        self.import.pictures()
    }

    /// Findings with the remedies of `plan`. Through JSON text: numbers are keys of a plan, which objects do not have.
    pub fn check(&self, plan: JsValue) -> Js<JsValue> {
        to_js(&self.import.check(&from_js(&plan)?))
    }

    /// `{ key, captions, label }` of some pictures.
    pub fn about(&self, pictures: Vec<u32>) -> Js<JsValue> {
        let about = pictures.into_iter().filter_map(|at| self.import.about(at as usize));
        let about: Vec<_> = about
            .map(|(key, captions, label)| serde_json::json!({"key": key, "captions": captions, "label": label}))
            .collect();
        // Without text between: a caption may be a megabyte.
        Ok(about.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
    }

    /// Thumbnail of a picture as RGBA, 64 pixels a side.
    pub fn tile(&self, at: usize) -> js_sys::Uint8ClampedArray {
        let rgba: Vec<u8> =
            self.import.tile(at).unwrap_or_default().chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        js_sys::Uint8ClampedArray::from(rgba.as_slice())
    }

    /// The data with the remedies of `plan`, as one file.
    pub fn finish(&self, plan: JsValue) -> Js<JsValue> {
        let corpus = self.import.finish(&from_js(&plan)?)?;
        described(&corpus, &prepared::write(&corpus)?)
    }
}

/// What was seen of a picture, on its way to another worker.
fn handed(key: &str, seen: &Seen) -> Js<JsValue> {
    let object = to_js(&serde_json::json!({ "key": key }))?;
    put(&object, "tile", &js_sys::Uint8Array::from(seen.tile.as_slice()).into())?;
    put(&object, "digest", &js_sys::Uint8Array::from(seen.digest.as_slice()).into())?;
    put(&object, "features", &js_sys::Float32Array::from(seen.features.as_slice()).into())?;
    Ok(object)
}

/// What the page keeps of own data: `{ name, fingerprint, items, …, bytes }`.
pub(super) fn described(corpus: &Corpus, bytes: &[u8]) -> Js<JsValue> {
    let held_out = corpus.items.iter().filter(|item| item.held_out).count();
    let object = to_js(&serde_json::json!({
        "name": corpus.name, "fingerprint": corpus.fingerprint, "items": corpus.len(), "held_out": held_out,
        "classes": corpus.classes.len(), "encoded": corpus.projection.is_some(), "queries": corpus.items.iter().take(3).map(|item| &item.title).collect::<Vec<_>>(),
    }))?;
    put(&object, "bytes", &js_sys::Uint8Array::from(bytes).into())?;
    Ok(object)
}
