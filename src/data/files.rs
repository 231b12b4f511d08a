//! The files of a user's data, whatever they lie in: a folder, a zip, a tar, or what was dropped on the page.
//!
//! Paths are plain and relative, with `/`. They come from outside: one that leads out of its container is never read.

#[cfg(not(target_arch = "wasm32"))]
mod dir;
mod tar;
mod zip;

#[cfg(not(target_arch = "wasm32"))]
pub use dir::Dir;
pub use tar::Tar;
pub use zip::Zip;

use crate::error::{Error, Result};
use std::io::{Read, Seek};
use std::path::{Component, Path};

/// A single file above this is refused unread, or unpacked no further.
pub const MOST_FILE_BYTES: u64 = 256 << 20;
/// More files than this are refused.
pub const MOST_FILES: usize = 250_000;

/// One file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    /// Plain relative path with `/`.
    pub path: String,
    /// Its length, as far as the container says.
    pub bytes: u64,
}

/// A container of files.
pub trait Files {
    /// The files in the container's own order; folders, hidden files and what an archiver left behind are not among them.
    fn list(&self) -> &[FileEntry];

    /// The bytes of file `index` of [`Self::list`], or a sentence that says why there are none.
    fn read(&mut self, index: usize) -> std::result::Result<Vec<u8>, String>;

    /// What of the container could not be listed: paths, each with a sentence.
    fn left_out(&self) -> &[(String, String)] {
        &[]
    }
}

/// Opens an archive by its first bytes; `None` if it is none.
///
/// # Errors
/// A damaged archive, one with more than [`MOST_FILES`] files, or one of a kind that is not read.
pub fn archive<R: Read + Seek + 'static>(name: &str, mut source: R) -> Result<Option<Box<dyn Files>>> {
    let io = |e: std::io::Error| Error::format(name, format!("cannot be read ({e})"));
    let mut head = [0; 512];
    let mut length = 0;
    while length < head.len() {
        match source.read(&mut head[length..]).map_err(io)? {
            0 => break,
            more => length += more,
        }
    }
    let head = &head[..length];
    source.rewind().map_err(io)?;
    let ustar = head.get(257..262) == Some(b"ustar".as_slice());
    Ok(match head {
        [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Some(Box::new(Zip::open(name, source)?)),
        [0x1f, 0x8b, ..] => Some(Box::new(Tar::gunzip(name, source)?)),
        _ if ustar => Some(Box::new(Tar::open(name, source)?)),
        [b'7', b'z', 0xbc, ..] | [b'R', b'a', b'r', b'!', ..] | [0x28, 0xb5, 0x2f, 0xfd, ..] => {
            return Err(Error::format(
                name,
                "this kind of archive is not read; unpack it and take the folder, or a zip",
            ));
        }
        _ => None,
    })
}

/// `path` as a plain relative path with `/`, or why it is not one.
pub fn inside(path: &str) -> std::result::Result<String, String> {
    if path.contains('\0') {
        return Err("the name holds a NUL; rename the file".into());
    }
    // Archives made on Windows; also so that such a path cannot lead out on Windows.
    let path = path.replace('\\', "/");
    let mut parts = Vec::new();
    for part in Path::new(&path).components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err("leads out of the folder; file names must be relative to it".into());
            }
        }
    }
    if parts.is_empty() { Err("names no file".into()) } else { Ok(parts.join("/")) }
}

/// Hidden files, and what systems and archivers leave behind.
fn is_litter(path: &str) -> bool {
    path.split('/').any(|part| part.starts_with('.') || part == "__MACOSX" || part == "Thumbs.db")
}

/// `path` as a path of a listing; none for what does not belong there.
pub fn listed(path: &str) -> std::result::Result<Option<String>, String> {
    inside(path).map(|path| Some(path).filter(|path| !is_litter(path)))
}

/// Several containers as one: the shards of a set.
pub struct Joined {
    parts: Vec<Box<dyn Files>>,
    list: Vec<FileEntry>,
    left_out: Vec<(String, String)>,
}

impl Joined {
    /// One after the other. Where there are several, each is a folder of its own: names may repeat.
    pub fn new(parts: Vec<Box<dyn Files>>) -> Self {
        let several = parts.len() > 1;
        let (mut list, mut left_out) = (Vec::new(), Vec::new());
        for (n, part) in parts.iter().enumerate() {
            let path = |path: &str| if several { format!("{n}/{path}") } else { path.to_owned() };
            list.extend(part.list().iter().map(|file| FileEntry { path: path(&file.path), bytes: file.bytes }));
            left_out.extend_from_slice(part.left_out());
        }
        Self { parts, list, left_out }
    }
}

impl Files for Joined {
    fn list(&self) -> &[FileEntry] {
        &self.list
    }

    fn left_out(&self) -> &[(String, String)] {
        &self.left_out
    }

    fn read(&mut self, mut index: usize) -> std::result::Result<Vec<u8>, String> {
        for part in &mut self.parts {
            match index.checked_sub(part.list().len()) {
                Some(rest) => index = rest,
                None => return part.read(index),
            }
        }
        Err("the file is missing".into())
    }
}

/// Sorts what a container holds into files and paths that are refused.
#[derive(Default)]
struct Listing {
    files: Vec<FileEntry>,
    left_out: Vec<(String, String)>,
}

impl Listing {
    /// Whether the file was taken.
    fn add(&mut self, name: &str, path: &str, bytes: u64) -> Result<bool> {
        if self.files.len() >= MOST_FILES {
            return Err(Error::format(name, format!("has more than {MOST_FILES} files; take a part of it")));
        }
        match listed(path) {
            Ok(Some(path)) => {
                self.files.push(FileEntry { path, bytes });
                Ok(true)
            }
            Ok(None) => Ok(false),
            Err(problem) => {
                self.left_out.push((path.to_owned(), problem));
                Ok(false)
            }
        }
    }
}

/// Reads at most [`MOST_FILE_BYTES`]; more is a sentence.
fn limited(mut source: impl Read, announced: u64) -> std::result::Result<Vec<u8>, String> {
    let too_large = || format!("is larger than {} MiB; scale the picture down", MOST_FILE_BYTES >> 20);
    if announced > MOST_FILE_BYTES {
        return Err(too_large());
    }
    // The announced length may be a lie: memory grows with what really comes.
    let mut bytes = Vec::with_capacity(announced.min(1 << 20) as usize);
    let damaged = |e: std::io::Error| format!("cannot be read ({e})");
    source.by_ref().take(MOST_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(damaged)?;
    if bytes.len() as u64 > MOST_FILE_BYTES { Err(too_large()) } else { Ok(bytes) }
}

#[cfg(test)]
#[path = "files/tests.rs"]
mod tests;
