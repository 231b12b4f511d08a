//! `cargo xtask test`: the stages, in an order in which each finds compiled what an earlier one
//! compiled with the same features.

use std::cell::RefCell;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::bundle;
use crate::page::{self, Made};
use crate::passed::Passed;
use crate::preset::{Preset, Presets};
use crate::process::{command, run, text};
use crate::progress;
use crate::setup::Ready;
use crate::site;
use crate::stages::{self, Stage, Tally, Work};
use crate::toolchain::WASM;

/// The selection of every native stage. Always the whole workspace: another selection could unify
/// features differently and compile the large crates twice.
const NATIVE: [&str; 1] = ["--workspace"];
/// What is checked for the browser: the library, and the tests that run there.
const WASM_TARGETS: [&str; 3] = ["--lib", "--test", "engine"];
/// The longest that any one test program may take: the page's 124 tests took 19 to 20 minutes of it on two cores.
pub const LIMIT: Duration = Duration::from_secs(75 * 60);

/// Names of the stages, in order.
pub const NAMES: [&str; 16] = [
    "format",
    "clippy",
    "doc",
    "clippy-wasm-cpu",
    "clippy-wasm-files",
    "clippy-wasm-gpu",
    "test",
    "test-wasm-cpu",
    "test-wasm-gpu",
    "bundle-cpu",
    "bundle-threads",
    "bundle-files",
    "bundle-gpu",
    "site-check",
    "site-build",
    "page",
];

/// What the Rust tests in a browser do not read.
const NOT_IN_WASM: [&str; 3] = ["docs/", "www/", "README.md"];

/// Runs the stages whose name contains one of the filters; all without any. `again`: also the tests that passed already on
/// the same files.
pub fn verify(ready: &Ready, filters: &[&str], again: bool) -> Result<Tally> {
    let passed = Passed::new(ready, again)?;
    let presets = Presets::load(&ready.workspace.root)?;
    let (cpu, files, gpu) = (presets.get("cpu-test")?, presets.get("files-test")?, presets.get("gpu-test")?);
    let threads = presets.get("threads-test")?;
    // What the bundle stages leave for the page stage.
    let made: RefCell<Made> = RefCell::default();
    let begun = passed.inputs(&page::APART);
    let build = |preset: &Preset| {
        let finished = bundle::build(ready, preset)?;
        made.borrow_mut().bundles.push((preset.clone(), finished));
        Ok(Tally::CHECK)
    };
    let works: [Work; NAMES.len()] = [
        Box::new(format),
        Box::new(|| clippy(ready, &["--all-targets"], &words(&NATIVE))),
        Box::new(|| doc(ready)),
        Box::new(|| clippy(ready, &WASM_TARGETS, &bundle::selection(&cpu))),
        Box::new(|| clippy(ready, &WASM_TARGETS, &bundle::selection(&files))),
        Box::new(|| clippy(ready, &WASM_TARGETS, &bundle::selection(&gpu))),
        Box::new(|| native(ready, &passed, &made)),
        Box::new(|| passed.or_run("test-wasm-cpu", &NOT_IN_WASM, || browser(ready, &cpu))),
        Box::new(|| passed.or_run("test-wasm-gpu", &NOT_IN_WASM, || browser(ready, &gpu))),
        Box::new(|| build(&cpu)),
        Box::new(|| build(&threads)),
        Box::new(|| build(&files)),
        Box::new(|| build(&gpu)),
        Box::new(|| site_check(ready)),
        Box::new(|| {
            site::lay(ready, &ready.workspace.dist_test(), false)?;
            made.borrow_mut().site = true;
            Ok(Tally::CHECK)
        }),
        Box::new(|| page::tests(ready, &passed, &made.borrow(), begun.clone())),
    ];
    let chosen: Vec<Stage> = NAMES
        .into_iter()
        .zip(works)
        .map(|(name, work)| Stage { name, work })
        .filter(|stage| filters.is_empty() || filters.iter().any(|f| stage.name.contains(f)))
        .collect();
    Ok(stages::run(chosen))
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|&word| word.to_owned()).collect()
}

