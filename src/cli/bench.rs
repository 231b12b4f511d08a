//! `mtls-lab bench`: the reference step, timed on each device in one run.
//!
//! Towers 768 -> 512 -> 128 and 1000 -> 512 -> 128, batch 128, hardest-negative retrieval loss, Adam, f32: 1.05 M
//! parameters; and the same with both transfer terms.

use super::eval::json;
use clap::Args;
use mtls_lab::device::{self, Choice};
use mtls_lab::error::Result;
use mtls_lab::train::reference::{Reference, Timing, Workload};

#[derive(Args)]
pub struct BenchArguments {
    /// Timed steps, after as many untimed ones as it takes to warm up.
    #[arg(long, default_value_t = 30)]
    steps: usize,
    /// Items in a batch.
    #[arg(long, default_value_t = 128)]
    batch: usize,
    /// Also on the GPU (software adapters included).
    #[arg(long)]
    gpu: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub async fn run(arguments: BenchArguments) -> Result<()> {
    let mut rows: Vec<Timing> = Vec::new();
    let choices: &[Choice] = if arguments.gpu { &[Choice::Cpu, Choice::Gpu] } else { &[Choice::Cpu] };
    for choice in choices {
        let opened = device::open(*choice, &Workload::default()).await?;
        for transfer in [false, true] {
            let workload = Workload::benchmark(arguments.batch, transfer);
            let mut reference = Reference::new(&workload, &opened.device)?;
            rows.push(reference.time(&opened.report.name, arguments.steps).await?);
        }
    }
    if arguments.json {
        println!("{}", json(&rows)?);
    } else {
        println!(
            "{:<16} {:>6} {:>9} {:>10} {:>10} {:>10}",
            "device", "batch", "transfer", "median ms", "p95 ms", "steps"
        );
        for r in &rows {
            println!(
                "{:<16} {:>6} {:>9} {:>10.2} {:>10.2} {:>10}",
                r.device, r.batch, r.transfer, r.median_ms, r.p95_ms, r.steps
            );
        }
    }
    Ok(())
}
