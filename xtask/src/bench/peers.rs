//! PyTorch, JAX and scikit-learn: installed at the versions of `benches/peers/`, beside the product and never for it.

use std::path::{Path, PathBuf};

use anyhow::Result;
use serde_json::Value;

use super::facts::Facts;
use crate::process::{command, run, text};
use crate::setup::{Ready, step, virtual_environment};
use crate::stamp;

/// Each by the name that `peers.py` knows.
const PYTHON: [&str; 3] = ["torch", "jax", "sklearn"];

/// Where the peers' own files are.
pub fn sources(ready: &Ready) -> PathBuf {
    ready.workspace.root.join("benches").join("peers")
}

/// All of them with one thread and with two: on a machine that does other things as well, a second thread that waits for the
/// first can cost more than it brings, and a peer is taken at its best.
pub fn measure(ready: &Ready, inputs: &Path, repeat: usize, facts: &mut Facts) {
    let program = match python(ready) {
        Ok(program) => program,
        Err(error) => return PYTHON.iter().for_each(|peer| facts.fail(peer, &error)),
    };
    for peer in PYTHON {
        for threads in ["1", "2"] {
            let says = text(command(&program).arg(sources(ready).join("peers.py")).arg(inputs).args([
                "--peers",
                peer,
                "--threads",
                threads,
                "--repeat",
                &repeat.to_string(),
            ]));
            match says {
                Ok(lines) => facts.add(peer, lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok())),
                Err(error) => facts.fail(peer, &error),
            }
        }
    }
}

fn python(ready: &Ready) -> Result<PathBuf> {
    let venv = ready.workspace.cache.join("peers").join("python");
    let (what, why) = ("PyTorch, JAX and scikit-learn", "The benchmarks compare with them");
    virtual_environment(&venv, &sources(ready), "import torch, jax, sklearn", (what, why, "10 min, 6 GB"))
}

/// `node_modules` with the peers of the browser.
pub fn node_modules(ready: &Ready) -> Result<PathBuf> {
    let (folder, sources) = (ready.workspace.cache.join("peers").join("browser"), sources(ready));
    let (modules, stamp) = (folder.join("node_modules"), folder.join(".locked"));
    let names = ["package-lock.json", "package.json"];
    let now = stamp::files(&sources, &names)?;
    if stamp::matches(&stamp, &now) {
        return Ok(modules);
    }
    step("jax-js and TensorFlow.js", "The benchmarks compare with them", "Under a minute, 300 MB", || {
        std::fs::create_dir_all(&folder)?;
        for name in names {
            std::fs::copy(sources.join(name), folder.join(name))?;
        }
        run(command("npm").args(["ci", "--no-fund", "--no-audit", "--loglevel=error"]).current_dir(&folder))?;
        stamp::write(&stamp, &now)
    })?;
    Ok(modules)
}
