//! Where the data of a run comes from: a bundled pack by name, generated scenes, or a folder.

use mtls_lab::data::{Corpus, Pack, PackFolder, PackOptions, ShapesOptions, read_folder, shapes};
use mtls_lab::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

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
    /// A folder in the imagefolder convention.
    Folder {
        /// Its absolute path.
        path: PathBuf,
    },
}

impl Source {
    /// `emoji` and `emoji-4` are the pack with all concepts, `emoji-1k` its first part; `clipart` is another; `shapes`, `shapes:ITEMS` and
    /// `shapes:ITEMS:SEED` are generated; anything else is a folder.
    pub fn parse(name: &str, views: &[String]) -> Result<Self> {
        let views = views.to_vec();
        match name {
            "emoji" | "emoji-4" => Ok(Self::Pack { pack: emoji(), subset: "emoji-4".into(), views }),
            "emoji-1k" => Ok(Self::Pack { pack: emoji(), subset: "emoji-1k".into(), views }),
            "clipart" => Ok(Self::Pack { pack: "clipart".into(), subset: "clipart".into(), views }),
            _ if !views.is_empty() => Err(Error::Config("--views chooses styles of a pack with several".into())),
            name if name == "shapes" || name.starts_with("shapes:") => Ok(Self::Shapes(shapes_options(name)?)),
            path => {
                let path = PathBuf::from(path);
                if !path.is_dir() {
                    return Err(Error::Config(format!(
                        "--data {}: no such folder, and no such data set; there are emoji (all styles), emoji-1k, clipart and shapes",
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
            Self::Pack { pack, subset, views } => {
                let folder = PackFolder::find(pack)?;
                let names: Vec<_> = folder.manifest().parts.iter().map(|part| part.name.clone()).collect();
                let names = names.iter().filter(|name| !ENCODER.contains(&name.as_str()));
                folder.load(names)?.corpus(&PackOptions { subset: subset.clone(), views: views.clone() })
            }
            Self::Shapes(options) => shapes(*options),
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
