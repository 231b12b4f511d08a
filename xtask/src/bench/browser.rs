//! What runs in the browser: Playwright does it (`www/tests/*.bench.ts`) and leaves a JSON file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value, json};

use super::facts::Facts;
use super::jobs::{self, Repeated};
use super::{peers, table};
use crate::bundle;
use crate::kernels;
use crate::preset::{Bundle, Presets};
use crate::process::run;
use crate::server;
use crate::setup::Ready;
use crate::workspace::read;

/// The engine and the peers; the browser's version.
pub fn engine(ready: &Ready, inputs: &Path, repeat: usize, facts: &mut Facts) -> Result<Option<String>> {
    let presets = Presets::load(&ready.workspace.root)?;
    let built = |name: &str| -> Result<PathBuf> { Ok(bundle::build(ready, &presets.get(name)?)?.folder) };
    let engines = json!({"cpu": built("cpu-bench")?, "threads": built("threads-bench")?});
    let kernels = |bundle: Bundle| kernels::names(bundle).collect::<Vec<_>>();
    let sources = peers::sources(ready);
    let modules = peers::node_modules(ready).unwrap_or_else(|error| {
        ["jaxjs", "tfjs"].iter().for_each(|peer| facts.fail(peer, &error));
        sources.join("node_modules")
    });
    let manifest: Value = serde_json::from_str(&read(&sources.join("package.json"))?)?;
    let version = |package: &str| manifest["dependencies"][package].clone();
    let listed = |jobs: Vec<Repeated>| -> Vec<Value> {
        jobs.into_iter().map(|(job, repeat)| json!({"job": job, "repeat": repeat})).collect()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let plan = json!({
        "folders": {"": sources, "node_modules": modules, "inputs": inputs, "worker": ready.workspace.www().join("src/worker")},
        "engines": engines, "kernels": {"cpu": kernels(Bundle::Cpu), "threads": kernels(Bundle::Threads)},
        "threaded": listed(jobs::threaded(repeat)), "threads": threads,
        "versions": {"jaxjs": version("@jax-js/jax"), "tfjs": version("@tensorflow/tfjs-backend-wasm")},
        "batches": jobs::BATCHES, "repeat": repeat, "jobs": listed(jobs::both(repeat)),
    });
    let file = inputs.with_file_name("plan.json");
    std::fs::write(&file, plan.to_string())?;
    let measured = playwright(ready, "engine", &[("BENCH_PLAN", &file.display().to_string())])?;
    facts.add("browser", measured["rows"].as_array().cloned().unwrap_or_default());
    Ok(measured["browser"].as_str().map(str::to_owned))
}

/// The site in `dist/`.
pub fn page(ready: &Ready, facts: &mut Facts) -> Result<()> {
    let dist = ready.workspace.dist();
    let served = server::start(&dist, 9_280, "/")?;
    let measured = playwright(ready, "page", &[("SITE_URL", &served.url)])?;
    for what in ["cold", "warm"] {
        let visits = measured[what].as_array().cloned().unwrap_or_default();
        let times: Vec<f64> = visits.iter().filter_map(|visit| visit["ms"].as_f64()).collect();
        table::visits(facts, what, &times);
    }
    // What a first visit loads of the data before it shows something.
    let first = measured["cold"][0]["files"].as_array().cloned().unwrap_or_default();
    let bytes: f64 = first
        .iter()
        .filter(|file| file["path"].as_str().is_some_and(|path| path.starts_with("packs/")))
        .filter_map(|file| file["bytes"].as_f64())
        .sum();
    facts.add("payload", [json!({"what": "Emoji-1k with its first style", "kb": bytes / 1e3})]);
    facts.add("page", [training(&measured["training"])]);
    Ok(())
}

/// What was seen while the page trained, a number each.
fn training(seen: &Value) -> Value {
    let times =
        |name: &str| -> Vec<f64> { seen[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect() };
    let longest = |times: &[f64]| times.iter().copied().fold(0.0, f64::max);
    let tasks = times("tasks");
    let nothing = Map::new();
    let messages = seen["messages"].as_object().unwrap_or(&nothing);
    let total = |types: &[&str], field: &str| -> f64 {
        types.iter().filter_map(|name| messages.get(*name)?[field].as_f64()).sum()
    };
    let updates = total(&["projection"], "count").max(1.0);
    json!({
        "what": "training",
        "longest_ms": longest(&tasks),
        "longest_processor_ms": longest(&times("processor")),
        "over_50_ms": tasks.iter().filter(|ms| **ms > 50.0).count(),
        "frames": seen["frames"], "steps": seen["steps"], "seconds": seen["seconds"],
        "moved_kb": total(&["projection"], "moved") / updates / 1e3,
        "cloned_kb": total(&["projection", "progress", "beat"], "cloned") / updates / 1e3,
    })
}

fn playwright(ready: &Ready, name: &str, environment: &[(&str, &str)]) -> Result<Value> {
    let browser = ready.browser.as_ref().context("no browser was set up")?;
    let out = ready.workspace.root.join("target").join("bench").join(format!("{name}.json"));
    let _ = std::fs::remove_file(&out);
    run(ready
        .tool("npx")?
        .args(["--no-install", "playwright", "test", "--retries=0"])
        .arg(format!("tests/{name}.bench.ts"))
        .current_dir(ready.workspace.www())
        .envs(environment.iter().copied())
        .env("BENCH", "1")
        .env("BENCH_OUT", &out)
        .env("CHROMIUM", &browser.chrome))?;
    serde_json::from_str(&read(&out)?).with_context(|| format!("{} is no JSON", out.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_and_bytes_of_a_training_are_counted() {
        let seen = json!({
            "tasks": [51, 50, 120.5], "processor": [3, 16.5, 0.2], "frames": 60, "steps": 180, "seconds": 9,
            "messages": {
                "projection": {"count": 4, "moved": 8_000, "cloned": 200}, "progress": {"count": 9, "moved": 0, "cloned": 3_800},
                "snapshot": {"count": 1, "moved": 9_000_000, "cloned": 0},
            },
        });
        let row = training(&seen);
        assert_eq!((row["longest_ms"].as_f64(), row["over_50_ms"].as_u64()), (Some(120.5), Some(2)));
        assert_eq!(row["longest_processor_ms"].as_f64(), Some(16.5));
        assert_eq!((row["moved_kb"].as_f64(), row["cloned_kb"].as_f64()), (Some(2.0), Some(1.0)));
        assert_eq!(training(&Value::Null)["longest_ms"].as_f64(), Some(0.0));
    }
}
