//! A run as files that other programs read: `docs/formats.md` specifies each of them.
//!
//! | choice | files |
//! |---|---|
//! | weights | `weights.safetensors`: towers and everything fitted that a new text or feature row needs |
//! | features | `features.safetensors`: the raw features of all items |
//! | embeddings | `embeddings.npz` |
//! | tsv | `vectors.tsv`, `metadata.tsv`, `projector_config.pbtxt` for the TensorBoard projector |
//! | jsonl, parquet | `vectors.jsonl`, `vectors.parquet`: a row a vector, in shards where there are many |
//! | metrics | `metrics.csv`, `metrics.json` |
//! | page | `page/`: a search page for any static host |
//! | experiment | `experiment.mtls`: everything, to go on from ([`crate::experiment`]) |
//!
//! Writers know a [`Sink`], not a file system: the page keeps the bytes, the command line writes them to a folder.

mod metrics;
pub mod npz;
mod page;
#[cfg(feature = "cli")]
pub mod parquet;
mod sink;
mod table;
mod tensors;
mod text;

pub use page::{PageFiles, sheets};
pub use sink::{Body, Folder, Memory, Sink, Zip};
pub use table::{Row, Table};
pub use text::{jsonl, line, tsv};

use crate::error::{Error, Result};
use crate::experiment::{self, Attached};
use crate::lab::Lab;
use serde::{Deserialize, Serialize};
use std::str::FromStr;

/// Where other programs find what wrote the file.
pub const EXPORT_VERSION: u32 = 1;

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Towers, centring and text features.
    Weights,
    /// Raw features of all items.
    Features,
    /// Embeddings and texts for numpy.
    Embeddings,
    /// The TensorBoard projector.
    Tsv,
    /// A row a vector, as JSON lines.
    Jsonl,
    /// A row a vector, as Parquet (command line only).
    Parquet,
    /// Metrics over time.
    Metrics,
    /// The search page.
    Page,
    /// The run with all that it needs to go on elsewhere.
    Experiment,
}

impl Choice {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 9] = [
        Self::Weights,
        Self::Features,
        Self::Embeddings,
        Self::Tsv,
        Self::Jsonl,
        Self::Parquet,
        Self::Metrics,
        Self::Page,
        Self::Experiment,
    ];

    /// As it is written on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Features => "features",
            Self::Embeddings => "embeddings",
            Self::Tsv => "tsv",
            Self::Jsonl => "jsonl",
            Self::Parquet => "parquet",
            Self::Metrics => "metrics",
            Self::Page => "page",
            Self::Experiment => "experiment",
        }
    }
}

impl FromStr for Choice {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|choice| choice.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|choice| choice.name()).collect();
            Error::Config(format!("there is no export {name}; choose {}", names.join(", ")))
        })
    }
}

/// How it is exported.
#[derive(Debug, Clone)]
pub struct Options {
    /// Most rows of one JSONL or Parquet file.
    pub shard_rows: usize,
    /// The sheets of pictures of the search page as JPEG files, in the order of [`sheets`]; encoded here where empty.
    pub sheets: Vec<Vec<u8>>,
    /// The files that every search page has; those of the command line where there are none.
    pub page: Option<PageFiles>,
    /// What an experiment is written with.
    pub experiment: Option<Attached>,
}

impl Default for Options {
    fn default() -> Self {
        Self { shard_rows: 100_000, sheets: Vec::new(), page: None, experiment: None }
    }
}

/// Writes one export of the run as it is now.
///
/// # Errors
/// A device that fails, a sink that cannot write, or Parquet in a build without the command line.
pub async fn export(lab: &mut Lab, choice: Choice, options: &Options, sink: &mut dyn Sink) -> Result<()> {
    match choice {
        Choice::Weights => tensors::weights(lab.session(), sink).await,
        Choice::Features => tensors::features(lab.session(), sink),
        Choice::Embeddings => npz::write(&Table::of(lab).await?, "embeddings.npz", sink),
        Choice::Tsv => tsv(&Table::of(lab).await?, sink),
        Choice::Jsonl => jsonl(&Table::of(lab).await?, "vectors", options.shard_rows, sink),
        #[cfg(feature = "cli")]
        Choice::Parquet => parquet::write(&Table::of(lab).await?, "vectors", options.shard_rows, sink),
        #[cfg(not(feature = "cli"))]
        Choice::Parquet => Err(Error::Config("Parquet is written by the command line: mtls-lab export".to_owned())),
        Choice::Metrics => metrics::write(lab.session(), sink),
        Choice::Page => page::write(lab, &options.sheets, options.page.as_ref(), sink).await,
        Choice::Experiment => {
            let attached = options.experiment.as_ref();
            let attached =
                attached.ok_or_else(|| Error::Config("an experiment has to say where its data comes from".into()))?;
            let bytes = experiment::write(lab, attached).await?;
            sink.file("experiment.mtls", &mut |to| to.write_all(&bytes))
        }
    }
}

/// About how many bytes each export takes; for a choice, not for a promise.
pub fn sizes(lab: &Lab) -> Vec<(Choice, u64)> {
    let session = lab.session();
    let (inputs, n) = (session.inputs(), session.corpus().len() as u64);
    let (d, d_x, d_y) = (session.config().model.dim as u64, inputs.image_dim() as u64, inputs.text_dim() as u64);
    let texts: u64 = session.query_texts().map_or(0, |t| t.iter().map(|t| t.len() as u64).sum());
    let captions: u64 = session.corpus().items.iter().flat_map(|i| &i.captions).map(|c| c.len() as u64).sum();
    let basis = inputs.text_features().used_buckets() as u64;
    let parameters = session.weights().parameters() as u64;
    let metrics = 800 * session.history().len() as u64;
    let size = |choice| match choice {
        Choice::Weights => 4 * (parameters + basis * (d_y + 2) + d_x + d_y) + 16_000,
        Choice::Features => 4 * n * (d_x * session.corpus().views.len() as u64 + d_y),
        Choice::Embeddings => 8 * n * d + texts + captions / 2,
        Choice::Tsv => 23 * n * d + 2 * texts,
        Choice::Jsonl => 24 * n * d + 2 * texts + 200 * n,
        Choice::Parquet => 8 * n * d + 2 * texts,
        Choice::Metrics => metrics,
        // Weights and two moments; the history once more in the snapshot. Own data comes on top.
        Choice::Experiment => 12 * parameters + 8 * n * d + texts + 2 * metrics,
        // A thumbnail as JPEG takes about a third of a byte a pixel.
        Choice::Page => {
            let tile = session.corpus().views[session.partition().test_view].tiles.size as u64;
            2 * n * d + basis * d_y + 4 * parameters / 2 + n * tile * tile / 3 + texts + captions
        }
    };
    Choice::ALL.into_iter().map(|choice| (choice, size(choice))).collect()
}
