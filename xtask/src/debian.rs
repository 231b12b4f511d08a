//! Debian's packages, and its way to a wasm32 standard library where rustup cannot download one:
//! its compiler comes with the library's sources, and one build makes the missing target.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::process::{command, find, run, text};
use crate::progress;
use crate::toolchain::{DISTRO, Toolchain, WASM};

/// The packages of a Rust that is new enough, with sources and a clippy of the same version.
const RUST: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "rust-web-clippy"];

/// Installs packages, or stops with the one line to run where this user may not.
pub fn install(packages: &[&str]) -> Result<()> {
    let wanted = packages.join(" ");
    let line = format!("apt-get update && apt-get install --no-install-recommends -y {wanted}");
    if find(&["apt-get"]).is_none() {
        bail!("this needs {wanted} (Debian's names): install them with your system's packages");
    }
    let Some(_) = as_root("true") else {
        bail!("this needs root. Run: sudo sh -c '{line}'");
    };
    // The lists may be missing or older than what the mirror still holds: once with, once without.
    if !apt(packages)? {
        run(privileged("apt-get")?.args(["update", "-qq"]))?;
        if !apt(packages)? {
            bail!("apt-get could not install {wanted}; its message is above");
        }
    }
    Ok(())
}

fn apt(packages: &[&str]) -> Result<bool> {
    let output = privileged("apt-get")?
        .args(["install", "--no-install-recommends", "-y", "-qq"])
        .args(packages)
        .output()
        .context("cannot start apt-get")?;
    if !output.status.success() {
        eprintln!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(output.status.success())
}

/// A command as root: as it is for root, through sudo where that asks nothing or can ask here.
fn as_root(program: &str) -> Option<Command> {
    let root = text(command("id").arg("-u")).is_ok_and(|id| id == "0");
    if root {
        return Some(command(program));
    }
    find(&["sudo"])?;
    let silent = command("sudo").args(["-n", "true"]).output();
    let may = silent.is_ok_and(|output| output.status.success());
    let asks = std::io::IsTerminal::is_terminal(&std::io::stdin());
    if !may && !asks {
        return None;
    }
    let mut sudo = command("sudo");
    sudo.arg(program);
    if !may {
        sudo.stdin(std::process::Stdio::inherit());
    }
    Some(sudo)
}

fn privileged(program: &str) -> Result<Command> {
    let mut command = as_root(program).with_context(|| format!("{program} needs root"))?;
    command.env("DEBIAN_FRONTEND", "noninteractive");
    Ok(command)
}

/// Installs Debian's Rust and builds its standard library for wasm32.
pub fn toolchain(cache: &Path) -> Result<Toolchain> {
    // Packages first: their compiler may be there from a package of another name.
    let sources = Path::new("/usr/lib/rustlib/src/rust/library/std");
    let there = ["rustc", "cargo", "cargo-clippy"].iter().all(|program| Path::new("/usr/bin").join(program).is_file());
    if !(there && sources.is_dir()) {
        eprintln!("      installing {}", RUST.join(" "));
        install(&RUST)?;
    }
    let distro = Toolchain { rustup: None, front: Some(PathBuf::from("/usr/bin")), linker: None };
    if !distro.compiles_wasm() {
        build_std(cache, &distro)?;
    }
    if find(&["rustup"]).is_some() {
        run(command("rustup").args(["toolchain", "link", DISTRO, "/usr"]))?;
    }
    let distro = Toolchain::distro();
    if !distro.compiles_wasm() {
        bail!("Debian's Rust still does not compile for {WASM}");
    }
    Ok(distro)
}

/// Builds the standard library from the compiler's own sources and lays it beside the host's.
fn build_std(cache: &Path, distro: &Toolchain) -> Result<()> {
    eprintln!("      building its standard library for {WASM}, about a minute");
    let work = cache.join("wasm-std");
    if work.exists() {
        std::fs::remove_dir_all(&work)?; // Left by a build that was cut off.
    }
    std::fs::create_dir_all(work.join("src"))?;
    std::fs::write(
        work.join("Cargo.toml"),
        "[workspace]\n[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n",
    )?;
    std::fs::write(work.join("src/lib.rs"), "")?;
    let built = progress::install(
        distro
            .command("cargo")
            .args(["build", "--release", "--target", WASM])
            .arg("-Zbuild-std=std,panic_abort,panic_unwind,test,proc_macro")
            .current_dir(&work)
            .env("RUSTC", "/usr/bin/rustc")
            // The compiler's own sources use unstable features; nothing of this project does.
            .env("RUSTC_BOOTSTRAP", "1")
            .env("CARGO_TARGET_DIR", work.join("target")),
        26,
    )?;
    if !built {
        bail!("building the standard library for {WASM} failed; cargo's message is above");
    }
    let libraries = rlibs(&work.join("target").join(WASM).join("release/deps"))?;
    let destination = Path::new("/usr/lib/rustlib").join(WASM).join("lib");
    // Those of an earlier compiler would be found twice.
    run(privileged("rm")?.arg("-rf").arg(&destination))?;
    run(privileged("mkdir")?.arg("-p").arg(&destination))?;
    run(privileged("cp")?.args(&libraries).arg(&destination))?;
    std::fs::remove_dir_all(&work)?;
    Ok(())
}

fn rlibs(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            found.push(path);
        }
    }
    Ok(found)
}
