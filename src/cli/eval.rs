//! `mtls-lab eval RUN`: metrics of a saved run, and the JSON report that `train` writes too.

use super::DeviceArguments;
use super::run_folder::RunFolder;
use clap::Args;
use mtls_lab::analyze::report::{Detail, Metrics};
use mtls_lab::device::{self, Report};
use mtls_lab::error::{Error, Result};
use mtls_lab::train::Session;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

#[derive(Args)]
pub struct EvalArguments {
    /// Folder written by `train --out`, or an experiment (.mtls).
    run: PathBuf,
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArguments,
}

pub async fn run(arguments: EvalArguments) -> Result<()> {
    let opened = device::open(arguments.device.device, &Default::default()).await?;
    let (session, _) = RunFolder::open(&arguments.run)?.session(opened.device.clone())?;
    let evaluation = evaluation(&session, opened.report).await?;
    if arguments.json {
        println!("{}", json(&evaluation)?);
    } else {
        println!("{}", describe(&session));
        print!("{}", table(&[("this run", &evaluation.metrics)]));
        for (view, metrics) in &evaluation.views {
            println!(
                "{view:<12} i2t R@1/5/10 {}   t2i {}   mR {:.1}",
                recalls_i2t(metrics),
                recalls_t2i(metrics),
                metrics.retrieval.mr
            );
        }
    }
    Ok(())
}

/// What `eval --json` prints and `report.json` begins with. Metric names stand at the top level.
#[derive(Serialize)]
pub struct Evaluation {
    /// Version and commit.
    pub program: String,
    /// Name of the data.
    pub data: String,
    /// Items trained on and held out.
    pub train_items: usize,
    /// Held-out items.
    pub test_items: usize,
    /// View the metrics are for.
    pub test_view: String,
    /// Iterations done.
    pub steps: usize,
    /// The device.
    pub device: Report,
    /// The full configuration.
    pub config: mtls_lab::config::Config,
    /// The metrics.
    #[serde(flatten)]
    pub metrics: Metrics,
    /// The metrics on every view of the concept split, by name.
    pub views: BTreeMap<String, Metrics>,
}

/// Measures a session on its test view and, for unseen concepts, on every view.
pub async fn evaluation(session: &Session, device: Report) -> Result<Evaluation> {
    let partition = session.partition();
    let views = &session.corpus().views;
    let mut by_view = BTreeMap::new();
    for (n, view) in views.iter().enumerate() {
        if views.len() > 1 && session.config().data.split == mtls_lab::config::Split::Concept {
            by_view.insert(view.name.clone(), session.evaluate_view(n, Detail::Full).await?);
        }
    }
    Ok(Evaluation {
        program: mtls_lab::program(),
        data: session.corpus().name.clone(),
        train_items: partition.train_items.len(),
        test_items: partition.test_items.len(),
        test_view: views[partition.test_view].name.clone(),
        steps: session.steps_done(),
        device,
        config: session.config().clone(),
        metrics: session.evaluate_view(partition.test_view, Detail::Full).await?,
        views: by_view,
    })
}

/// One line: what is trained on and tested.
pub fn describe(session: &Session) -> String {
    let p = session.partition();
    format!(
        "{}: {} items trained on, {} held out, tested on {}",
        session.corpus().name,
        p.train_items.len(),
        p.test_items.len(),
        session.corpus().views[p.test_view].name
    )
}

/// Pretty JSON.
pub fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string_pretty(value).map_err(|e| Error::format("report", e.to_string()))
}

fn recalls_i2t(m: &Metrics) -> String {
    format!("{:.1}/{:.1}/{:.1}", m.retrieval.i2t_r1, m.retrieval.i2t_r5, m.retrieval.i2t_r10)
}

fn recalls_t2i(m: &Metrics) -> String {
    format!("{:.1}/{:.1}/{:.1}", m.retrieval.t2i_r1, m.retrieval.t2i_r5, m.retrieval.t2i_r10)
}

/// Runs side by side, a row each.
pub fn table(rows: &[(&str, &Metrics)]) -> String {
    let mut out = format!(
        "{:<26} {:>18} {:>18} {:>6} {:>8} {:>8} {:>8} {:>7} {:>6}\n",
        "", "image→text 1/5/10", "text→image 1/5/10", "mR", "AMI img", "AMI txt", "AMI both", "order", "gap"
    );
    let ami = |v: Option<f64>| v.map_or("-".to_owned(), |v| format!("{v:.3}"));
    for (name, m) in rows {
        out += &format!(
            "{name:<26} {:>18} {:>18} {:>6.1} {:>8} {:>8} {:>8} {:>7.3} {:>6.3}\n",
            recalls_i2t(m),
            recalls_t2i(m),
            m.retrieval.mr,
            ami(m.clustering.ami_image),
            ami(m.clustering.ami_text),
            ami(m.clustering.ami_fused),
            m.order_agreement,
            m.modality_gap
        );
    }
    out
}
