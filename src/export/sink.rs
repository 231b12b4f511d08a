//! Where an export goes.

use crate::error::{Error, Result};
use std::io::{self, Cursor, Seek, Write};
use std::path::{Path, PathBuf};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// What writes the bytes of a file.
pub type Body<'a> = &'a mut dyn FnMut(&mut dyn Write) -> io::Result<()>;

/// Takes files by name; a name may have folders in it, with `/` between them.
pub trait Sink {
    /// One file.
    fn file(&mut self, name: &str, body: Body) -> Result<()>;
}

/// Keeps the files in memory.
#[derive(Debug, Default)]
pub struct Memory(pub Vec<(String, Vec<u8>)>);

impl Sink for Memory {
    fn file(&mut self, name: &str, body: Body) -> Result<()> {
        let mut bytes = Vec::new();
        body(&mut bytes).map_err(|error| Error::io(name, error))?;
        self.0.push((name.to_owned(), bytes));
        Ok(())
    }
}

/// Writes into a folder, each file through a temporary name, so that what is cut off leaves no half file.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The files written, with their bytes.
    pub written: Vec<(String, u64)>,
}

impl Folder {
    /// Creates the folder where there is none.
    pub fn create(path: &Path) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|error| Error::io(path, error))?;
        Ok(Self { path: path.to_owned(), written: Vec::new() })
    }
}

impl Sink for Folder {
    fn file(&mut self, name: &str, body: Body) -> Result<()> {
        let path = self.path.join(name);
        let part = self.path.join(format!("{name}.part"));
        let failed = |error| Error::io(&path, error);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let mut file = io::BufWriter::new(std::fs::File::create(&part).map_err(failed)?);
        body(&mut file).and_then(|()| file.into_inner()?.sync_all()).map_err(failed)?;
        std::fs::rename(&part, &path).map_err(failed)?;
        let bytes = std::fs::metadata(&path).map_err(failed)?.len();
        self.written.push((name.to_owned(), bytes));
        Ok(())
    }
}

/// A zip of stored files: pictures and embeddings do not get smaller.
pub struct Zip<W: Write + Seek = Cursor<Vec<u8>>>(ZipWriter<W>);

impl Default for Zip {
    fn default() -> Self {
        Self::new(Cursor::new(Vec::new()))
    }
}

impl<W: Write + Seek> Zip<W> {
    /// Into `to`.
    pub fn new(to: W) -> Self {
        Self(ZipWriter::new(to))
    }

    /// One file of at most `most` bytes, deflated where it `shrinks`.
    pub fn add(&mut self, name: &str, shrinks: bool, most: u64, body: Body) -> Result<()> {
        let method = if shrinks { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        // Files of 4 GiB and more need wider fields; the others stay readable for older programs.
        let options = SimpleFileOptions::default().compression_method(method).large_file(most > u64::from(u32::MAX));
        let started = self.0.start_file(name, options).map_err(io::Error::from);
        started.and_then(|()| body(&mut self.0)).map_err(|error| Error::io(name, error))
    }

    /// The rest of the zip, and where it went.
    pub fn finish(self) -> Result<W> {
        self.0.finish().map_err(|error| Error::io("zip", error.into()))
    }
}

impl Sink for Zip {
    fn file(&mut self, name: &str, body: Body) -> Result<()> {
        self.add(name, false, 0, body)
    }
}
