//! `mtls-lab export RUN --out DIR --what weights,embeddings,page`: a run as files for other programs.

use super::DeviceArguments;
use super::run_folder::RunFolder;
use clap::Args;
use mtls_lab::device;
use mtls_lab::error::Result;
use mtls_lab::experiment::{Attached, Origin};
use mtls_lab::export::{Choice, Folder, Options, export};
use mtls_lab::lab::Lab;
use std::path::PathBuf;

#[derive(Args)]
pub struct ExportArguments {
    /// Folder written by `train --out`, or an experiment (.mtls).
    run: PathBuf,
    /// Folder for the files; those of the same name are replaced.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Any of weights, features, embeddings, tsv, jsonl, parquet, metrics, page, experiment.
    #[arg(long, value_delimiter = ',', default_value = "weights,embeddings,metrics")]
    what: Vec<String>,
    /// Most rows of one JSONL or Parquet file.
    #[arg(long, value_name = "N", default_value_t = Options::default().shard_rows)]
    shard_rows: usize,
    /// Whether an experiment holds its data: auto (what is not bundled), always or never.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    data: WithData,
    #[command(flatten)]
    device: DeviceArguments,
}

/// Whether an experiment holds its data.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum WithData {
    Auto,
    Always,
    Never,
}

pub async fn run(arguments: ExportArguments) -> Result<()> {
    // Before the run is read: a wrong name should not cost a minute.
    let what = arguments.what.iter().map(|name| name.parse()).collect::<Result<Vec<Choice>>>()?;
    let opened = device::open(arguments.device.device, &Default::default()).await?;
    let (session, source) = RunFolder::open(&arguments.run)?.session(opened.device)?;
    let mut lab = Lab::new(session)?;
    let mut folder = Folder::create(&arguments.out)?;
    let origin = source.origin();
    let data = arguments.data == WithData::Always || arguments.data == WithData::Auto && origin == Origin::Own;
    let experiment = Some(Attached { origin, data, page: None });
    let options = Options { shard_rows: arguments.shard_rows, experiment, ..Default::default() };
    for choice in what {
        export(&mut lab, choice, &options, &mut folder).await?;
    }
    for (name, bytes) in &folder.written {
        println!("{bytes:>12}  {name}");
    }
    Ok(())
}
