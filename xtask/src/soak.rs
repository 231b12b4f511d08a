//! `cargo xtask soak`: many cycles of the built page.

use anyhow::{Result, bail};

use crate::process::run;
use crate::server;
use crate::setup::Ready;

/// `[CYCLES]` (200). Prints memory over the cycles, fails on a leak.
pub fn soak(ready: &Ready, rest: &[&str]) -> Result<()> {
    let dist = ready.workspace.dist();
    if !dist.join("bundles.json").is_file() {
        bail!("dist/ is not built: run `cargo xtask build` first");
    }
    let Some(browser) = &ready.browser else {
        bail!("no browser was set up");
    };
    let cycles = rest.first().copied().unwrap_or("200");
    if cycles.parse::<u32>().is_err() {
        bail!("soak takes a number of cycles, not {cycles:?}");
    }
    let served = server::start(&dist, 9_180, "/")?;
    run(ready
        .tool("npx")?
        .args(["playwright", "test"])
        .current_dir(ready.workspace.www())
        .env("SOAK", cycles)
        .env("CHROMIUM", &browser.chrome)
        .env("SITE_URL", &served.url))
}
