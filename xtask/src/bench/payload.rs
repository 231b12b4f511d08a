//! Sizes of the built site, as a host with brotli sends them.

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::json;

use super::facts::Facts;
use crate::site::{Bundles, first_paint};
use crate::workspace::read;

/// The bundles of the built site. Fails where there is none, and where it is not what is published: its sizes and times
/// would say nothing.
pub fn product(dist: &Path) -> Result<Bundles> {
    let file = dist.join("bundles.json");
    let bundles: Bundles = if file.is_file() { serde_json::from_str(&read(&file)?)? } else { Bundles::default() };
    if bundles.cpu.is_none() || !dist.join("index.html").is_file() {
        bail!("dist/ is not built: `cargo xtask build`, then measure again");
    }
    let built = [&bundles.cpu, &bundles.threads, &bundles.files, &bundles.gpu];
    let other = |preset: &str| preset.ends_with("-test") || preset.ends_with("-bench");
    if let Some(entry) = built.into_iter().flatten().find(|entry| other(&entry.preset)) {
        bail!("dist/ holds another site ({}): `cargo xtask build`, then measure again", entry.preset);
    }
    Ok(bundles)
}

/// What the page needs to paint: itself, and the scripts and styles that it names.
pub fn measure(dist: &Path, facts: &mut Facts) -> Result<()> {
    let bundles = product(dist)?;
    let mut add = |what: &str, bytes: u64| {
        #[expect(clippy::cast_precision_loss, reason = "file sizes")]
        facts.add("payload", [json!({"what": what, "kb": bytes as f64 / 1e3})]);
    };
    add("first paint: page, scripts, styles", first_paint(dist)?);
    for (what, entry) in [
        ("CPU bundle", bundles.cpu),
        ("threaded CPU bundle", bundles.threads),
        ("files bundle", bundles.files),
        ("GPU bundle", bundles.gpu),
    ] {
        let Some(entry) = entry else { continue };
        if let Some(brotli) = entry.brotli {
            add(what, brotli);
        }
        if let Some(brotli) = entry.brotli_rest {
            add(&format!("{what}: the rest, when a run stands"), brotli);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn entry(preset: &str) -> Value {
        json!({"js": "", "wasm": "", "raw": 1, "gzip": null, "brotli": null, "version": "", "commit": "", "preset": preset})
    }

    #[test]
    fn the_first_paint_is_the_page_with_its_scripts_and_styles_compressed() {
        let dist = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: usize| std::fs::write(dist.path().join(name), vec![b' '; bytes]).unwrap();
        let index = r#"<link rel="icon" href="./icon.svg"><script src="./a.js"></script><link rel="stylesheet" href="./b.css">"#;
        std::fs::write(dist.path().join("index.html"), index).unwrap();
        put("index.html.br", 40);
        put("a.js", 900);
        put("a.js.br", 300);
        put("b.css", 60);
        std::fs::write(dist.path().join("bundles.json"), json!({"cpu": entry("cpu"), "gpu": null}).to_string())
            .unwrap();
        let mut facts = Facts::default();
        measure(dist.path(), &mut facts).unwrap();
        let paint = facts.most("payload", &json!({"what": "first paint: page, scripts, styles"}), "kb");
        assert_eq!(paint.map(|r| r.value), Some(0.4));
        assert_eq!(facts.most("payload", &json!({"what": "CPU bundle"}), "kb"), None);
    }

    #[test]
    fn a_site_that_is_not_built_says_how() {
        let empty = tempfile::tempdir().unwrap();
        assert!(measure(empty.path(), &mut Facts::default()).unwrap_err().to_string().contains("cargo xtask build"));
    }

    #[test]
    fn the_tests_site_is_not_measured() {
        let dist = tempfile::tempdir().unwrap();
        std::fs::write(dist.path().join("index.html"), "").unwrap();
        let put = |preset: &str| {
            let bundles = json!({"cpu": entry("cpu"), "gpu": entry(preset)});
            std::fs::write(dist.path().join("bundles.json"), bundles.to_string()).unwrap();
        };
        put("gpu-test");
        let said = measure(dist.path(), &mut Facts::default()).unwrap_err().to_string();
        assert!(said.contains("gpu-test") && said.contains("cargo xtask build"), "{said}");
        put("gpu");
        measure(dist.path(), &mut Facts::default()).unwrap();
    }
}
