//! Builds the bundled data packs: `packer emoji|clipart [--out packs/NAME] [--cache DIR]`, also as `cargo xtask pack NAME`.
//!
//! Needs, for packages that are not in the cache folder yet, `npm` and `python3 -m pip` (emoji), `apt-get` and `dpkg-deb`
//! (clipart, which also takes its encoder from the emoji pack beside it).

mod artists;
mod atlas;
mod builder;
mod clipart;
mod collection;
mod components;
mod concepts;
mod draw;
mod emoji;
mod fetch;
mod torch;
mod weights;

use mtls_lab::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const USAGE: &str = "usage: packer emoji|clipart [--out packs/NAME] [--cache DIR]";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let mut cache =
        std::env::var_os("HOME").map_or_else(std::env::temp_dir, PathBuf::from).join(".cache/mtls-lab/packages");
    let (name, build): (_, fn(&Path, &Path) -> Result<()>) = match arguments.next().as_deref() {
        Some("emoji") => ("emoji", emoji::build),
        Some("clipart") => ("clipart", clipart::build),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let mut out = Path::new("packs").join(name);
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
    let made = std::fs::create_dir_all(&cache).map_err(|error| Error::io(&cache, error));
    match made.and_then(|()| build(&out, &cache)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
