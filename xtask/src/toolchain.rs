//! Which Rust compiles everything: one toolchain for native code and wasm32, so that proc-macros
//! and build scripts are compiled once.

use std::env;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::process::{command, find, path_with, text};

/// The rustup name of Debian's toolchain once it is linked.
pub const DISTRO: &str = "distro";
/// The target of the browser bundles.
pub const WASM: &str = "wasm32-unknown-unknown";
/// The variable that names the linker for it.
pub const LINKER: &str = "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER";

/// A Rust toolchain, and how to call its programs.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// Its rustup name; `None`: what is on PATH without rustup (or rustup's default).
    pub rustup: Option<String>,
    /// A folder that must come first on PATH to reach it.
    pub front: Option<PathBuf>,
    /// A linker for wasm32, where the toolchain brings none.
    pub linker: Option<PathBuf>,
}

impl Toolchain {
    /// The toolchain that the user's cargo ran this program with.
    pub fn current() -> Self {
        Self { rustup: env::var("RUSTUP_TOOLCHAIN").ok(), front: None, linker: None }
    }

    /// Debian's own, by its rustup name where there is rustup.
    pub fn distro() -> Self {
        let rustup = find(&["rustup"]).is_some();
        Self {
            rustup: rustup.then(|| DISTRO.into()),
            front: (!rustup).then(|| PathBuf::from("/usr/bin")),
            linker: None,
        }
    }

    /// A program of this toolchain (`cargo`, `rustc`).
    pub fn command(&self, program: &str) -> Command {
        let mut command = command(program);
        if let Some(Ok(path)) = self.front.clone().map(|front| path_with(&[front])) {
            command.env("PATH", path); // Programs are looked up on the child's PATH.
        }
        if let Some(name) = &self.rustup {
            command.env("RUSTUP_TOOLCHAIN", name);
        }
        if let Some(linker) = &self.linker {
            command.env(LINKER, linker);
        }
        command
    }

    /// How to name it in a sentence.
    pub fn name(&self) -> String {
        let version = text(self.command("rustc").arg("--version"));
        let version = version.unwrap_or_else(|_| "no rustc".into());
        match &self.rustup {
            Some(name) => format!("{name}: {version}"),
            None => version,
        }
    }

    /// Whether it compiles for wasm32: it has a standard library for it, of its own version.
    pub fn compiles_wasm(&self) -> bool {
        let compile = || -> Result<bool> {
            let output = env::temp_dir().join(format!("mtls-lab-probe-{}", std::process::id()));
            let mut child = self
                .command("rustc")
                .args(["--target", WASM, "--crate-type", "lib", "--emit", "metadata", "-o"])
                .arg(&output)
                .arg("-")
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                stdin.write_all(b"pub fn probe() { println!(); }")?;
            }
            let success = child.wait()?.success();
            let _ = std::fs::remove_file(output);
            Ok(success)
        };
        compile().unwrap_or(false)
    }

    /// Where its compiler and libraries are.
    pub fn sysroot(&self) -> Result<PathBuf> {
        text(self.command("rustc").args(["--print", "sysroot"])).map(PathBuf::from)
    }

    /// The same with a linker for wasm32: the user's choice, its own, or any other rust-lld; `None`
    /// where the machine has none.
    pub fn with_linker(mut self) -> Result<Option<Self>> {
        if let Some(named) = env::var_os(LINKER) {
            self.linker = Some(named.into());
            return Ok(Some(self));
        }
        let host = host(&self)?;
        let lld = |sysroot: PathBuf| {
            let file = sysroot.join("lib/rustlib").join(&host).join("bin/rust-lld");
            file.is_file().then_some(file)
        };
        if lld(self.sysroot()?).is_some() {
            return Ok(Some(self)); // rustc finds its own.
        }
        self.linker = find(&["rust-lld"])
            .or_else(|| rustup_toolchains().into_iter().find_map(lld))
            .or_else(|| find(&["wasm-ld", "wasm-ld-19"]));
        Ok(self.linker.is_some().then_some(self))
    }
}

fn host(toolchain: &Toolchain) -> Result<String> {
    let version = text(toolchain.command("rustc").arg("-vV"))?;
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(str::to_owned).context("rustc -vV names no host")
}

/// The folders of rustup's toolchains, the stable ones first, always in the same order: the
/// linker's path is part of what cargo compares to tell whether a crate is still up to date.
fn rustup_toolchains() -> Vec<PathBuf> {
    let home = env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(|| {
        let home = env::var_os("HOME")?;
        Some(PathBuf::from(home).join(".rustup"))
    });
    let mut folders: Vec<PathBuf> = home
        .and_then(|home| std::fs::read_dir(home.join("toolchains")).ok())
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    folders.sort_by_key(|folder| {
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        (!name.starts_with("stable"), name)
    });
    folders
}