/// rustfmt of the user's own toolchain: Debian's Rust has none.
fn format() -> Result<Tally> {
    let with = |name: Option<String>| {
        let mut cargo = command("cargo");
        if let Some(name) = name {
            cargo.env("RUSTUP_TOOLCHAIN", name);
        }
        cargo
    };
    let user = std::env::var("RUSTUP_TOOLCHAIN").ok();
    let candidates = [None, user, Some("stable".to_owned())];
    let found = candidates.into_iter().find(|name| text(with(name.clone()).args(["fmt", "--version"])).is_ok());
    let name = found.context("there is no rustfmt: rustup component add rustfmt")?;
    run(with(name).args(["fmt", "--all", "--check"]))?;
    Ok(Tally::CHECK)
}

/// A cargo call with progress, over `selection`; `edges` are those of its dependency tree.
fn cargo(
    ready: &Ready,
    verb: &[&str],
    selection: &[String],
    rest: &[&str],
    edges: &str,
    adjust: impl FnOnce(&mut Command),
) -> Result<()> {
    let total = progress::packages(
        ready.tool("cargo")?.args(["tree", "--edges", edges, "--prefix", "none", "--format", "{p}"]).args(selection),
    );
    let wasm = selection.iter().any(|word| word == WASM);
    let mut cargo = if wasm { ready.wasm_tool("cargo")? } else { ready.tool("cargo")? };
    cargo.args(verb).arg("--message-format=json").args(selection).args(rest);
    adjust(&mut cargo);
    let built = progress::cargo(&mut cargo, total)?;
    eprintln!("      {} packages compiled here", built.compiled);
    if !built.success {
        bail!("cargo {} failed; its message is above", verb.join(" "));
    }
    Ok(())
}

fn clippy(ready: &Ready, targets: &[&str], selection: &[String]) -> Result<Tally> {
    let deny = ["--", "-D", "warnings"];
    let verb: Vec<&str> = ["clippy"].iter().chain(targets).copied().collect();
    cargo(ready, &verb, selection, &deny, "normal,build,dev", |_| ())?;
    Ok(Tally::CHECK)
}

fn doc(ready: &Ready) -> Result<Tally> {
    // There are no examples: naming them switches the features of the tests on, with which everything is checked already.
    let verb = ["doc", "--no-deps", "--lib", "--examples"];
    cargo(ready, &verb, &words(&NATIVE), &[], "normal,build,dev", |cargo| {
        cargo.env("RUSTDOCFLAGS", "-D warnings");
    })?;
    Ok(Tally::CHECK)
}

fn native(ready: &Ready, passed: &Passed, made: &RefCell<Made>) -> Result<Tally> {
    let verb = ["test", "--no-run"];
    cargo(ready, &verb, &words(&NATIVE), &[], "normal,build,dev", |_| ())?;
    // The stage page runs the program, so that it is compiled also where nothing is tested.
    made.borrow_mut().native = true;
    let mut cargo = ready.tool("cargo")?;
    if let Some(python) = &ready.python {
        cargo.env("MTLS_LAB_PYTHON", python);
    }
    passed.or_run("test", &[], || stages::tests(cargo.arg("test").args(NATIVE).arg("--no-fail-fast"), LIMIT))
}

/// The test file whose bodies also run in a browser; the others read files or start programs.
const IN_BROWSER: [&str; 2] = ["--test", "engine"];

/// The Rust tests in a browser's worker, by wasm-pack.
fn browser(ready: &Ready, preset: &Preset) -> Result<Tally> {
    let browser = ready.browser.as_ref().context("no browser was set up")?;
    // Compiled here first, for the progress; wasm-pack then finds it done. Like it, with the library's own tests: they
    // do not run in the browser, but wasm-pack cannot leave them out.
    let verb = ["build", "--tests"];
    cargo(ready, &verb, &bundle::selection(preset), &IN_BROWSER, "normal,build,dev", |_| ())?;
    let mut features = vec!["--no-default-features".to_owned()];
    if !preset.features.is_empty() {
        features.extend(["--features".to_owned(), preset.features.join(",")]);
    }
    stages::tests(
        ready
            .wasm_tool("wasm-pack")?
            .args(["test", "--headless", "--chrome", "--mode", "no-install", "--chromedriver"])
            .arg(&browser.driver)
            // No `--` before the options: what follows one, wasm-pack keeps from its `cargo build`.
            .arg(".")
            .args(features)
            .args(IN_BROWSER)
            .env("WASM_BINDGEN_TEST_TIMEOUT", "300"),
        LIMIT,
    )
}

/// Types of the site's TypeScript and Svelte.
fn site_check(ready: &Ready) -> Result<Tally> {
    run(ready.tool("npm")?.args(["run", "check"]).current_dir(ready.workspace.www()))?;
    Ok(Tally::CHECK)
}
