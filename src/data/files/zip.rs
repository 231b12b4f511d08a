//! A zip archive, read file by file: nothing is unpacked as a whole.

use super::{FileEntry, Files, Listing, MOST_FILES, limited};
use crate::error::{Error, Result};
use ::zip::ZipArchive;
use ::zip::result::ZipError;
use std::io::{Read, Seek, SeekFrom};

/// The files of a zip.
pub struct Zip<R> {
    archive: ZipArchive<R>,
    listing: Listing,
    /// Place of each listed file in the archive.
    place: Vec<usize>,
}

impl<R: Read + Seek> Zip<R> {
    /// Reads the table of contents.
    ///
    /// # Errors
    /// No zip, a damaged or truncated one, or too many files.
    pub fn open(name: &str, mut source: R) -> Result<Self> {
        let damaged = |e: &dyn std::fmt::Display| {
            Error::format(name, format!("cannot be read as a zip ({e}); it may be cut off: fetch or pack it again"))
        };
        // Before the table is read, which takes memory for every entry it announces.
        if announced(&mut source).map_err(|e| damaged(&e))? > MOST_FILES as u64 {
            return Err(Error::format(name, format!("has more than {MOST_FILES} files; take a part of it")));
        }
        let archive = ZipArchive::new(source).map_err(|e| damaged(&e))?;
        let (mut listing, mut place) = (Listing::default(), Vec::new());
        let mut archive = archive;
        for at in 0..archive.len() {
            let entry = archive.by_index_raw(at).map_err(|e| damaged(&e))?;
            if !entry.is_dir() && listing.add(name, entry.name(), entry.size())? {
                place.push(at);
            }
        }
        Ok(Self { archive, listing, place })
    }
}

/// How many entries the end of the archive announces.
fn announced<R: Read + Seek>(source: &mut R) -> std::io::Result<u64> {
    /// The end record (22 bytes), its comment, and the locator and end record of zip64 before it.
    const TAIL: u64 = 22 + 65_535 + 20 + 56;
    let length = source.seek(SeekFrom::End(0))?;
    source.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    source.by_ref().take(TAIL).read_to_end(&mut tail)?;
    source.rewind()?;
    let find = |mark: &[u8]| tail.windows(4).rposition(|four| four == mark);
    let number = |at: usize, bytes: usize| {
        let digits = tail.get(at..at + bytes).unwrap_or_default();
        digits.iter().rev().fold(0u64, |n, byte| n << 8 | u64::from(*byte))
    };
    let short = find(b"PK\x05\x06").map_or(0, |at| number(at + 10, 2));
    let long = find(b"PK\x06\x06").map_or(0, |at| number(at + 32, 8));
    Ok(short.max(long))
}

impl<R: Read + Seek> Files for Zip<R> {
    fn list(&self) -> &[FileEntry] {
        &self.listing.files
    }

    fn left_out(&self) -> &[(String, String)] {
        &self.listing.left_out
    }

    fn read(&mut self, index: usize) -> std::result::Result<Vec<u8>, String> {
        let at = *self.place.get(index).ok_or("the file is missing")?;
        let entry = self.archive.by_index(at).map_err(|e| match e {
            ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => {
                "is locked by a password; pack the archive without one".to_owned()
            }
            ZipError::UnsupportedArchive(what) => format!("is packed in a way that is not read ({what}); pack it anew"),
            other => format!("cannot be unpacked ({other})"),
        })?;
        let announced = entry.size();
        limited(entry, announced)
    }
}
