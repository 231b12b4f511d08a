//! The folder that any static host can serve: Vite's output, the bundles, the packs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::bundle::{Entry, Finished, compress};
use crate::preset::{Bundle, Preset, Presets};
use crate::process::{run, size};
use crate::setup::Ready;
use crate::stamp;
use crate::workspace::read;

/// `bundles.json`, which the page polls until the bundle that it wants is there.
#[derive(Debug, Default, Deserialize, Serialize)]
pub struct Bundles {
    /// Always there in a finished folder.
    pub cpu: Option<Entry>,
    /// Taken in place of it where memory may be shared; `null` until it is built.
    #[serde(default)]
    pub threads: Option<Entry>,
    /// `null` where only engines were built.
    pub files: Option<Entry>,
    /// `null` until it is built.
    pub gpu: Option<Entry>,
}

/// Builds the site and lays it into `out` with the packs, without any bundle yet.
pub fn lay(ready: &Ready, out: &Path, product: bool) -> Result<()> {
    let built = vite(ready, product)?;
    if product {
        let (bytes, limit) = (first_paint(&built)?, Presets::load(&ready.workspace.root)?.first_paint());
        eprintln!("page: {} brotli before an engine or data", size(bytes));
        if limit.is_some_and(|limit| bytes > limit) {
            bail!("the page is {bytes} bytes after brotli before anything is loaded; wasm-pack.toml allows {limit:?}");
        }
    }
    if out.exists() {
        std::fs::remove_dir_all(out).with_context(|| format!("cannot empty {}", out.display()))?;
    }
    stamp::copy_tree(&built, out)?;
    let _ = std::fs::remove_file(out.join(".stamp"));
    let packs = ready.workspace.root.join("packs");
    if packs.is_dir() {
        stamp::copy_tree(&packs, &out.join("packs"))?;
    }
    write_json(out, &Bundles::default())
}

/// Puts a finished bundle into a laid folder that may be served already: first the files, then the
/// list that names them.
pub fn add(out: &Path, preset: &Preset, bundle: &Finished) -> Result<()> {
    let name = preset.bundle.folder();
    let parent = out.join("bundles");
    let target = parent.join(name);
    let arriving = parent.join(format!("{name}.new"));
    if arriving.exists() {
        std::fs::remove_dir_all(&arriving)?;
    }
    stamp::copy_tree(&bundle.folder, &arriving)?;
    let _ = std::fs::remove_file(arriving.join(".stamp"));
    if target.exists() {
        std::fs::remove_dir_all(&target)?;
    }
    std::fs::rename(&arriving, &target)?;
    let text = std::fs::read_to_string(out.join("bundles.json")).unwrap_or_default();
    let mut list: Bundles = serde_json::from_str(&text).unwrap_or_default();
    match preset.bundle {
        Bundle::Cpu => list.cpu = Some(bundle.entry.clone()),
        Bundle::Threads => list.threads = Some(bundle.entry.clone()),
        Bundle::Files => list.files = Some(bundle.entry.clone()),
        Bundle::Gpu => list.gpu = Some(bundle.entry.clone()),
    }
    write_json(out, &list)
}

fn write_json(out: &Path, list: &Bundles) -> Result<()> {
    let new = out.join("bundles.json.new");
    std::fs::write(&new, serde_json::to_string_pretty(list)?)?;
    std::fs::rename(new, out.join("bundles.json"))?;
    Ok(())
}

