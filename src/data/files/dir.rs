//! A folder on disk.

use super::{FileEntry, Files, Listing, limited};
use crate::error::{Error, Result};
use std::fs;
use std::path::{Path, PathBuf};

/// All files below a folder, by path.
pub struct Dir {
    root: PathBuf,
    listing: Listing,
}

impl Dir {
    /// Lists `dir`.
    ///
    /// # Errors
    /// It is no folder, cannot be read, or holds too many files.
    pub fn open(dir: &Path) -> Result<Self> {
        let root = dir.canonicalize().map_err(|e| Error::io(dir, e))?;
        let mut listing = Listing::default();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).map_err(|e| Error::io(&folder, e))? {
                let entry = entry.map_err(|e| Error::io(&folder, e))?;
                let path = entry.path();
                let kind = entry.file_type().map_err(|e| Error::io(&path, e))?;
                let name = path.strip_prefix(&root).unwrap_or(&path).to_string_lossy().into_owned();
                if kind.is_dir() {
                    folders.push(path);
                } else if let Ok(about) = fs::metadata(&path)
                    && about.is_file()
                {
                    listing.add(&dir.display().to_string(), &name, about.len())?;
                }
            }
        }
        listing.files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Self { root, listing })
    }
}

impl Files for Dir {
    fn list(&self) -> &[FileEntry] {
        &self.listing.files
    }

    fn left_out(&self) -> &[(String, String)] {
        &self.listing.left_out
    }

    fn read(&mut self, index: usize) -> std::result::Result<Vec<u8>, String> {
        let entry = self.listing.files.get(index).ok_or("the file is missing")?;
        let sentence = |e: std::io::Error| format!("cannot be read: {e}");
        let path = self.root.join(&entry.path).canonicalize().map_err(sentence)?;
        // A link inside the folder may lead out of it.
        if !path.starts_with(&self.root) {
            return Err("leads out of the folder; copy the picture into it".into());
        }
        limited(fs::File::open(&path).map_err(sentence)?, entry.bytes)
    }
}
