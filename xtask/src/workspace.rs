//! Where things are: the repository, and the cache folder that every checkout shares.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The folders that the commands work in.
pub struct Workspace {
    /// The repository root.
    pub root: PathBuf,
    /// `$MTLS_LAB_CACHE`, else `$XDG_CACHE_HOME/mtls-lab`, else `~/.cache/mtls-lab`. Everything in
    /// it can be rebuilt; deleting it costs time only.
    pub cache: PathBuf,
}

impl Workspace {
    /// Finds the repository (cargo names it when it runs this program) and the cache folder. What was compiled in another
    /// checkout is taken from the shared cache, so that the compiler's idea of where things are counts last.
    pub fn find() -> Result<Self> {
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().context("xtask/ has no parent folder")?;
        if !root.join("wasm-pack.toml").is_file() {
            bail!("{} is not the repository: run this as `cargo xtask` inside it", root.display());
        }
        let cache = cache_folder(|name| env::var_os(name).map(PathBuf::from))
            .context("no cache folder: set MTLS_LAB_CACHE (or HOME) to a folder that may be written")?;
        Ok(Self { root: root.to_path_buf(), cache })
    }

    /// Compiled crates of every inner cargo call.
    pub fn target(&self) -> PathBuf {
        self.cache.join("target")
    }

    /// Compiled wasm32 code, apart from the native so that neither waits for the other's lock.
    pub fn wasm_target(&self) -> PathBuf {
        self.cache.join("target-wasm")
    }

    /// `cargo install --root` of the wasm tools.
    pub fn tools(&self) -> PathBuf {
        self.cache.join("tools")
    }

    /// The site's sources.
    pub fn www(&self) -> PathBuf {
        self.root.join("www")
    }

    /// What `cargo xtask build` writes: any static host can serve it.
    pub fn dist(&self) -> PathBuf {
        self.root.join("dist")
    }

    /// The same folder made from the test presets; kept apart so that a test never touches a product.
    pub fn dist_test(&self) -> PathBuf {
        self.root.join("target").join("dist-test")
    }

    /// Finished bundles, one folder a preset.
    pub fn bundles(&self) -> PathBuf {
        self.root.join("target").join("bundles")
    }

    /// `git describe` of the checkout, or `unknown` outside one.
    pub fn commit(&self) -> String {
        Command::new("git")
            .args(["describe", "--always", "--dirty", "--abbrev=10"])
            .current_dir(&self.root)
            .output()
            .ok()
            .filter(|output| output.status.success())
            .and_then(|output| String::from_utf8(output.stdout).ok())
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty())
            .unwrap_or_else(|| "unknown".into())
    }

    /// The version in the root manifest.
    pub fn version(&self) -> Result<String> {
        let text = read(&self.root.join("Cargo.toml"))?;
        let manifest: toml::Table = text.parse().context("Cargo.toml")?;
        manifest
            .get("package")
            .and_then(|package| package.get("version"))
            .and_then(toml::Value::as_str)
            .map(str::to_owned)
            .context("Cargo.toml names no version")
    }
}

fn cache_folder(variable: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    // A relative folder would depend on where the command runs; the XDG rules ignore it too.
    let absolute = |name: &str| variable(name).filter(|path| path.is_absolute());
    absolute("MTLS_LAB_CACHE")
        .or_else(|| absolute("XDG_CACHE_HOME").map(|path| path.join("mtls-lab")))
        .or_else(|| absolute("HOME").map(|path| path.join(".cache").join("mtls-lab")))
}

/// A text file, or an error that names it.
pub fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The locked version of a package in the text of a Cargo.lock.
pub fn locked_version(lock: &str, package: &str) -> Result<String> {
    let lock: toml::Table = lock.parse().context("Cargo.lock")?;
    let versions: Vec<&str> = lock
        .get("package")
        .and_then(toml::Value::as_array)
        .into_iter()
        .flatten()
        .filter(|entry| entry.get("name").and_then(toml::Value::as_str) == Some(package))
        .filter_map(|entry| entry.get("version").and_then(toml::Value::as_str))
        .collect();
    match versions.as_slice() {
        [version] => Ok((*version).to_owned()),
        [] => bail!("Cargo.lock has no package {package}"),
        several => bail!("Cargo.lock has {package} {} times ({}): one is needed", several.len(), several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = r#"
version = 4
[[package]]
name = "wasm-bindgen"
version = "0.2.130"
dependencies = ["wasm-bindgen-macro"]
[[package]]
name = "wasm-bindgen-macro"
version = "0.2.131"
[[package]]
name = "getrandom"
version = "0.3.4"
[[package]]
name = "getrandom"
version = "0.4.1"
"#;

    #[test]
    fn the_locked_version_is_that_of_exactly_this_package() {
        assert_eq!(locked_version(LOCK, "wasm-bindgen").unwrap(), "0.2.130");
    }

    #[test]
    fn a_missing_or_doubled_package_is_an_error_that_names_it() {
        let missing = locked_version(LOCK, "wasm").unwrap_err().to_string();
        assert!(missing.contains("no package wasm"), "{missing}");
        let doubled = locked_version(LOCK, "getrandom").unwrap_err().to_string();
        assert!(doubled.contains("0.3.4, 0.4.1"), "{doubled}");
        assert!(locked_version("not a lock file [", "x").is_err());
    }

    #[test]
    fn the_repositorys_own_lock_file_names_wasm_bindgen() {
        let lock = read(&Workspace::find().unwrap().root.join("Cargo.lock")).unwrap();
        assert!(locked_version(&lock, "wasm-bindgen").unwrap().starts_with("0.2."));
    }

    #[test]
    fn the_cache_folder_prefers_its_own_variable_and_skips_relative_ones() {
        let with = |set: &'static [(&str, &str)]| {
            cache_folder(move |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| PathBuf::from(value)))
        };
        assert_eq!(with(&[("HOME", "/h")]), Some("/h/.cache/mtls-lab".into()));
        assert_eq!(with(&[("HOME", "/h"), ("XDG_CACHE_HOME", "/x")]), Some("/x/mtls-lab".into()));
        assert_eq!(with(&[("MTLS_LAB_CACHE", "rel"), ("HOME", "/h")]), Some("/h/.cache/mtls-lab".into()));
        assert_eq!(with(&[("MTLS_LAB_CACHE", "/c"), ("XDG_CACHE_HOME", "/x")]), Some("/c".into()));
        assert_eq!(with(&[]), None);
    }
}
