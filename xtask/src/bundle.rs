//! One browser bundle: cargo, wasm-bindgen, wasm-opt, sizes. (wasm-pack itself runs the tests; a
//! build by it could not be given a profile's wasm-opt flags and shows no progress.)

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::kernels;
use crate::preset::{Bundle, Preset};
use crate::process::{clock, command, run, size, text};
use crate::progress;
use crate::setup::Ready;
use crate::split;
use crate::stamp;
use crate::toolchain::WASM;

/// The names of the two files that the page loads first.
pub const JS: &str = "mtls_lab.js";
pub const BINARY: &str = "mtls_lab_bg.wasm";

/// An entry of `bundles.json`: what the page needs to load a bundle.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Entry {
    /// Address of the JavaScript module, relative to the page. The query is the content's hash, so
    /// that a cache never pairs old glue with a new binary.
    pub js: String,
    /// Address of the WebAssembly file, relative to the page.
    pub wasm: String,
    /// Address of what a first visit does not call, where that is a file of its own (`split.rs`).
    #[serde(default)]
    pub rest: Option<String>,
    /// Addresses of the modules with the loops of training, best first.
    #[serde(default)]
    pub kernels: Vec<String>,
    /// Bytes of the WebAssembly file.
    pub raw: u64,
    /// The same after gzip; not measured for a preset without a limit.
    pub gzip: Option<u64>,
    /// The same after brotli; not measured for a preset without a limit.
    pub brotli: Option<u64>,
    /// The same of the rest.
    #[serde(default)]
    pub brotli_rest: Option<u64>,
    /// Version of the crate.
    pub version: String,
    /// Commit that it was built from (`git describe`).
    pub commit: String,
    /// The preset of `wasm-pack.toml`.
    pub preset: String,
}

/// A finished bundle on disk.
pub struct Finished {
    /// Its folder.
    pub folder: PathBuf,
    /// What the page is told about it.
    pub entry: Entry,
}

/// The cargo arguments that select the library with a preset's features.
pub fn selection(preset: &Preset) -> Vec<String> {
    let mut arguments: Vec<String> = ["--package", "mtls-lab", "--target", WASM]
        .into_iter()
        .chain(["--no-default-features"])
        .map(str::to_owned)
        .collect();
    if !preset.features.is_empty() {
        arguments.extend(["--features".to_owned(), preset.features.join(",")]);
    }
    arguments
}

/// Builds a bundle, or finds it up to date.
pub fn build(ready: &Ready, preset: &Preset) -> Result<Finished> {
    let started = Instant::now();
    let workspace = &ready.workspace;
    let commit = workspace.commit();
    let folder = workspace.bundles().join(&preset.name);
    let stamp_file = folder.join(".stamp");
    let kept = std::fs::read_to_string(&stamp_file).unwrap_or_default();
    let (made_from, content) = kept.split_once('\n').unwrap_or_default();
    let sources = sources(ready, preset, &commit)?;
    // Cargo is not asked first: all bundles are one file in its folder, so each would be linked anew after the other.
    if made_from != sources {
        eprintln!("bundle {}: compiling (nothing cached: {} on 2 cores)", preset.name, expected(preset));
        let linked = compile(ready, preset, &commit)?;
        let loops = stamp::tree(&workspace.root.join("kernels"), &[])?;
        let now = stamp::parts(&[&std::fs::read(&linked)?, loops.as_bytes(), recipe(ready, preset)?.as_bytes()]);
        if now != content {
            finish(ready, preset, &linked, &folder)?;
        }
        stamp::write(&stamp_file, &format!("{sources}\n{now}"))?;
    }
    // Of the files themselves: what parts a bundle is not the same everywhere.
    let hash = stamp::tree(&folder, &[".stamp"])?;
    let entry = entry(preset, &folder, &hash, workspace.version()?, commit)?;
    // For the site's type check.
    stamp::copy_tree(&folder, &workspace.www().join("src/pkg").join(preset.bundle.folder()))?;
    eprintln!(
        "bundle {}: {} raw{}{} in {}",
        preset.name,
        size(entry.raw),
        match (entry.gzip, entry.brotli) {
            (Some(gzip), Some(brotli)) => format!(", {} gzip, {} brotli", size(gzip), size(brotli)),
            _ => String::new(),
        },
        entry.brotli_rest.map_or_else(String::new, |rest| format!(", and {} brotli when a run stands", size(rest))),
        clock(started.elapsed())
    );
    check_limit(preset, &entry, std::env::var_os("CI").is_some())?;
    Ok(Finished { folder, entry })
}

