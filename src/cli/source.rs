//! Where the data of a run comes from: a bundled pack by name, generated scenes, or files of one's own.

use super::reading;
use mtls_lab::data::check::{Check, Plan};
use mtls_lab::data::import::Import;
use mtls_lab::data::{Corpus, Pack, PackFolder, PackOptions, ShapesOptions, prepared, shapes};
use mtls_lab::error::{Error, Result};
use mtls_lab::experiment::{Experiment, Origin};
use mtls_lab::features::encoder::Encoder;
use mtls_lab::tensor::Device;
use serde::{Deserialize, Serialize};
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// Parts that only a new picture needs.
const ENCODER: [&str; 2] = ["encoder", "pca"];

/// Source of a corpus, as it is kept beside a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A bundled pack.
    Pack {
        /// `emoji` or `clipart`.
        #[serde(default = "emoji")]
        pack: String,
        /// `emoji-4`, `emoji-1k` or `clipart`.
        subset: String,
        /// Drawing styles; empty: all.
        #[serde(default)]
        views: Vec<String>,
    },
    /// Generated scenes.
    Shapes(ShapesOptions),
    /// A folder, a zip or a tar of pictures with captions.
    Folder {
        /// Its absolute path.
        path: PathBuf,
        /// Pictures go through the pretrained encoder.
        #[serde(default)]
        encoder: bool,
    },
    /// Own data as it was read before: a data file, or the data in an experiment.
    Data {
        /// Its absolute path, or its name in the folder of the run.
        path: PathBuf,
    },
}

impl Source {
    /// `emoji` and `emoji-4` are the pack with all concepts, `emoji-1k` its first part; `clipart` is another; `shapes`, `shapes:ITEMS` and
    /// `shapes:ITEMS:SEED` are generated; anything else is a folder, a zip or a tar.
    pub fn parse(name: &str, views: &[String], encoder: bool) -> Result<Self> {
        let views = views.to_vec();
        let bundled =
            matches!(name, "emoji" | "emoji-4" | "emoji-1k" | "clipart" | "shapes") || name.starts_with("shapes:");
        match name {
            _ if encoder && bundled => Err(Error::Config(
                "--encoder is for files of one's own; packs have been through it, shapes need none".into(),
            )),
            "emoji" | "emoji-4" => Ok(Self::Pack { pack: emoji(), subset: "emoji-4".into(), views }),
            "emoji-1k" => Ok(Self::Pack { pack: emoji(), subset: "emoji-1k".into(), views }),
            "clipart" => Ok(Self::Pack { pack: "clipart".into(), subset: "clipart".into(), views }),
            _ if !views.is_empty() => Err(Error::Config("--views chooses styles of a pack with several".into())),
            name if name == "shapes" || name.starts_with("shapes:") => Ok(Self::Shapes(shapes_options(name)?)),
            path => {
                let path = PathBuf::from(path);
                if !path.exists() {
                    return Err(Error::Config(format!(
                        "--data {}: no such folder or file, and no such data set; there are emoji (all styles), emoji-1k, clipart and shapes",
                        path.display()
                    )));
                }
                let path = std::path::absolute(&path).map_err(|e| Error::io(&path, e))?;
                let read_before = path.extension().is_some_and(|end| end == "mtls" || end == "safetensors");
                match (read_before, encoder) {
                    (true, true) => Err(Error::Config(format!(
                        "--encoder: the pictures of {name} were seen already, with or without it"
                    ))),
                    (true, false) => Ok(Self::Data { path }),
                    _ => Ok(Self::Folder { path, encoder }),
                }
            }
        }
    }

    /// Reads the corpus; rows that cannot be used are printed, each with its reason.
    pub fn open(&self) -> Result<Corpus> {
        self.open_by(None)
    }

