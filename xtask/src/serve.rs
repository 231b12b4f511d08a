//! `cargo xtask build` and `cargo xtask serve`.

use std::thread;
use std::time::Instant;

use anyhow::Result;

use crate::bundle;
use crate::preset::{Bundle, Preset};
use crate::process::clock;
use crate::server;
use crate::setup::Ready;
use crate::site;

/// Builds everything into `dist/`.
pub fn build(ready: &Ready, presets: &[Preset]) -> Result<()> {
    let started = Instant::now();
    let dist = ready.workspace.dist();
    let mut made = Vec::new();
    for preset in presets {
        made.push((preset, bundle::build(ready, preset)?));
    }
    site::lay(ready, &dist, product(presets))?;
    for (preset, finished) in &made {
        site::add(&dist, preset, finished)?;
    }
    println!("{} is ready for any static host, in {}", dist.display(), clock(started.elapsed()));
    Ok(())
}

/// Serves `dist/` as soon as all that needs no GPU is there, and builds the GPU bundle beside it.
pub fn serve(ready: &Ready, presets: &[Preset], port: u16) -> Result<()> {
    let dist = ready.workspace.dist();
    let (first, later): (Vec<_>, Vec<_>) = presets.iter().partition(|preset| preset.bundle != Bundle::Gpu);
    let mut made = Vec::new();
    for preset in first {
        made.push((preset, bundle::build(ready, preset)?));
    }
    site::lay(ready, &dist, product(presets))?;
    for (preset, finished) in &made {
        site::add(&dist, preset, finished)?;
    }
    let serving = server::start(&dist, port, "/")?;
    println!("\n  MTLS Lab is at {}\n  (Ctrl-C ends it)\n", serving.url);
    for preset in later {
        let added = bundle::build(ready, preset).and_then(|made| site::add(&dist, preset, &made));
        match added {
            Ok(()) => println!("  The GPU bundle is ready; the page takes it up by itself."),
            Err(error) => eprintln!("  The page goes on with the CPU bundle alone: {error:#}"),
        }
    }
    loop {
        thread::park(); // The server's threads do the work.
    }
}

/// Whether these are the optimised bundles, whose site is compressed too.
fn product(presets: &[Preset]) -> bool {
    presets.iter().all(|preset| preset.limit_brotli.is_some())
}