/// The hash of all that a bundle is made from and with.
fn sources(ready: &Ready, preset: &Preset, commit: &str) -> Result<String> {
    let root = &ready.workspace.root;
    let mut parts = vec![recipe(ready, preset)?, stamp::files(root, &["Cargo.toml", "Cargo.lock"])?];
    for folder in [".cargo", "src", "kernels", "shaders", "examples"] {
        parts.push(stamp::tree(&root.join(folder), &[])?);
    }
    if preset.limit_brotli.is_some() {
        parts.push(commit.to_owned()); // As `compile` does.
    }
    Ok(joined(&parts))
}

/// The hash of how a bundle is made, and of the tools.
fn recipe(ready: &Ready, preset: &Preset) -> Result<String> {
    const HOW: [&str; 11] = [
        "xtask/compress.mjs",
        "xtask/first-visit.mjs",
        "xtask/src/bundle.rs",
        "xtask/src/kernels.rs",
        "xtask/src/process.rs",
        "xtask/src/setup.rs",
        "xtask/src/split.rs",
        "xtask/src/toolchain.rs",
        "packs/emoji/manifest.json",
        "webdriver.json",
        "www/package-lock.json",
    ];
    let asked = |name: &str| name.starts_with("CARGO_") || name.contains("RUSTFLAGS") || name == "RUSTC_WRAPPER";
    // Cargo sets these for the program that it runs, this one.
    let of_xtask = |name: &str| ["CARGO_PKG", "CARGO_MANIFEST"].iter().any(|start| name.starts_with(start));
    let mut environment: Vec<_> = std::env::vars().filter(|(name, _)| asked(name) && !of_xtask(name)).collect();
    environment.sort();
    let compiler = text(ready.wasm_tool("rustc")?.arg("-vV"))?;
    let how = stamp::files(&ready.workspace.root, &HOW)?;
    // A tool that was missing the last time may be there now.
    let parted = preset.first_visit.and_then(|visit| split::parted_by(ready, visit).ok()).unwrap_or_default();
    Ok(joined(&[format!("{preset:?} {:?} {environment:?}", ready.toolchain.linker), compiler, how, parted]))
}

fn joined(parts: &[String]) -> String {
    stamp::parts(&parts.iter().map(String::as_bytes).collect::<Vec<_>>())
}

fn expected(preset: &Preset) -> &'static str {
    match (preset.profile.as_str(), preset.bundle) {
        ("dev", Bundle::Gpu) => "8 min",
        ("dev", _) => "3 min",
        (_, Bundle::Gpu) => "15 min",
        (_, _) => "6 min",
    }
}

