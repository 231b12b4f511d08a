//! `cargo xtask setup`: finds what the other verbs need, and installs what is missing. Each step
//! is checked first, so a second call takes a second.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use crate::browser::Browser;
use crate::debian;
use crate::process::{clock, command, find, path_with, run, text};
use crate::progress;
use crate::stamp;
use crate::toolchain::{Toolchain, WASM};
use crate::workspace::{Workspace, locked_version, read};

/// The wasm-pack that is installed where there is none.
const WASM_PACK: &str = "0.15.1";
/// What Vite needs: this, or a later release of the same or a higher major version.
const NODE: [(u32, u32); 2] = [(20, 19), (22, 12)];

/// What a verb needs beyond the wasm tools and the site's packages.
#[derive(Clone, Copy, Eq, PartialEq)]
pub enum Needs {
    /// Building and serving.
    Build,
    /// Testing: wasm-pack, a browser, its driver and a software Vulkan as well.
    Tests,
}

/// A machine on which everything is there.
pub struct Ready {
    /// Where things are.
    pub workspace: Workspace,
    /// What compiles.
    pub toolchain: Toolchain,
    /// The browser of the tests; `None` where only a build was asked for.
    pub browser: Option<Browser>,
    /// A Python with what the examples need; `None` where only a build was asked for.
    pub python: Option<PathBuf>,
}

impl Ready {
    /// A program that sees the chosen toolchain, the cache folder and the installed tools.
    pub fn tool(&self, program: impl AsRef<OsStr>) -> Result<Command> {
        tool(&self.workspace, &self.toolchain, program.as_ref())
    }

    /// The same for what compiles to wasm32.
    pub fn wasm_tool(&self, program: impl AsRef<OsStr>) -> Result<Command> {
        let mut command = self.tool(program)?;
        command.env("CARGO_TARGET_DIR", self.workspace.wasm_target());
        Ok(command)
    }
}

fn tool(workspace: &Workspace, toolchain: &Toolchain, program: &OsStr) -> Result<Command> {
    let mut front = vec![workspace.tools().join("bin"), workspace.www().join("node_modules/.bin")];
    front.extend(toolchain.front.clone());
    let mut command = toolchain.command(&program.to_string_lossy());
    command.current_dir(&workspace.root).env("PATH", path_with(&front)?).env("CARGO_TARGET_DIR", workspace.target());
    Ok(command)
}

/// Announces a step only when it has something to do, and says how long it took.
pub fn step<T>(what: &str, why: &str, expected: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("setup {what}: missing. {why}. {expected}.");
    let started = Instant::now();
    let result = work().with_context(|| format!("setup of {what}"))?;
    eprintln!("setup {what}: done in {}", clock(started.elapsed()));
    Ok(result)
}

/// Makes the machine ready.
pub fn setup(workspace: Workspace, needs: Needs) -> Result<Ready> {
    std::fs::create_dir_all(&workspace.cache)
        .with_context(|| format!("cannot make the cache folder {}", workspace.cache.display()))?;
    if find(&["cc", "gcc", "clang"]).is_none() {
        step("C linker (cc)", "Rust links native programs with it", "Under a minute", || {
            debian::install(&["gcc", "libc6-dev"])
        })?;
    }
    let toolchain = rust(&workspace)?;
    let lock = read(&workspace.root.join("Cargo.lock"))?;
    let bindgen = locked_version(&lock, "wasm-bindgen")?;
    // Its own lock file may name a version that a mirror does not have: not `--locked`.
    cargo_tool(&workspace, &toolchain, "wasm-bindgen", "wasm-bindgen-cli", &bindgen, false, 161)?;
    if needs == Needs::Tests {
        // A build does without it, and the first link comes two minutes sooner.
        cargo_tool(&workspace, &toolchain, "wasm-pack", "wasm-pack", WASM_PACK, true, 169)?;
    }
    node()?;
    node_modules(&workspace)?;
    wasm_split();
    let (browser, python) = match needs {
        Needs::Build => (None, None),
        Needs::Tests => (Some(browser()?), Some(python(&workspace)?)),
    };
    eprintln!("setup: all there ({})", toolchain.name());
    Ok(Ready { workspace, toolchain, browser, python })
}

