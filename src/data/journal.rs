//! What was done so far, on disk, so that a process that is killed goes on behind it.
//!
//! A file that only grows: `mtls-lab-journal`, then records of `length: u32`, the first eight bytes of the body's SHA-256, and the
//! body; little-endian. The first body is JSON and says what the journal is about. A record that was cut off while it was
//! written does not fit its checksum; it and what stands behind it are cut away at the next opening.

use crate::error::{Error, Result};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{BufReader, ErrorKind, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 16] = b"mtls-lab-journal";
/// Length and checksum.
const BEFORE_BODY: u64 = 4 + 8;
/// No record is longer: a length above it is damage.
const MOST_BYTES: u32 = 1 << 28;

/// A journal that is open for writing. No other process can open it meanwhile.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    end: u64,
}

impl Journal {
    /// Opens the journal at `path`, or begins it anew where there is none about `subject`. Every whole record is given to
    /// `each` with the place of its body, in the order in which they were written.
    ///
    /// # Errors
    /// A file that cannot be read or written, or that another process writes to; what `each` says.
    pub fn open(path: &Path, subject: &impl Serialize, mut each: impl FnMut(u64, &[u8]) -> Result<()>) -> Result<Self> {
        let failed = |e| Error::io(path, e);
        let subject = serde_json::to_vec(subject).map_err(|e| Error::format("journal", e.to_string()))?;
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(failed)?;
        file.try_lock().map_err(|_| {
            Error::Data(format!("{}: another process writes to it; wait for it or end it", path.display()))
        })?;
        let mut journal = Self { path: path.to_owned(), file, end: MAGIC.len() as u64 };
        let mut reader = BufReader::new(&journal.file);
        let mut magic = [0; MAGIC.len()];
        let ours = reader.read_exact(&mut magic).is_ok() && magic == *MAGIC;
        let mut same = false;
        while ours && let Some(body) = record(&mut reader).map_err(failed)? {
            if same {
                each(journal.end + BEFORE_BODY, &body)?;
            } else if body != subject {
                break;
            }
            same = true;
            journal.end += BEFORE_BODY + body.len() as u64;
        }
        if same {
            journal.file.set_len(journal.end).map_err(failed)?;
        } else {
            journal.file.set_len(0).and_then(|()| journal.write_at(0, MAGIC)).map_err(failed)?;
            journal.append(&subject)?;
        }
        Ok(journal)
    }

    /// Adds a record; from here on it outlives the process.
    ///
    /// # Errors
    /// The disk is full, or the record longer than 256 MiB.
    pub fn append(&mut self, body: &[u8]) -> Result<()> {
        let length = u32::try_from(body.len()).ok().filter(|length| *length <= MOST_BYTES);
        let length = length.ok_or_else(|| Error::format("journal", "a record is too long"))?;
        let bytes = [&length.to_le_bytes(), &checksum(body)[..], body].concat();
        self.write_at(self.end, &bytes).map_err(|e| Error::io(&self.path, e))?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    /// `length` bytes of a body, from place `at`.
    ///
    /// # Errors
    /// The file was cut meanwhile.
    pub fn read(&mut self, at: u64, length: usize) -> Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        let read = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.read_exact(&mut bytes));
        read.map(|()| bytes).map_err(|e| Error::io(&self.path, e))
    }

    /// Every record once more.
    ///
    /// # Errors
    /// The file was changed meanwhile; what `each` says.
    pub fn each(&self, mut each: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
        let failed = |e| Error::io(&self.path, e);
        (&self.file).seek(SeekFrom::Start(MAGIC.len() as u64)).map_err(failed)?;
        let mut reader = BufReader::new(&self.file);
        let mut at = MAGIC.len() as u64;
        while at < self.end {
            let body = record(&mut reader).map_err(failed)?;
            let body = body.ok_or_else(|| Error::format(self.path.display().to_string(), "was damaged meanwhile"))?;
            // The first one is the subject.
            if at > MAGIC.len() as u64 {
                each(&body)?;
            }
            at += BEFORE_BODY + body.len() as u64;
        }
        Ok(())
    }

    /// Everything that it speaks of stands elsewhere now.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn remove(self) -> Result<()> {
        std::fs::remove_file(&self.path).map_err(|e| Error::io(&self.path, e))
    }

    fn write_at(&mut self, at: u64, bytes: &[u8]) -> std::io::Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(bytes)
    }
}

