//! `mtls-lab bench`: how long the reference step takes on each device, or any [`Job`].
//!
//! Towers 768 -> 512 -> 128 and 1000 -> 512 -> 128, batch 128, hardest-negative retrieval loss, Adam, f32: 1.05 M
//! parameters; and the same with both transfer terms.

use super::eval::json;
use clap::Args;
use mtls_lab::bench::{Job, Measured, Transfer, grouped, measure};
use mtls_lab::device::{self, Choice};
use mtls_lab::error::{Error, Result};
use mtls_lab::matrix::Matrix;
use mtls_lab::train::reference::Workload;
use safetensors::tensor::{Dtype, TensorView, serialize};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Args)]
pub struct BenchArguments {
    /// Timed runs of each job, after the warm-up.
    #[arg(long, default_value_t = 30)]
    repeat: usize,
    /// Items in a batch of the reference step.
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Measure this instead, e.g. '{"what":"search","rows":100000,"dim":128,"k":10}'; any number of times.
    #[arg(long = "job", value_name = "JSON")]
    jobs: Vec<String>,
    /// Also on the GPU (software adapters included).
    #[arg(long)]
    gpu: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    /// Write what the measurements begin with (weights, features, rows) into this folder instead of measuring, so that
    /// other programs can do the same.
    #[arg(long, value_name = "FOLDER")]
    inputs: Option<PathBuf>,
}

#[derive(Serialize)]
struct Row {
    device: String,
    #[serde(flatten)]
    measured: Measured,
    /// The most memory that the program has held so far, in MB; none where the system does not say.
    peak_mb: Option<f64>,
}

pub async fn run(arguments: BenchArguments) -> Result<()> {
    if let Some(folder) = &arguments.inputs {
        return write_inputs(folder);
    }
    let mut jobs = Vec::new();
    for text in &arguments.jobs {
        jobs.push(serde_json::from_str(text).map_err(|e| Error::Config(format!("--job {text}: {e}")))?);
    }
    if jobs.is_empty() {
        let step = |transfer| Job::Step { batch: arguments.batch, dim: 128, transfer };
        jobs.extend([Transfer::None, Transfer::Sampled].map(step));
    }
    let choices: &[Choice] = if arguments.gpu { &[Choice::Cpu, Choice::Gpu] } else { &[Choice::Cpu] };
    let mut rows = Vec::new();
    for choice in choices {
        let opened = device::open(*choice, &Workload::default()).await?;
        for job in &jobs {
            let measured = measure(*job, arguments.repeat, &opened.device).await?;
            rows.push(Row { device: opened.report.name.clone(), measured, peak_mb: peak_mb() });
        }
    }
    if arguments.json {
        println!("{}", json(&rows)?);
    } else {
        println!("{:<12} {:>10} {:>10} {:>6}  job", "device", "median ms", "p95 ms", "runs");
        for Row { device, measured, .. } in &rows {
            let Measured { job, median_ms, p95_ms, runs, .. } = measured;
            println!("{device:<12} {median_ms:>10.2} {p95_ms:>10.2} {runs:>6}  {}", json(job)?.replace('\n', ""));
        }
    }
    Ok(())
}

/// `step-128.safetensors`, `step-512.safetensors` (weights, `x`, `y`) and `rows.safetensors` (6,248 x 128).
fn write_inputs(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    for batch in [128, 512] {
        let (mut tables, x, y) = Workload::benchmark(batch, false).start();
        tables.extend([("x".to_owned(), x), ("y".to_owned(), y)]);
        write(&folder.join(format!("step-{batch}.safetensors")), tables)?;
    }
    write(&folder.join("rows.safetensors"), [("rows".to_owned(), grouped(6_248, 128, 0))].into())
}

fn write(file: &Path, tables: BTreeMap<String, Matrix>) -> Result<()> {
    let bytes: BTreeMap<String, (Vec<usize>, Vec<u8>)> = tables
        .into_iter()
        .map(|(name, m)| (name, (vec![m.rows, m.cols], m.data.iter().flat_map(|x| x.to_le_bytes()).collect())))
        .collect();
    let wrong = |e| Error::Data(format!("{}: {e}", file.display()));
    let views: std::result::Result<Vec<_>, _> = bytes
        .iter()
        .map(|(name, (shape, bytes))| TensorView::new(Dtype::F32, shape.clone(), bytes).map(|view| (name, view)))
        .collect();
    let whole = serialize(views.map_err(wrong)?, None).map_err(wrong)?;
    std::fs::write(file, whole).map_err(|e| Error::io(file, e))
}

/// Linux says it; others do not without a library.
fn peak_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().strip_suffix("kB")?.trim();
    kilobytes.parse::<f64>().ok().map(|kb| kb / 1e3)
}
