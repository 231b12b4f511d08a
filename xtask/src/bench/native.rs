//! The engine as a program of this machine.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::facts::Facts;
use super::jobs::{self, Repeated};
use crate::process::{run, text};
use crate::setup::Ready;

/// The command line without its GPU half, which nothing here asks for and which takes most of the compiling.
pub fn compile(ready: &Ready) -> Result<PathBuf> {
    eprintln!("bench: the native program, compiled in release first (nothing cached: 10 min)");
    run(ready.tool("cargo")?.args(["build", "--release", "--package", "mtls-lab", "--bin", "mtls-lab"]).args([
        "--no-default-features",
        "--features",
        "cli",
    ]))?;
    Ok(ready.workspace.target().join("release").join("mtls-lab"))
}

/// Writes what all measurements begin with.
pub fn inputs(ready: &Ready, program: &Path, folder: &Path) -> Result<()> {
    run(ready.tool(program)?.args(["bench", "--inputs"]).arg(folder))
}

/// Milliseconds of a step on one thread, of a program alone and of each of two at a time (the slower one). They are equal
/// where every core has arithmetic and caches of its own.
pub fn side_by_side(ready: &Ready, program: &Path, repeat: usize) -> Result<[f64; 2]> {
    let (job, times) = (jobs::step(jobs::BATCHES[1], "none").to_string(), repeat.to_string());
    let step = || -> Result<f64> {
        let mut bench = ready.tool(program)?;
        bench.args(["bench", "--json", "--job", &job, "--repeat", &times]).env("RAYON_NUM_THREADS", "1");
        let rows: Vec<Value> = serde_json::from_str(&text(&mut bench)?)?;
        rows.first().and_then(|row| row["median_ms"].as_f64()).context("no time of a step")
    };
    let alone = step()?;
    let [one, other] = std::thread::scope(|scope| [scope.spawn(step), scope.spawn(step)].map(|thread| thread.join()));
    let ended = |step: std::thread::Result<Result<f64>>| step.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    Ok([alone, ended(one)?.max(ended(other)?)])
}

/// Every job in a process of its own: the memory that it reports is its own, too.
pub fn measure(ready: &Ready, program: &Path, jobs: Vec<Repeated>, facts: &mut Facts) -> Result<()> {
    for (job, repeat) in jobs {
        let (words, times) = (job.to_string(), repeat.to_string());
        match text(ready.tool(program)?.args(["bench", "--json", "--job", &words, "--repeat", &times])) {
            Ok(says) => {
                let rows: Vec<Value> =
                    serde_json::from_str(&says).with_context(|| format!("mtls-lab bench --job {words}"))?;
                facts.add("native", rows);
            }
            // What one job cannot do is said in its row; the others are measured.
            Err(error) => {
                let mut failed = job;
                let says = error.to_string();
                failed["error"] = says.rsplit("error: ").next().unwrap_or(&says).into();
                facts.add("native", [failed]);
            }
        }
    }
    Ok(())
}