/// The next body; none at the end, and where it is not whole.
fn record(reader: &mut impl std::io::Read) -> std::io::Result<Option<Vec<u8>>> {
    let (mut length, mut sum) = ([0; 4], [0; 8]);
    let mut body = Vec::new();
    let mut read = || {
        reader.read_exact(&mut length)?;
        reader.read_exact(&mut sum)?;
        let length = u32::from_le_bytes(length).min(MOST_BYTES);
        reader.by_ref().take(u64::from(length)).read_to_end(&mut body)?;
        Ok(body.len() == length as usize)
    };
    match read() {
        Ok(whole) => Ok((whole && u32::from_le_bytes(length) <= MOST_BYTES && checksum(&body) == sum).then_some(body)),
        Err(e) if std::io::Error::kind(&e) == ErrorKind::UnexpectedEof => Ok(None),
        Err(e) => Err(e),
    }
}

fn checksum(body: &[u8]) -> [u8; 8] {
    let mut sum = [0; 8];
    sum.copy_from_slice(&Sha256::digest(body)[..8]);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(path: &Path, subject: &str) -> Vec<Vec<u8>> {
        let mut found = Vec::new();
        Journal::open(path, &subject, |_, body| {
            found.push(body.to_vec());
            Ok(())
        })
        .unwrap();
        found
    }

    #[test]
    fn whole_records_come_back_from_wherever_it_was_cut_or_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let bodies: [&[u8]; 4] = [b"one", b"", b"three three", &[0; 40]];
        let mut ends = Vec::new();
        let mut journal = Journal::open(&path, &"s", |_, _| Ok(())).unwrap();
        for body in bodies {
            journal.append(body).unwrap();
            ends.push(journal.end as usize);
        }
        drop(journal);
        let bytes = std::fs::read(&path).unwrap();
        for at in 0..=bytes.len() {
            std::fs::write(&path, &bytes[..at]).unwrap();
            let whole = ends.iter().filter(|end| **end <= at).count();
            assert_eq!(records(&path, "s"), bodies[..whole], "cut at {at}");
            // What comes next stands behind the last whole one.
            Journal::open(&path, &"s", |_, _| Ok(())).unwrap().append(b"more").unwrap();
            assert_eq!(records(&path, "s").last().unwrap(), b"more", "cut at {at}");
            if at < bytes.len() {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1;
                std::fs::write(&path, &flipped).unwrap();
                let whole = ends.iter().filter(|end| **end <= at).count();
                assert_eq!(records(&path, "s"), bodies[..whole], "flipped at {at}");
            }
        }
    }

    #[test]
    fn another_subject_begins_anew_and_a_second_process_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal");
        let mut journal = Journal::open(&path, &"a", |_, _| Ok(())).unwrap();
        journal.append(b"x").unwrap();
        let second = Journal::open(&path, &"a", |_, _| Ok(())).unwrap_err().to_string();
        assert!(second.contains("another process"), "{second}");
        let mut seen = Vec::new();
        let each = |body: &[u8]| {
            seen.push(body.to_vec());
            Ok(())
        };
        journal.each(each).unwrap();
        assert_eq!(seen, [b"x"]);
        journal.append(b"y").unwrap();
        drop(journal);
        assert_eq!(records(&path, "a"), [b"x", b"y"]);
        assert!(records(&path, "b").is_empty() && records(&path, "a").is_empty());
    }
}
