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

/// Serves `dist/` as soon as a page works, and builds beside it what makes it faster: threads, and the GPU.
pub fn serve(ready: &Ready, presets: &[Preset], port: u16) -> Result<()> {
    let dist = ready.workspace.dist();
    let (first, later): (Vec<_>, Vec<_>) =
        presets.iter().partition(|preset| matches!(preset.bundle, Bundle::Cpu | Bundle::Files));
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
            Ok(()) if preset.bundle == Bundle::Gpu => {
                println!("  The GPU bundle is ready; the page takes it up by itself.")
            }
            Ok(()) => println!("  The bundle {} is ready: reload the page to use it.", preset.name),
            Err(error) => eprintln!("  The page goes on without the bundle {}: {error:#}", preset.name),
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
