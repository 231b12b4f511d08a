//! Builds the bundled data packs: `packer emoji --out packs/emoji [--cache DIR]`, also as `cargo xtask pack emoji`.
//!
//! Needs `npm` and `python3 -m pip` for packages that are not in the cache folder yet.

mod atlas;
mod components;
mod concepts;
mod draw;
mod emoji;
mod fetch;
mod torch;
mod weights;

use std::path::PathBuf;
use std::process::ExitCode;

const USAGE: &str = "usage: packer emoji [--out packs/emoji] [--cache DIR]";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut out = PathBuf::from("packs/emoji");
    let mut cache =
        std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from).join(".cache/mtls-lab/packages");
    if arguments.next().as_deref() != Some("emoji") {
        eprintln!("{USAGE}");
        return ExitCode::from(2);
    }
    while let Some(argument) = arguments.next() {
        match (argument.as_str(), arguments.next()) {
            ("--out", Some(value)) => out = value.into(),
            ("--cache", Some(value)) => cache = value.into(),
            _ => {
                eprintln!("{USAGE}");
                return ExitCode::from(2);
            }
        }
    }
    let made = std::fs::create_dir_all(&cache).map_err(|error| mtls_lab::error::Error::io(&cache, error));
    match made.and_then(|()| emoji::build(&out, &cache)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
