//! `cargo xtask bench` and `cargo xtask soak`: they run what the project has, and say plainly what
//! it does not have. No number is printed that was not measured in the same call.

use anyhow::{Result, bail};

use crate::process::run;
use crate::server;
use crate::setup::Ready;

/// Native timings by the program's own `bench`, in release.
pub fn bench(ready: &Ready, rest: &[&str]) -> Result<()> {
    eprintln!("bench: the native program, compiled in release first (nothing cached: 15 min)");
    run(ready
        .tool("cargo")?
        .args(["run", "--release", "--package", "mtls-lab", "--bin", "mtls-lab", "--"])
        .args(["bench", "--json"])
        .args(rest))
}

/// Cycles of the page's own soak script on `dist/`.
pub fn soak(ready: &Ready, rest: &[&str]) -> Result<()> {
    let script = ready.workspace.www().join("tests/soak.ts");
    if !script.is_file() {
        bail!("www/tests/soak.ts is not there yet: there is nothing to soak");
    }
    let dist = ready.workspace.dist();
    if !dist.join("bundles.json").is_file() {
        bail!("dist/ is not built: run `cargo xtask build` first");
    }
    let Some(browser) = &ready.browser else {
        bail!("no browser was set up");
    };
    let served = server::start(&dist, 9_180, "/")?;
    run(ready
        .tool("node")?
        .args(["--experimental-strip-types", "tests/soak.ts"])
        .args(rest)
        .current_dir(ready.workspace.www())
        .env("CHROMIUM", &browser.chrome)
        .env("SITE_URL", &served.url))
}