fn rust(workspace: &Workspace) -> Result<Toolchain> {
    let current = Toolchain::current();
    let candidates = [current.clone(), Toolchain::distro()];
    let found = candidates.into_iter().find(Toolchain::compiles_wasm);
    let toolchain = match found {
        Some(toolchain) => toolchain,
        None => step(
            &format!("standard library for {WASM}"),
            "The page runs this project's Rust as WebAssembly",
            "Seconds with rustup; 2 to 4 min from Debian's sources",
            || wasm_target(workspace, current),
        )?,
    };
    if let Some(linked) = toolchain.clone().with_linker()? {
        return Ok(linked);
    }
    step("linker for wasm32 (lld)", "This Rust brings none of its own", "Under a minute", || {
        debian::install(&["lld-19"])
    })?;
    toolchain.with_linker()?.context("lld-19 is installed, but there is no wasm-ld-19 on PATH")
}

/// rustup's download where it works; else Debian's sources.
fn wasm_target(workspace: &Workspace, current: Toolchain) -> Result<Toolchain> {
    if find(&["rustup"]).is_some() {
        let mut add = command("rustup");
        add.args(["target", "add", WASM]);
        if let Some(name) = &current.rustup {
            add.args(["--toolchain", name]);
        }
        // No retries: where the download is not allowed, it fails at once.
        add.env("RUSTUP_MAX_RETRIES", "0");
        match text(&mut add) {
            Ok(_) if current.compiles_wasm() => return Ok(current),
            Ok(_) => eprintln!("      rustup added the target, but it does not compile"),
            Err(_) => eprintln!("      rustup cannot download it here; trying Debian's sources"),
        }
    }
    if !Path::new("/etc/debian_version").is_file() {
        bail!("run `rustup target add {WASM}` where rustup can download it, then try again");
    }
    debian::toolchain(&workspace.cache)
}

/// A command-line tool of exactly this version, built into the cache folder.
fn cargo_tool(
    workspace: &Workspace,
    toolchain: &Toolchain,
    program: &str,
    package: &str,
    version: &str,
    locked: bool,
    packages: usize,
) -> Result<()> {
    let installed = workspace.tools().join("bin").join(program);
    let says = text(command(&installed).arg("--version")).unwrap_or_default();
    if says.split_whitespace().nth(1) == Some(version) {
        return Ok(());
    }
    step(
        &format!("{package} {version}"),
        "It must be of exactly the version that the Rust side was written for",
        "About 4 min on 2 cores",
        || {
            let work = workspace.cache.join("tools-target");
            let mut install = toolchain.command("cargo");
            install
                .args(["install", package, "--version", version, "--force", "--root"])
                .arg(workspace.tools())
                .args(locked.then_some("--locked"))
                .env("CARGO_TARGET_DIR", &work)
                // Built for compile time: it runs for seconds.
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1");
            if !progress::install(&mut install, packages)? {
                bail!("cargo install {package} failed; its message is above");
            }
            let _ = std::fs::remove_dir_all(&work); // Only the program is needed.
            Ok(())
        },
    )
}

fn node() -> Result<()> {
    let sentence = "the site needs Node.js 20.19, 22.12 or newer with npm";
    let version = text(command("node").arg("--version"))
        .map_err(|_| anyhow::anyhow!("{sentence}; there is no `node` on PATH"))?;
    if find(&["npm"]).is_none() {
        bail!("{sentence}; there is no `npm` on PATH");
    }
    if !node_suits(&version) {
        bail!("{sentence}; this is {version}");
    }
    Ok(())
}

