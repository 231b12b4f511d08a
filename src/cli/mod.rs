//! Arguments and dispatch.

mod bench;
mod check;
mod compare;
mod embed;
mod embedded;
mod eval;
mod export;
mod reading;
mod run_folder;
mod search;
mod source;
mod train;

use clap::{Args, Parser, Subcommand};
use mtls_lab::config::Config;
use mtls_lab::device::Choice;
use mtls_lab::error::{Error, Result};
use mtls_lab::objectives::merge;
use std::path::PathBuf;

/// Trains a joint image-text representation by symmetrically transferring local structures (MTLS).
#[derive(Parser)]
#[command(name = "mtls-lab", version = version())]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

fn version() -> &'static str {
    static VERSION: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| mtls_lab::program().trim_start_matches("mtls-lab ").to_owned());
    &VERSION
}

#[derive(Subcommand)]
enum Command {
    /// Trains on a pack or a folder; prints the start, the twin without transfer and the result side by side.
    Train(train::TrainArguments),
    /// Looks at data of one's own: unreadable, copied, badly labelled pictures, and how they would be split.
    Check(check::CheckArguments),
    /// Metrics of a saved run on the held-out part.
    Eval(eval::EvalArguments),
    /// Searches a saved run by a text or by a picture.
    Search(search::SearchArguments),
    /// Writes a saved run as files for other programs, or as a search page.
    Export(export::ExportArguments),
    /// Embeds new pictures or texts with a saved run.
    Embed(embed::EmbedArguments),
    /// Compares objectives over splits and seeds; resumable.
    Compare(compare::CompareArguments),
    /// Times the reference step on each device.
    Bench(bench::BenchArguments),
}

/// Runs the command.
pub async fn run(arguments: Arguments) -> Result<()> {
    match arguments.command {
        Command::Train(a) => train::run(a).await,
        Command::Check(a) => check::run(&a),
        Command::Eval(a) => eval::run(a).await,
        Command::Search(a) => search::run(a).await,
        Command::Export(a) => export::run(a).await,
        Command::Embed(a) => embed::run(a).await,
        Command::Compare(a) => compare::run(a),
        Command::Bench(a) => bench::run(a).await,
    }
}

/// Where the configuration comes from: defaults, then `--preset`, `--config`, the flags, and `--set`, each over the one before.
#[derive(Args, Debug, Default)]
pub struct ConfigArguments {
    /// A named preset; compare --list names them.
    #[arg(long)]
    preset: Option<String>,
    /// A JSON file that may name only what differs from the defaults.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// concept (unseen families), style (an unseen style) or both.
    #[arg(long)]
    split: Option<String>,
    /// Passes over the training items.
    #[arg(long)]
    epochs: Option<u64>,
    /// Seed of everything random.
    #[arg(long)]
    seed: Option<u64>,
    /// Items per batch.
    #[arg(long)]
    batch: Option<u64>,
    /// linear, mlp or skip.
    #[arg(long)]
    tower: Option<String>,
    /// random or cca: how the linear path starts.
    #[arg(long)]
    init: Option<String>,
    /// Any setting by its path, e.g. --set transfer.lambda_v=0.5
    #[arg(long = "set", value_name = "PATH=VALUE")]
    set: Vec<String>,
}

impl ConfigArguments {
    /// The configuration they add up to.
    pub fn resolve(&self) -> Result<Config> {
        let mut json = serde_json::json!({});
        if let Some(name) = &self.preset {
            let presets = mtls_lab::presets::all();
            let names: Vec<_> = presets.iter().map(|p| p.name).collect();
            let preset = presets.iter().find(|p| p.name == name);
            let preset = preset
                .ok_or_else(|| Error::Config(format!("there is no preset {name}; choose {}", names.join(", "))))?;
            merge(&mut json, preset.config.clone());
        }
        if let Some(path) = &self.config {
            let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
            let file = serde_json::from_str(&text)
                .map_err(|e| Error::Config(format!("{} is not JSON: {e}", path.display())))?;
            merge(&mut json, file);
        }
        let text = |v: &Option<String>| v.clone().map(serde_json::Value::from);
        let flags = [
            ("data.split", text(&self.split)),
            ("train.epochs", self.epochs.map(Into::into)),
            ("seed", self.seed.map(Into::into)),
            ("train.batch", self.batch.map(Into::into)),
            ("model.tower", text(&self.tower)),
            ("model.init", text(&self.init)),
        ];
        for (path, value) in flags {
            if let Some(value) = value {
                merge(&mut json, nested(path, value));
            }
        }
        for entry in &self.set {
            let (path, value) = entry
                .split_once('=')
                .ok_or_else(|| Error::Config(format!("--set {entry} has no value; write PATH=VALUE")))?;
            // A bare word is a string: --set model.tower=mlp needs no quotes.
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            merge(&mut json, nested(path, value));
        }
        Config::from_json(&json.to_string())
    }
}

fn nested(path: &str, value: serde_json::Value) -> serde_json::Value {
    path.rsplit('.').fold(value, |inner, key| serde_json::json!({ key: inner }))
}

/// Which device computes, where there is too little to compute to look for a GPU unasked.
#[derive(Args, Debug)]
pub struct DeviceArguments {
    /// auto (the GPU where there is a real one that computes as the CPU does, and faster), cpu or gpu.
    #[arg(long, default_value = "cpu", value_parser = parse_device)]
    device: Choice,
}

fn parse_device(name: &str) -> std::result::Result<Choice, String> {
    name.parse().map_err(|e: Error| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn later_sources_win_and_leave_the_rest() {
        let arguments = ConfigArguments {
            preset: Some("retrieval".into()),
            seed: Some(9),
            set: vec!["transfer.lambda_t=0.5".into(), "model.tower=mlp".into(), "model.init=random".into()],
            ..Default::default()
        };
        let config = arguments.resolve().unwrap();
        assert_eq!((config.seed, config.transfer.lambda_v, config.transfer.lambda_t), (9, 0.0, 0.5));
        assert_eq!(config.model.tower, mtls_lab::config::Tower::Mlp);
    }

    #[test]
    fn mistakes_are_named() {
        let of = |a: ConfigArguments| a.resolve().unwrap_err().to_string();
        assert!(of(ConfigArguments { preset: Some("x".into()), ..Default::default() }).contains("mtls, retrieval"));
        assert!(of(ConfigArguments { set: vec!["seed".into()], ..Default::default() }).contains("PATH=VALUE"));
        assert!(of(ConfigArguments { split: Some("x".into()), ..Default::default() }).contains("concept"));
    }
}
