//! The command line: `mtls-lab train | eval | search | export | embed | compare | bench`.
//!
//! Exit codes: 0 done, 1 a run that failed, 2 wrong usage.

mod cli;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match pollster::block_on(cli::run(arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            // A setting that cannot be is wrong usage; everything else is a run that failed.
            ExitCode::from(if matches!(error, mtls_lab::error::Error::Config(_)) { 2 } else { 1 })
        }
    }
}
