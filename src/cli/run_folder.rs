//! A run on disk: `run.safetensors` (the snapshot), `source.json` (its data) and `report.json`.

use super::source::Source;
use burn::tensor::Device;
use mtls_lab::data::Corpus;
use mtls_lab::error::{Error, Result};
use mtls_lab::train::Session;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const SNAPSHOT: &str = "run.safetensors";
const SOURCE: &str = "source.json";
const REPORT: &str = "report.json";

/// A folder that holds a run.
pub struct RunFolder {
    path: PathBuf,
}

impl RunFolder {
    /// Creates the folder.
    pub fn create(path: &Path, source: &Source) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|e| Error::io(path, e))?;
        let folder = Self { path: path.to_owned() };
        let json = serde_json::to_string_pretty(source).map_err(|e| Error::format(SOURCE, e.to_string()))?;
        folder.write(SOURCE, json.as_bytes())?;
        Ok(folder)
    }

    /// A folder written before.
    pub fn open(path: &Path) -> Result<Self> {
        if path.join(SNAPSHOT).is_file() {
            return Ok(Self { path: path.to_owned() });
        }
        Err(Error::format(
            path.display().to_string(),
            format!("there is no run here ({SNAPSHOT} is missing); make one with mtls-lab train --out"),
        ))
    }

    /// The run on `device`, with its data read again from where it came.
    pub fn session(&self, device: Device) -> Result<(Session, Source)> {
        let path = self.path.join(SOURCE);
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        let source: Source = serde_json::from_str(&text).map_err(|e| Error::format(SOURCE, e.to_string()))?;
        let corpus: Rc<Corpus> = Rc::new(source.open()?);
        Ok((Session::resume(corpus, &self.snapshot()?, None, device)?, source))
    }

    /// Bytes of the snapshot.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        let path = self.path.join(SNAPSHOT);
        std::fs::read(&path).map_err(|e| Error::io(&path, e))
    }

    /// Replaces the snapshot.
    pub fn save(&self, snapshot: &[u8]) -> Result<()> {
        self.write(SNAPSHOT, snapshot)
    }

    /// Writes the report.
    pub fn report(&self, json: &str) -> Result<()> {
        self.write(REPORT, json.as_bytes())
    }

    /// Through a temporary name, so that a run that is cut off leaves the old file whole.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, part) = (self.path.join(name), self.path.join(format!("{name}.part")));
        std::fs::write(&part, bytes).map_err(|e| Error::io(&part, e))?;
        std::fs::rename(&part, &path).map_err(|e| Error::io(&path, e))
    }
}
