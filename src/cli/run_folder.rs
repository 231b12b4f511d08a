//! A run on disk: a folder with `run.safetensors` (the snapshot), `source.json` (where its data is), `data.safetensors` (what
//! was read of one's own) and `report.json`, or an experiment.
//!
//! At every moment the folder says how to go on. While `begun.json` is there, the run has no first snapshot yet (a snapshot
//! beside it is of the run before) and begins again from what it names; what was read until then is in `pictures.journal`.

use super::source::Source;
use mtls_lab::config::Config;
use mtls_lab::data::{Corpus, prepared};
use mtls_lab::error::{Error, Result};
use mtls_lab::experiment::{Experiment, Origin};
use mtls_lab::tensor::Device;
use mtls_lab::train::Session;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::rc::Rc;

const SNAPSHOT: &str = "run.safetensors";
const SOURCE: &str = "source.json";
const REPORT: &str = "report.json";
const DATA: &str = "data.safetensors";
const BEGUN: &str = "begun.json";
const JOURNAL: &str = "pictures.journal";
const TWIN: &str = "twin.safetensors";

/// A run without its first snapshot: what it is made from.
#[derive(Serialize, Deserialize)]
pub struct Begun {
    /// The data.
    pub source: Source,
    /// The configuration.
    pub config: Config,
}

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
    /// The run in `path` that has no snapshot yet, if there is one.
    pub fn begun(path: &Path) -> Result<Option<Begun>> {
        let file = path.join(BEGUN);
        match std::fs::read(&file) {
            Ok(json) => Ok(Some(serde_json::from_slice(&json).map_err(|e| Error::format(BEGUN, e.to_string()))?)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(&file, e)),
        }
    }

    /// Begins a run in `path`, or begins it again: reads its data and makes its first snapshot. A run that is there is
    /// replaced at the end, not before.
    pub async fn begin(path: &Path, mut begun: Begun) -> Result<(Self, Session)> {
        std::fs::create_dir_all(path).map_err(|e| Error::io(path, e))?;
        let folder = Self { path: path.to_owned(), packed: None };
        if path.join(SNAPSHOT).exists() && !path.join(BEGUN).exists() {
            eprintln!("the run in {} is replaced; --resume would have gone on with it", path.display());
        }
        folder.write_json(BEGUN, &begun)?;
        let journal = path.join(JOURNAL);
        let corpus = begun.source.clone().located(path).open_by(Some(&journal))?;
        if matches!(begun.source, Source::Folder { .. }) {
            let part = path.join(format!("{DATA}.part"));
            prepared::write_file(&corpus, &part)?;
            std::fs::rename(&part, path.join(DATA)).map_err(|e| Error::io(&part, e))?;
            // From here on the pictures themselves are not needed.
            begun.source = Source::Data { path: DATA.into() };
            folder.write_json(BEGUN, &begun)?;
        }
        folder.remove(JOURNAL)?;
        let session = Session::new(Rc::new(corpus), begun.config, None, Device::Cpu)?;
        folder.write_json(SOURCE, &begun.source)?;
        folder.remove(TWIN)?;
        folder.save(&session.snapshot().await?)?;
        folder.remove(BEGUN)?;
        Ok((folder, session))
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
        let source = source.located(&self.path);
        let corpus: Rc<Corpus> = Rc::new(source.open()?);
        Ok((Session::resume(corpus, &self.snapshot()?, None, device)?, source))
    }

    /// A folder with the run of an experiment, and its data where it brings them.
    pub fn unpack(experiment: &Path, path: &Path) -> Result<Self> {
        let file = Self::open(experiment)?;
        // Read once before anything is written: what cannot go on is not unpacked either.
        let (_, source) = file.session(Device::Cpu)?;
        let Some(packed) = file.packed else {
            let problem = "is a folder; go on with it by --out and --resume";
            return Err(Error::format(experiment.display().to_string(), problem));
        };
        if path.join(SNAPSHOT).exists() {
            let problem = "there is a run here already; give another folder with --out";
            return Err(Error::format(path.display().to_string(), problem));
        }
        std::fs::create_dir_all(path).map_err(|e| Error::io(path, e))?;
        let folder = Self { path: path.to_owned(), packed: None };
        let source = match packed.data {
            Some(data) => {
                folder.write(DATA, &data)?;
                Source::Data { path: DATA.into() }
            }
            None => source,
        };
        folder.write_json(SOURCE, &source)?;
        folder.save(&packed.snapshot)?;
        Ok(folder)
    }

    /// Bytes of the snapshot.
    pub fn snapshot(&self) -> Result<Vec<u8>> {
        if let Some(packed) = &self.packed {
            return Ok(packed.snapshot.clone());
        }
        let path = self.path.join(SNAPSHOT);
        std::fs::read(&path).map_err(|e| Error::io(&path, e))
    }

    /// Replaces the snapshot.
    pub fn save(&self, snapshot: &[u8]) -> Result<()> {
        self.write(SNAPSHOT, snapshot)
    }

    /// Bytes of the twin's snapshot, where the twin was cut off.
    pub fn twin(&self) -> Option<Vec<u8>> {
        std::fs::read(self.path.join(TWIN)).ok()
    }

    /// Replaces the twin's snapshot.
    pub fn save_twin(&self, snapshot: &[u8]) -> Result<()> {
        self.write(TWIN, snapshot)
    }

    /// Writes the report, with which the twin has served.
    pub fn report(&self, json: &str) -> Result<()> {
        self.write(REPORT, json.as_bytes())?;
        self.remove(TWIN)
    }

    fn write_json(&self, name: &str, value: &impl Serialize) -> Result<()> {
        let json = serde_json::to_string_pretty(value).map_err(|e| Error::format(name, e.to_string()))?;
        self.write(name, json.as_bytes())
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        match std::fs::remove_file(&path) {
            Err(e) if e.kind() != ErrorKind::NotFound => Err(Error::io(&path, e)),
            _ => Ok(()),
        }
    }

    /// Through a temporary name, so that a run that is cut off leaves the old file whole.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let (path, part) = (self.path.join(name), self.path.join(format!("{name}.part")));
        std::fs::write(&part, bytes).map_err(|e| Error::io(&part, e))?;
        std::fs::rename(&part, &path).map_err(|e| Error::io(&path, e))
    }
}