    /// The same; what is read of one's own pictures is kept in `journal`, and what stands there is not read again.
    pub fn open_by(&self, journal: Option<&Path>) -> Result<Corpus> {
        match self {
            Self::Pack { pack, subset, views } => {
                let folder = PackFolder::find(pack)?;
                let names: Vec<_> = folder.manifest().parts.iter().map(|part| part.name.clone()).collect();
                let names = names.iter().filter(|name| !ENCODER.contains(&name.as_str()));
                folder.load(names)?.corpus(&PackOptions { subset: subset.clone(), views: views.clone() })
            }
            Self::Shapes(options) => shapes(*options),
            Self::Data { path } => {
                let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
                if !bytes.starts_with(b"PK") {
                    return prepared::read(&bytes);
                }
                let name = path.display().to_string();
                let data = Experiment::read(&name, Cursor::new(bytes))?.data;
                prepared::read(&data.ok_or_else(|| {
                    Error::format(name, "was written without its data; give the data themselves with --data")
                })?)
            }
            Self::Folder { path, encoder } => {
                let corpus = self.read(path, *encoder, journal)?.into_corpus(&Plan::default())?;
                for p in &corpus.problems {
                    eprintln!("row {}{}{}: {}", p.row, if p.file.is_empty() { "" } else { " " }, p.file, p.problem);
                }
                if !corpus.problems.is_empty() {
                    eprintln!("{} problems, {} items used", corpus.problems.len(), corpus.len());
                }
                Ok(corpus)
            }
        }
    }

    /// With the path of a data file in the folder of a run made whole.
    pub fn located(self, folder: &Path) -> Self {
        match self {
            Self::Data { path } => Self::Data { path: folder.join(path) },
            other => other,
        }
    }

    /// Where the data comes from, in words that hold on every machine.
    pub fn origin(&self) -> Origin {
        match self.clone() {
            Self::Pack { pack, subset, views } => Origin::Pack { pack, subset, views },
            Self::Shapes(options) => Origin::Shapes(options),
            Self::Folder { .. } | Self::Data { .. } => Origin::Own,
        }
    }

    /// What is to be said about files of one's own.
    ///
    /// # Errors
    /// A bundled set, which needs no check; files that cannot be read at all.
    pub fn check(&self) -> Result<Check> {
        match self {
            Self::Folder { path, encoder } => Ok(self.read(path, *encoder, None)?.check(&Plan::default())),
            _ => Err(Error::Config("check looks at files of one's own; give a folder, a zip or a tar".into())),
        }
    }

    /// Reads all pictures, and goes on where `journal` ends.
    fn read(&self, path: &Path, encoder: bool, journal: Option<&Path>) -> Result<Import> {
        let weights = if encoder { Some(self.encoder()?) } else { None };
        let weights = weights.as_ref().and_then(Pack::encoder_part);
        let encoder = weights.map(|part| Encoder::from_part(part, &Device::Cpu)).transpose()?;
        reading::read(path, encoder.as_ref(), journal)
    }

    /// A bundled pack with what a new picture needs: the encoder and its projection.
    pub fn encoder(&self) -> Result<Pack> {
        let name = if let Self::Pack { pack, .. } = self { pack } else { "emoji" };
        PackFolder::find(name)?.load(ENCODER)
    }
}

/// The pack of sources written before there was another.
fn emoji() -> String {
    "emoji".into()
}

/// `shapes`, `shapes:5000` or `shapes:5000:7`.
fn shapes_options(name: &str) -> Result<ShapesOptions> {
    let mut options = ShapesOptions::default();
    let mut numbers = name.split(':').skip(1);
    let bad = || Error::Config(format!("--data {name}: write shapes, shapes:ITEMS or shapes:ITEMS:SEED"));
    if let Some(items) = numbers.next() {
        options.items = items.parse().map_err(|_| bad())?;
    }
    if let Some(seed) = numbers.next() {
        options.seed = seed.parse().map_err(|_| bad())?;
    }
    if numbers.next().is_some() { Err(bad()) } else { Ok(options) }
}
