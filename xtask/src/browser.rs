//! The browser that the tests drive, and the driver that belongs to it.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::process::{command, find, text};

/// A Chromium or Chrome with a driver of the same major version.
#[derive(Clone, Debug)]
pub struct Browser {
    /// The browser.
    pub chrome: PathBuf,
    /// Its driver.
    pub driver: PathBuf,
}

impl Browser {
    /// `$CHROME` and `$CHROMEDRIVER` where set, else what is on PATH.
    pub fn find() -> Result<Self> {
        let chrome = Self::chrome()?;
        let driver = named("CHROMEDRIVER", &["chromedriver"])
            .context("there is no chromedriver on PATH, and CHROMEDRIVER is not set")?;
        let versions = (major(&chrome)?, major(&driver)?);
        if versions.0 != versions.1 {
            bail!("the browser is version {} and its driver {}: they must be equal", versions.0, versions.1);
        }
        Ok(Self { chrome, driver })
    }

    /// The browser alone, for what needs no driver.
    pub fn chrome() -> Result<PathBuf> {
        named("CHROME", &["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"])
            .context("there is no chromium or google-chrome on PATH, and CHROME is not set")
    }
}

fn named(variable: &str, names: &[&str]) -> Option<PathBuf> {
    env::var_os(variable).map(PathBuf::from).or_else(|| find(names))
}

fn major(program: &Path) -> Result<u32> {
    let says = text(command(program).arg("--version"))?;
    parse_major(&says).with_context(|| format!("{} names no version", program.display()))
}

/// The major version in "Chromium 156.0.8078.79 built on …" or "ChromeDriver 156.0.8078.79 (…)".
fn parse_major(says: &str) -> Option<u32> {
    says.split_whitespace()
        .find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?
        .split('.')
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_found_in_what_browsers_and_drivers_say() {
        let browser = "Chromium 156.0.8078.79 built on Debian GNU/Linux 12 (bookworm)";
        assert_eq!(parse_major(browser), Some(156));
        assert_eq!(parse_major("ChromeDriver 99.0.1 (abc-refs/x@{#12})"), Some(99));
        assert_eq!(parse_major("no version here"), None);
    }
}