/// Vite's output, made anew when the sources, the version or the commit changed.
fn vite(ready: &Ready, product: bool) -> Result<PathBuf> {
    let workspace = &ready.workspace;
    let www = workspace.www();
    if !www.join("package.json").is_file() {
        bail!("www/ has no package.json: there is no site to build");
    }
    let kind = if product { "site" } else { "site-test" };
    let built = workspace.root.join("target").join(kind);
    let (version, commit) = (workspace.version()?, workspace.commit());
    let without = ["node_modules", "src/pkg", "dist", "test-results", "playwright-report"];
    let sources = stamp::tree(&www, &without)?;
    // What the site hands to an exported search page.
    let page = ["src/export/page", "examples/javascript"].map(|folder| stamp::tree(&workspace.root.join(folder), &[]));
    let page = page.into_iter().collect::<Result<String>>()?;
    let now = stamp::parts(&[sources.as_bytes(), page.as_bytes(), version.as_bytes(), commit.as_bytes()]);
    let stamp_file = built.join(".stamp");
    if stamp::matches(&stamp_file, &now) {
        return Ok(built);
    }
    run(ready
        .tool("npm")?
        .args(["run", "build", "--", "--emptyOutDir", "--outDir"])
        .arg(&built)
        .current_dir(&www)
        .env("VITE_MTLS_LAB_VERSION", version)
        .env("VITE_MTLS_LAB_COMMIT", commit))?;
    if !built.join("index.html").is_file() {
        bail!("the site build left no index.html in {}", built.display());
    }
    if product {
        let texts: Vec<PathBuf> =
            stamp::walk(&built, &[])?.into_iter().filter(|file| is_text(file)).map(|file| built.join(file)).collect();
        compress(&workspace.root, &texts)?;
    }
    stamp::write(&stamp_file, &now)?;
    Ok(built)
}

/// Bytes, as a host with brotli sends them, of index.html and of the scripts and styles that it names.
pub fn first_paint(site: &Path) -> Result<u64> {
    let index = read(&site.join("index.html"))?;
    let values = ["src=\"./", "href=\"./"].into_iter().flat_map(|start| index.split(start).skip(1));
    let named = values.filter_map(|rest| rest.split('"').next());
    let named = named.filter(|file| file.ends_with(".js") || file.ends_with(".css"));
    named.map(|file| sent(site, file)).try_fold(sent(site, "index.html")?, |sum, bytes| Ok(sum + bytes?))
}

/// Bytes of the compressed file where there is one.
fn sent(site: &Path, file: &str) -> Result<u64> {
    let compressed = site.join(format!("{file}.br"));
    let path = if compressed.is_file() { compressed } else { site.join(file) };
    Ok(std::fs::metadata(&path).with_context(|| path.display().to_string())?.len())
}

fn is_text(file: &Path) -> bool {
    file.extension()
        .and_then(|extension| extension.to_str())
        .is_some_and(|extension| ["css", "html", "js", "json", "svg"].contains(&extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(raw: u64) -> Entry {
        Entry {
            js: "a".into(),
            wasm: "b".into(),
            rest: None,
            kernels: vec![],
            raw,
            gzip: None,
            brotli: None,
            brotli_rest: None,
            version: "1".into(),
            commit: "c".into(),
            preset: "p".into(),
        }
    }

    fn preset(bundle: Bundle) -> Preset {
        Preset {
            name: "p".into(),
            bundle,
            profile: "dev".into(),
            features: vec![],
            rustc: vec![],
            keep_names: true,
            wasm_opt: vec![],
            first_visit: None,
            limit_brotli: None,
        }
    }

    #[test]
    fn a_bundle_that_comes_later_joins_the_list_and_a_new_one_replaces_the_old_files() {
        let (out, made) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let finished = |raw| Finished { folder: made.path().to_path_buf(), entry: entry(raw) };
        let listed =
            || -> Bundles { serde_json::from_slice(&std::fs::read(out.path().join("bundles.json")).unwrap()).unwrap() };
        std::fs::write(made.path().join("old.js"), "1").unwrap();
        add(out.path(), &preset(Bundle::Cpu), &finished(1)).unwrap();
        assert!(listed().gpu.is_none());
        add(out.path(), &preset(Bundle::Gpu), &finished(2)).unwrap();
        assert_eq!(listed().cpu.unwrap().raw, 1);
        assert_eq!(listed().gpu.unwrap().raw, 2);
        std::fs::rename(made.path().join("old.js"), made.path().join("new.js")).unwrap();
        add(out.path(), &preset(Bundle::Cpu), &finished(3)).unwrap();
        assert!(!out.path().join("bundles/cpu/old.js").exists());
        assert!(out.path().join("bundles/cpu/new.js").exists());
    }
}
