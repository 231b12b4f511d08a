//! The command line: `mtls-lab train | eval | search | export | embed | compare | bench`.
//!
//! Exit codes: 0 done, 1 a run that failed, 2 wrong usage.

mod cli;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    keep_memory();
    let arguments = cli::Arguments::parse();
    join_the_pool();
    match pollster::block_on(cli::run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            // A setting that cannot be is wrong usage; everything else is a run that failed.
            ExitCode::from(if matches!(error, mtls_lab::error::Error::Config(_)) { 2 } else { 1 })
        }
    }
}

/// glibc gives large blocks back to the system when they are freed, and a step, which wants the same ones again, spends a
/// tenth of its time in page faults.
fn keep_memory() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: numbers of the allocator; nothing has been allocated that depends on them.
    unsafe {
        const MOST: i32 = 32 << 20;
        libc::mallopt(libc::M_MMAP_THRESHOLD, MOST);
        libc::mallopt(libc::M_TRIM_THRESHOLD, i32::MAX);
    }
}

/// The main thread is one of those that share the work: from outside of the pool it would hand over every product of a step
/// and wait for it, a sixth of the step's time.
fn join_the_pool() {
    // Where that fails, the pool is made without it when it is first needed.
    let _ = rayon::ThreadPoolBuilder::new().use_current_thread().build_global();
}