fn compile(ready: &Ready, preset: &Preset, commit: &str) -> Result<PathBuf> {
    let select = selection(preset);
    let total = progress::packages(
        ready
            .tool("cargo")?
            .args(["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
            .args(&select),
    );
    let mut cargo = ready.wasm_tool("cargo")?;
    cargo.args(["rustc", "--lib", "--message-format=json", "--profile", &preset.profile]).args(&select);
    cargo.arg("--").args(&preset.rustc).args(kernels::linked_with(preset.bundle));
    if preset.limit_brotli.is_some() {
        // Products only: in a test build it would compile the crate anew after every commit.
        cargo.env("MTLS_LAB_COMMIT", commit);
    }
    let built = progress::cargo(&mut cargo, total)?;
    if !built.success {
        bail!("bundle {} did not compile; cargo's message is above", preset.name);
    }
    built
        .files
        .into_iter()
        .find(|file| file.extension().is_some_and(|extension| extension == "wasm"))
        .context("cargo made no .wasm file: is the library still a cdylib?")
}

/// From cargo's file to what the page loads. Works in a folder of its own and renames it at the
/// end, so that no half-made bundle is ever found.
fn finish(ready: &Ready, preset: &Preset, linked: &Path, folder: &Path) -> Result<()> {
    let work = folder.with_extension("new");
    if work.exists() {
        std::fs::remove_dir_all(&work)?;
    }
    std::fs::create_dir_all(&work)?;
    let shared = work.join("shared.wasm");
    let linked = if preset.bundle == Bundle::Threads {
        std::fs::write(&shared, kernels::with_tls_alignment(std::fs::read(linked)?)?)?;
        &shared
    } else {
        linked
    };
    let mut bindgen = ready.tool("wasm-bindgen")?;
    bindgen.args(["--target", "web", "--out-name", "mtls_lab", "--out-dir"]).arg(&work);
    if !preset.keep_names {
        bindgen.args(["--remove-name-section", "--remove-producers-section"]);
    }
    run(bindgen.arg(linked))?;
    if shared.exists() {
        std::fs::remove_file(shared)?;
    }
    let binary = work.join(BINARY);
    if !preset.wasm_opt.is_empty() {
        let started = Instant::now();
        eprintln!("bundle {}: wasm-opt {} (under a minute)", preset.name, preset.wasm_opt.join(" "));
        let small = work.join("optimised.wasm");
        run(ready.tool("wasm-opt")?.args(&preset.wasm_opt).arg(&binary).arg("-o").arg(&small))?;
        std::fs::rename(small, &binary)?;
        eprintln!("bundle {}: wasm-opt took {}", preset.name, clock(started.elapsed()));
    }
    kernels::build(ready, preset.bundle, &work)?;
    if let Some(visit) = preset.first_visit {
        split::split(ready, preset, visit, &work)?;
    }
    if preset.limit_brotli.is_some() {
        let names = kernels::names(preset.bundle).chain([BINARY, JS, split::REST]);
        let files: Vec<_> = names.map(|name| work.join(name)).filter(|file| file.exists()).collect();
        compress(&ready.workspace.root, &files)?;
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder)?;
    }
    std::fs::rename(work, folder)?;
    Ok(())
}

/// Writes `.br` and `.gz` beside files.
pub fn compress(root: &Path, files: &[PathBuf]) -> Result<()> {
    run(command("node").arg(root.join("xtask/compress.mjs")).args(files))
}

fn entry(preset: &Preset, folder: &Path, hash: &str, version: String, commit: String) -> Result<Entry> {
    let length = |name: &str| std::fs::metadata(folder.join(name)).map(|data| data.len());
    let address = |name: &str| {
        let tag = hash.get(..8).unwrap_or(hash);
        format!("bundles/{}/{name}?v={tag}", preset.bundle.folder())
    };
    Ok(Entry {
        js: address(JS),
        wasm: address(BINARY),
        rest: folder.join(split::REST).exists().then(|| address(split::REST)),
        kernels: kernels::names(preset.bundle).map(address).collect(),
        raw: length(BINARY)?,
        gzip: length(&format!("{BINARY}.gz")).ok(),
        brotli: length(&format!("{BINARY}.br")).ok(),
        brotli_rest: length(&format!("{}.br", split::REST)).ok(),
        version,
        commit,
        preset: preset.name.clone(),
    })
}

fn check_limit(preset: &Preset, entry: &Entry, published: bool) -> Result<()> {
    // A bundle that could not be parted here is for use here, and `split` has said so; what CI makes is published.
    let whole = preset.first_visit.is_some() && entry.rest.is_none() && !published;
    if let (Some(limit), Some(brotli), false) = (preset.limit_brotli, entry.brotli, whole)
        && brotli > limit
    {
        bail!("bundle {} is {brotli} bytes after brotli; wasm-pack.toml allows {limit}", preset.name);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preset(limit: Option<u64>) -> Preset {
        Preset {
            name: "gpu".into(),
            bundle: Bundle::Gpu,
            profile: "release".into(),
            features: vec!["gpu".into(), "x".into()],
            rustc: vec![],
            keep_names: false,
            wasm_opt: vec![],
            first_visit: None,
            limit_brotli: limit,
        }
    }

    #[test]
    fn the_entry_names_addresses_by_content_and_measures_the_files() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(BINARY), [0; 100]).unwrap();
        std::fs::write(folder.path().join(format!("{BINARY}.br")), [0; 30]).unwrap();
        let made = |limit| {
            let preset = preset(limit);
            let entry = entry(&preset, folder.path(), "0123456789", "1".into(), "c".into()).unwrap();
            let verdict = check_limit(&preset, &entry, false).map_err(|error| error.to_string());
            (entry, verdict)
        };
        let (entry, verdict) = made(Some(30));
        assert_eq!(entry.js, "bundles/gpu/mtls_lab.js?v=01234567");
        assert_eq!((entry.raw, entry.brotli, entry.gzip), (100, Some(30), None));
        assert_eq!(verdict, Ok(()));
        assert!(made(Some(29)).1.unwrap_err().contains("30 bytes"));
        assert_eq!(made(None).1, Ok(()));
        // Meant to be two files, but one.
        let mut whole = preset(Some(29));
        whole.first_visit = Some(split::Visit::Browser);
        assert!(check_limit(&whole, &made(Some(29)).0, false).is_ok());
        assert!(check_limit(&whole, &made(Some(29)).0, true).is_err());
        std::fs::write(folder.path().join(split::REST), [0; 50]).unwrap();
        let entry = made(Some(29)).0;
        assert_eq!(entry.rest.as_deref(), Some("bundles/gpu/mtls_lab_rest.wasm?v=01234567"));
        assert!(check_limit(&whole, &entry, false).is_err());
    }

    #[test]
    fn the_default_features_are_always_off() {
        let words = selection(&preset(None)).join(" ");
        assert!(words.ends_with("--no-default-features --features gpu,x"), "{words}");
        let mut cpu = preset(None);
        cpu.features.clear();
        assert!(selection(&cpu).join(" ").ends_with("--no-default-features"));
    }
}