fn node_suits(version: &str) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u32>);
    let (Some(Ok(major)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else {
        return false;
    };
    let same = NODE.iter().find(|(least, _)| *least == major);
    match same {
        Some((_, least)) => minor >= *least,
        None => major > NODE[1].0,
    }
}

/// Binaryen's wasm-split, which its npm package lacks. Without it the engines are one file each, and work.
fn wasm_split() {
    if find(&["wasm-split"]).is_some() {
        return;
    }
    let why = "It parts an engine into what a visitor waits for and the rest";
    if let Err(error) = step("wasm-split (binaryen)", why, "Seconds", || debian::install(&["binaryen"])) {
        eprintln!("setup wasm-split: {error:#}; until then every engine stays one file");
    }
}

/// The site's packages exactly as locked.
fn node_modules(workspace: &Workspace) -> Result<()> {
    let www = workspace.www();
    if !www.join("package-lock.json").is_file() {
        bail!("www/package-lock.json is missing: the site cannot be built");
    }
    let stamp = www.join("node_modules/.locked");
    let now = stamp::files(&www, &["package-lock.json", "package.json"])?;
    if stamp::matches(&stamp, &now) {
        return Ok(());
    }
    step(
        "site packages (npm ci)",
        "The page's tools and libraries, wasm-opt among them, as www/package-lock.json has them",
        "Under a minute",
        || {
            run(command("npm")
                .args(["ci", "--no-fund", "--no-audit", "--loglevel=error"])
                // The tests use the system's browser.
                .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
                .current_dir(&www))?;
            stamp::write(&stamp, &now)
        },
    )
}

/// Python with the packages of `examples/python/requirements.txt`.
fn python(workspace: &Workspace) -> Result<PathBuf> {
    virtual_environment(
        &workspace.cache.join("python"),
        &workspace.root.join("examples/python"),
        "import numpy, safetensors",
        ("Python with numpy and safetensors", "The examples that read an export are run as tests", "Under a minute"),
    )
}

/// A virtual environment with what `requirements.txt` in `folder` names, from which `imports` works. `said`: what it is, why it
/// is needed, how long it takes.
pub fn virtual_environment(venv: &Path, folder: &Path, imports: &str, said: (&str, &str, &str)) -> Result<PathBuf> {
    let (program, stamp) = (venv.join("bin/python"), venv.join(".locked"));
    let now = stamp::files(folder, &["requirements.txt"])?;
    let imports = ["-c", imports];
    if stamp::matches(&stamp, &now) && text(command(&program).args(imports)).is_ok() {
        return Ok(program);
    }
    let (what, why, expected) = said;
    step(what, why, expected, || {
        let make = || text(command("python3").args(["-m", "venv", "--clear"]).arg(venv));
        // Debian's Python comes without the module, or there is none.
        if make().is_err() {
            debian::install(&["python3", "python3-venv"])?;
            make()?;
        }
        let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(command(&program).args(install).arg(folder.join("requirements.txt")))?;
        text(command(&program).args(imports))?;
        stamp::write(&stamp, &now)
    })?;
    Ok(program)
}

fn browser() -> Result<Browser> {
    let browser = match Browser::find() {
        Ok(browser) => browser,
        Err(reason) => {
            step("Chromium and its driver", &format!("The browser tests run in it ({reason})"), "A minute", || {
                debian::install(&["chromium", "chromium-driver"])?;
                Browser::find()
            })?
        }
    };
    if !software_vulkan() && Path::new("/etc/debian_version").is_file() {
        step(
            "software Vulkan (lavapipe)",
            "Native GPU tests run on it where there is no GPU",
            "Under a minute",
            || debian::install(&["mesa-vulkan-drivers", "libvulkan1"]),
        )?;
    }
    Ok(browser)
}

/// Whether any Vulkan driver is registered.
fn software_vulkan() -> bool {
    ["/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .iter()
        .map(PathBuf::from)
        .any(|folder| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn node_versions_that_vite_takes() {
        for good in ["v20.19.0", "v20.20.2", "v22.12.0", "v24.0.1", "v23.0.0"] {
            assert!(node_suits(good), "{good}");
        }
        for bad in ["v20.18.9", "v21.9.0", "v22.11.0", "v18.20.0", "nonsense", ""] {
            assert!(!node_suits(bad), "{bad}");
        }
    }
}
