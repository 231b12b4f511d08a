//! Where the data of a run comes from: a bundled pack by name, or a folder.

use mtls_lab::data::{Corpus, Pack, PackFolder, PackOptions, read_folder};
use mtls_lab::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Parts that only a new picture needs.
const ENCODER: [&str; 2] = ["encoder", "pca"];

/// Source of a corpus, as it is kept beside a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The bundled pack.
    Pack {
        /// `emoji-4` or `emoji-1k`.
        subset: String,
        /// Drawing styles; empty: all.
        #[serde(default)]
        views: Vec<String>,
    },
    /// A folder in the imagefolder convention.
    Folder {
        /// Its absolute path.
        path: PathBuf,
    },
}

impl Source {
    /// `emoji` and `emoji-4` are the pack with all concepts, `emoji-1k` its first part; anything else is a folder.
    pub fn parse(name: &str, views: &[String]) -> Result<Self> {
        let views = views.to_vec();
        match name {
            "emoji" | "emoji-4" => Ok(Self::Pack { subset: "emoji-4".into(), views }),
            "emoji-1k" => Ok(Self::Pack { subset: "emoji-1k".into(), views }),
            _ if !views.is_empty() => Err(Error::Config("--views chooses styles of a pack; a folder has none".into())),
            path => {
                let path = PathBuf::from(path);
                if !path.is_dir() {
                    return Err(Error::Config(format!(
                        "--data {}: no such folder, and no such pack; packs are emoji (all styles) and emoji-1k",
                        path.display()
                    )));
                }
                Ok(Self::Folder { path: std::path::absolute(&path).map_err(|e| Error::io(&path, e))? })
            }
        }
    }

    /// Reads the corpus; rows that cannot be used are printed, each with its reason.
    pub fn open(&self) -> Result<Corpus> {
        match self {
            Self::Pack { subset, views } => {
                let folder = PackFolder::find("emoji")?;
                let names: Vec<_> = folder.manifest().parts.iter().map(|part| part.name.clone()).collect();
                let names = names.iter().filter(|name| !ENCODER.contains(&name.as_str()));
                folder.load(names)?.corpus(&PackOptions { subset: subset.clone(), views: views.clone() })
            }
            Self::Folder { path } => {
                let corpus = read_folder(path)?;
                for p in &corpus.problems {
                    eprintln!("row {}{}{}: {}", p.row, if p.file.is_empty() { "" } else { " " }, p.file, p.problem);
                }
                if !corpus.problems.is_empty() {
                    eprintln!("{} rows left out, {} items used", corpus.problems.len(), corpus.len());
                }
                Ok(corpus)
            }
        }
    }

    /// The bundled pack with what a new picture needs: the encoder and its projection.
    pub fn encoder(&self) -> Result<Pack> {
        PackFolder::find("emoji")?.load(ENCODER)
    }
}
