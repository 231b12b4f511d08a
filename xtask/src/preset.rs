//! The bundle presets of `wasm-pack.toml`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::split::Visit;
use crate::workspace::read;

/// How one browser bundle is built.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Preset {
    /// The preset's own name (the table's key).
    #[serde(skip)]
    pub name: String,
    /// Which of the page's bundles this is.
    pub bundle: Bundle,
    /// A cargo profile.
    pub profile: String,
    /// Cargo features; the default ones are always off.
    pub features: Vec<String>,
    /// Flags for rustc where it compiles our library, and links.
    pub rustc: Vec<String>,
    /// Whether function names stay in the file.
    pub keep_names: bool,
    /// Flags for wasm-opt; empty: it is not run.
    pub wasm_opt: Vec<String>,
    /// Where it goes through a first visit, to be parted into what that calls and the rest; none: it stays one file.
    pub first_visit: Option<Visit>,
    /// Largest size of the `.wasm` that a run waits for after brotli, in bytes. Only a preset with a limit is compressed.
    pub limit_brotli: Option<u64>,
}

/// The page's bundles.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Ord, PartialOrd)]
#[serde(rename_all = "lowercase")]
pub enum Bundle {
    /// Loaded first; runs everywhere.
    Cpu,
    /// The same where memory may be shared between threads.
    Threads,
    /// Reads a user's own files; loaded when there are some.
    Files,
    /// The CPU bundle's interface plus WebGPU.
    Gpu,
}

impl Bundle {
    /// The folder under `bundles/`, and the key in `bundles.json`.
    pub fn folder(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Threads => "threads",
            Self::Files => "files",
            Self::Gpu => "gpu",
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    page: Option<Page>,
    preset: BTreeMap<String, Preset>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Page {
    limit_brotli: u64,
}

/// All presets, by name, and what the page may weigh.
pub struct Presets(BTreeMap<String, Preset>, Option<Page>);

impl Presets {
    /// Reads `wasm-pack.toml` in the repository root.
    pub fn load(root: &Path) -> Result<Self> {
        Self::parse(&read(&root.join("wasm-pack.toml"))?)
    }

    fn parse(text: &str) -> Result<Self> {
        let mut file: File = toml::from_str(text).context("wasm-pack.toml")?;
        for (name, preset) in &mut file.preset {
            preset.name.clone_from(name);
        }
        Ok(Self(file.preset, file.page))
    }

    /// Most bytes, after brotli, that the page is drawn with before it loads an engine or data.
    pub fn first_paint(&self) -> Option<u64> {
        self.1.map(|page| page.limit_brotli)
    }

    /// One preset, or an error that lists those there are.
    pub fn get(&self, name: &str) -> Result<Preset> {
        self.0.get(name).cloned().with_context(|| {
            let known: Vec<&str> = self.0.keys().map(String::as_str).collect();
            format!("wasm-pack.toml has no preset {name:?}; it has {}", known.join(", "))
        })
    }

    /// The named presets, CPU first; each bundle at most once, and the CPU one always.
    pub fn choose(&self, names: &[&str]) -> Result<Vec<Preset>> {
        let mut chosen = names.iter().map(|name| self.get(name)).collect::<Result<Vec<_>>>()?;
        chosen.sort_by_key(|preset| preset.bundle);
        if let Some(pair) = chosen.windows(2).find(|pair| pair[0].bundle == pair[1].bundle) {
            bail!(
                "presets {} and {} are both the {} bundle: name one",
                pair[0].name,
                pair[1].name,
                pair[0].bundle.folder()
            );
        }
        if chosen.first().is_none_or(|preset| preset.bundle != Bundle::Cpu) {
            bail!("the page starts on the CPU bundle: name a CPU preset too");
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn committed() -> Presets {
        Presets::load(&crate::workspace::Workspace::find().unwrap().root).unwrap()
    }

    #[test]
    fn the_committed_file_has_products_with_limits_and_a_test_variant_of_each_without() {
        let presets = committed();
        for (name, bundle) in
            [("cpu", Bundle::Cpu), ("threads", Bundle::Threads), ("files", Bundle::Files), ("gpu", Bundle::Gpu)]
        {
            let product = presets.get(name).unwrap();
            let test = presets.get(&format!("{name}-test")).unwrap();
            assert_eq!((product.bundle, test.bundle), (bundle, bundle));
            assert_eq!(product.features, test.features, "same code in both");
            assert!(product.limit_brotli.is_some() && !product.keep_names);
            assert!(test.limit_brotli.is_none() && test.profile == "dev");
        }
        assert!(presets.first_paint().is_some());
    }

    #[test]
    fn a_misspelt_key_and_a_missing_key_are_errors() {
        let good = "[preset.a]\nbundle='cpu'\nprofile='dev'\nfeatures=[]\nrustc=[]\nkeep-names=true\nwasm-opt=[]\n";
        assert!(Presets::parse(good).is_ok());
        let misspelt = format!("{good}limit-brotil = 5\n");
        assert!(Presets::parse(&misspelt).is_err());
        assert!(Presets::parse(&good.replace("profile='dev'\n", "")).is_err());
        assert!(Presets::parse(&good.replace("'cpu'", "'tpu'")).is_err());
    }

    #[test]
    fn choosing_puts_the_cpu_bundle_first_and_refuses_what_cannot_be_served() {
        let presets = committed();
        let names =
            |list: &[&str]| presets.choose(list).map(|chosen| chosen.into_iter().map(|p| p.name).collect::<Vec<_>>());
        assert_eq!(names(&["gpu", "files", "cpu"]).unwrap(), ["cpu", "files", "gpu"]);
        assert!(names(&["gpu"]).is_err());
        assert!(names(&["cpu", "cpu-test"]).is_err());
        let unknown = names(&["fast"]).unwrap_err().to_string();
        assert!(unknown.contains("cpu-test"), "{unknown}");
    }
}
