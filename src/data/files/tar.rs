//! A tar archive (WebDataset shards are such), also gzipped: an index of offsets, then one read a file.

use super::{FileEntry, Files, Listing, limited};
use crate::error::{Error, Result};
use flate2::read::GzDecoder;
use std::io::{Cursor, Read, Seek, SeekFrom};

/// A gzipped archive is unpacked into memory, up to this.
const MOST_UNPACKED: u64 = 1 << 30;

/// The files of a tar.
pub struct Tar<R> {
    source: R,
    listing: Listing,
    /// First byte of each listed file.
    start: Vec<u64>,
}

impl<R: Read + Seek> Tar<R> {
    /// Reads all headers.
    ///
    /// # Errors
    /// No tar, a damaged or truncated one, or too many files.
    pub fn open(name: &str, source: R) -> Result<Self> {
        let damaged = |e: std::io::Error| {
            Error::format(name, format!("cannot be read as a tar ({e}); it may be cut off: fetch or pack it again"))
        };
        let mut archive = ::tar::Archive::new(source);
        let (mut listing, mut start) = (Listing::default(), Vec::new());
        for entry in archive.entries_with_seek().map_err(damaged)? {
            let entry = entry.map_err(damaged)?;
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            if entry.header().entry_type().is_file() && listing.add(name, &path, entry.size())? {
                start.push(entry.raw_file_position());
            }
        }
        Ok(Self { source: archive.into_inner(), listing, start })
    }
}

impl Tar<Cursor<Vec<u8>>> {
    /// Unpacks a gzipped tar.
    ///
    /// # Errors
    /// As [`Self::open`]; more than 1 GiB unpacked.
    pub fn gunzip(name: &str, source: impl Read) -> Result<Self> {
        let mut bytes = Vec::new();
        let damaged =
            |e: std::io::Error| Error::format(name, format!("cannot be unpacked ({e}); fetch or pack it again"));
        GzDecoder::new(source).take(MOST_UNPACKED + 1).read_to_end(&mut bytes).map_err(damaged)?;
        if bytes.len() as u64 > MOST_UNPACKED {
            return Err(Error::format(name, "unpacks to more than 1 GiB; unpack it and take the .tar"));
        }
        Self::open(name, Cursor::new(bytes))
    }
}

impl<R: Read + Seek> Files for Tar<R> {
    fn list(&self) -> &[FileEntry] {
        &self.listing.files
    }

    fn left_out(&self) -> &[(String, String)] {
        &self.listing.left_out
    }

    fn read(&mut self, index: usize) -> std::result::Result<Vec<u8>, String> {
        let (entry, start) = self.listing.files.get(index).zip(self.start.get(index)).ok_or("the file is missing")?;
        self.source.seek(SeekFrom::Start(*start)).map_err(|e| format!("cannot be read ({e})"))?;
        let bytes = limited(self.source.by_ref().take(entry.bytes), entry.bytes)?;
        if (bytes.len() as u64) < entry.bytes {
            return Err("is cut off: the archive ends in the middle of it".into());
        }
        Ok(bytes)
    }
}
