//! A run on disk: a folder with `run.safetensors` (the snapshot), `source.json` (its data) and `report.json`, or an
//! experiment.

use super::source::Source;
use burn::tensor::Device;
use mtls_lab::data::{Corpus, prepared};
use mtls_lab::error::{Error, Result};
use mtls_lab::experiment::{Experiment, Origin};
use mtls_lab::train::Session;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const SNAPSHOT: &str = "run.safetensors";
const SOURCE: &str = "source.json";
const REPORT: &str = "report.json";
const DATA: &str = "data.safetensors";

/// A corpus with where it came from.
fn read(source: Source) -> Result<(Corpus, Source)> {
    Ok((source.open()?, source))
}

/// A run on disk.
pub struct RunFolder {
    path: PathBuf,
    /// An experiment, which is read and not written to.
    packed: Option<Experiment>,
}

impl RunFolder {
    /// Creates the folder.
    pub fn create(path: &Path, source: &Source) -> Result<Self> {
        std::fs::create_dir_all(path).map_err(|e| Error::io(path, e))?;
        let folder = Self { path: path.to_owned(), packed: None };
        let json = serde_json::to_string_pretty(source).map_err(|e| Error::format(SOURCE, e.to_string()))?;
        folder.write(SOURCE, json.as_bytes())?;
        Ok(folder)
    }

    /// A folder or an experiment written before.
    pub fn open(path: &Path) -> Result<Self> {
        if path.is_file() {
            let file = std::fs::File::open(path).map_err(|e| Error::io(path, e))?;
            let packed = Experiment::read(&path.display().to_string(), std::io::BufReader::new(file))?;
            let path = std::path::absolute(path).map_err(|e| Error::io(path, e))?;
            return Ok(Self { path, packed: Some(packed) });
        }
        if path.join(SNAPSHOT).is_file() {
            return Ok(Self { path: path.to_owned(), packed: None });
        }
        Err(Error::format(
            path.display().to_string(),
            format!(
                "there is no run here ({SNAPSHOT} is missing); make one with mtls-lab train --out, or give an experiment (.mtls)"
            ),
        ))
    }

    /// The run on `device`, with its data read again from where it came.
    pub fn session(&self, device: Device) -> Result<(Session, Source)> {
        if let Some(packed) = &self.packed {
            let (corpus, source) = match (&packed.data, packed.header.origin.clone()) {
                (Some(data), _) => (prepared::read(data)?, Source::Data { path: self.path.clone() }),
                (None, Origin::Own) => {
                    let problem =
                        format!("was written without its data ({}); export it with them", packed.header.corpus);
                    return Err(Error::format(self.path.display().to_string(), problem));
                }
                (None, Origin::Pack { pack, subset, views }) => read(Source::Pack { pack, subset, views })?,
                (None, Origin::Shapes(options)) => read(Source::Shapes(options))?,
            };
            return Ok((Session::resume(Rc::new(corpus), &packed.snapshot, None, device)?, source));
        }
        let path = self.path.join(SOURCE);
        let text = std::fs::read_to_string(&path).map_err(|e| Error::io(&path, e))?;
        let source: Source = serde_json::from_str(&text).map_err(|e| Error::format(SOURCE, e.to_string()))?;
        let corpus: Rc<Corpus> = Rc::new(source.open()?);
        Ok((Session::resume(corpus, &self.snapshot()?, None, device)?, source))
    }

    /// A folder with the run of an experiment, and its data where it brings them.
    pub fn unpack(experiment: &Path, path: &Path) -> Result<Self> {
        let file = Self::open(experiment)?;
        // Read once before anything is written: what cannot go on is not unpacked either.
        let (_, source) = file.session(Device::flex())?;
        let Some(packed) = file.packed else {
            let problem = "is a folder; go on with it by --out and --resume";
            return Err(Error::format(experiment.display().to_string(), problem));
        };
        if path.join(SNAPSHOT).exists() {
            let problem = "there is a run here already; give another folder with --out";
            return Err(Error::format(path.display().to_string(), problem));
        }
        std::fs::create_dir_all(path).map_err(|e| Error::io(path, e))?;
        let source = match packed.data {
            Some(data) => {
                Self { path: path.to_owned(), packed: None }.write(DATA, &data)?;
                let path = path.join(DATA);
                Source::Data { path: std::path::absolute(&path).map_err(|e| Error::io(&path, e))? }
            }
            None => source,
        };
        let folder = Self::create(path, &source)?;
        folder.save(&packed.snapshot)?;
        Ok(folder)
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
