//! An engine as two files: what a first visit calls, which a visitor waits for, and the rest, which the page loads when a run
//! stands (`www/src/worker/rest.ts`).
//!
//! Binaryen's wasm-split parts them by a profile: an instrumented engine goes through a first visit (`xtask/first-visit.mjs`).
//! What the visit called stays; everything else becomes a call through the table, whose places the rest fills.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Error, Result, ensure};
use serde::Deserialize;
use wasmparser::{ExternalKind, Parser, Payload};

use crate::browser::Browser;
use crate::bundle::{BINARY, JS};
use crate::preset::Preset;
use crate::process::{clock, command, run, text};
use crate::setup::Ready;
use crate::stamp;

/// The second file.
pub const REST: &str = "mtls_lab_rest.wasm";
/// What compiled Rust uses and wasm-split would refuse.
const FEATURES: [&str; 8] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
    "--enable-simd",
    "--enable-threads",
];
/// What an engine imports from, as wasm-bindgen calls it.
const GLUE: &str = "./mtls_lab_bg.js";
/// wasm-bindgen's table of JavaScript's objects.
const OBJECTS: &str = "__wbindgen_externrefs";

/// Where a bundle goes through its first visit.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Visit {
    /// In Node.
    Node,
    /// In a browser: the run is on WebGPU.
    Browser,
}

/// What parts a preset's bundle here, for its stamp; none: it stays one file.
pub fn parted_by(ready: &Ready, visit: Visit) -> Result<String> {
    let version = text(ready.tool("wasm-split")?.arg("--version"))?;
    let browser = match visit {
        Visit::Node => String::new(),
        Visit::Browser => text(command(Browser::chrome()?).arg("--version"))?,
    };
    Ok(version + &browser)
}

/// Parts the bundle in `folder`, whose loops (`kernels.wasm`) are there already. Where the tools for that are missing, or the
/// browser has no WebGPU, it stays one file, which is said.
pub fn split(ready: &Ready, preset: &Preset, visit: Visit, folder: &Path) -> Result<()> {
    let whole_is_fine = |why: &Error| {
        eprintln!("bundle {}: stays one file, a visitor waits for all of it: {why:#}", preset.name);
    };
    if let Err(why) = parted_by(ready, visit) {
        whole_is_fine(&why);
        return Ok(());
    }
    let started = Instant::now();
    eprintln!("bundle {}: a first visit, to see what it calls (under a minute; with WebGPU 3)", preset.name);
    let [binary, glue, whole, counting, profile] =
        [BINARY, JS, "whole.wasm", "counting.wasm", "profile"].map(|name| folder.join(name));
    let plain = std::fs::read_to_string(&glue)?;
    std::fs::rename(&binary, &whole)?;
    std::fs::write(&glue, with_placeholders(&plain, "")?)?;
    let tool = || -> Result<_> {
        let mut tool = ready.tool("wasm-split")?;
        tool.args(FEATURES);
        Ok(tool)
    };
    run(tool()?.arg("--instrument").arg(&whole).arg("-o").arg(&counting))?;
    mend_exports(&counting)?;
    let visited = visited(ready, visit, folder, &profile);
    std::fs::remove_file(counting)?;
    if let (Err(why), Visit::Browser) = (&visited, visit) {
        whole_is_fine(why);
        std::fs::rename(whole, binary)?;
        std::fs::write(glue, plain)?;
        return Ok(());
    }
    visited?;
    // Two files of different builds do not link.
    let primary = format!("primary-{:.16}", stamp::parts(&[&std::fs::read(&whole)?, &std::fs::read(&profile)?]));
    std::fs::write(&glue, with_placeholders(&plain, &primary)?)?;
    let mut part = tool()?;
    if preset.keep_names {
        part.arg("-g");
    }
    part.arg("--split").arg(&whole).arg("--profile").arg(&profile).args(["--import-namespace", &primary]);
    run(part.arg("-o1").arg(&binary).arg("-o2").arg(folder.join(REST)))?;
    mend_exports(&binary)?;
    known_imports(&std::fs::read(&binary)?)?;
    for file in [whole, profile] {
        std::fs::remove_file(file)?;
    }
    eprintln!("bundle {}: parted in {}", preset.name, clock(started.elapsed()));
    Ok(())
}

/// Writes the profile of a first visit.
fn visited(ready: &Ready, visit: Visit, folder: &Path, profile: &Path) -> Result<()> {
    let mut node = ready.tool("node")?;
    node.arg(ready.workspace.root.join("xtask/first-visit.mjs")).arg(folder);
    if visit == Visit::Node {
        return run(node.arg(profile));
    }
    // Each in a page of its own: a page opens one GPU.
    let visits = ["profile.1", "profile.2"].map(|name| folder.join(name));
    run(node.args(&visits).arg(Browser::chrome()?))?;
    run(ready.tool("wasm-split")?.arg("--merge-profiles").args(&visits).arg("-o").arg(profile))?;
    visits.iter().try_for_each(std::fs::remove_file)?;
    Ok(())
}

/// The first file takes what the page gives it, and nothing else: other versions of wasm-split name placeholders otherwise.
fn known_imports(module: &[u8]) -> Result<()> {
    for payload in Parser::new(0).parse_all(module) {
        let Payload::ImportSection(imports) = payload? else { continue };
        for import in imports.into_imports() {
            let from = import?.module;
            ensure!(
                [GLUE, "placeholder"].contains(&from),
                "this wasm-split has the first file import from {from:?}; version 108 is known to work"
            );
        }
    }
    Ok(())
}

/// wasm-bindgen's JavaScript, with imports for the functions that are not in the first file: `onMissing` takes who calls them,
/// by their place in the table and with their arguments; `primary` is what the rest imports from.
fn with_placeholders(glue: &str, primary: &str) -> Result<String> {
    let imports = format!("        \"{GLUE}\": import0,\n");
    ensure!(
        glue.matches(&imports).count() == 1,
        "wasm-bindgen writes its imports in another way than xtask/src/split.rs knows; it looks for {imports:?}"
    );
    let with = format!("{imports}        placeholder,\n");
    Ok(glue.replace(&imports, &with)
        + &format!("\nexport const primary = \"{primary}\";")
        + "\nlet missing;\n\
           const placeholder = new Proxy({}, { get: (_, place) => (...given) => missing(Number(place), given) });\n\
           export function onMissing(call) { missing = call; }\n")
}

/// Binaryen before version 110 writes every exported table as the first one: the table of objects is given its own again.
fn mend_exports(file: &Path) -> Result<()> {
    let mut module = std::fs::read(file)?;
    let (mut objects, mut tables, mut exported) = (None, 0, None);
    for payload in Parser::new(0).parse_all(&module) {
        match payload? {
            Payload::TableSection(section) => {
                for table in section {
                    if table?.ty.element_type.is_extern_ref() {
                        objects = Some(tables);
                    }
                    tables += 1;
                }
            }
            Payload::ExportSection(exports) => {
                for export in exports.into_iter_with_offsets() {
                    let (at, export) = export?;
                    if export.kind == ExternalKind::Table && export.name == OBJECTS {
                        // The length of the name, the name, the kind, then the index: each number is one byte.
                        exported = Some(usize::try_from(at)? + 1 + export.name.len() + 1);
                    }
                }
            }
            _ => {}
        }
    }
    let at = exported.with_context(|| format!("no export {OBJECTS}: has wasm-bindgen another name for it?"))?;
    let table: u8 = objects.context("no table of objects")?;
    *module.get_mut(at).context("an export ends in the middle")? = table;
    std::fs::write(file, module)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with a table of functions and one of objects, which is exported as table `index`.
    fn module(index: u8) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        bytes.extend([4, 7, 2, 0x70, 0, 0, 0x6f, 0, 0]);
        bytes.extend([7, u8::try_from(OBJECTS.len()).unwrap() + 4, 1, u8::try_from(OBJECTS.len()).unwrap()]);
        bytes.extend(OBJECTS.as_bytes());
        bytes.extend([1, index]);
        bytes
    }

    #[test]
    fn the_table_of_objects_is_exported_as_itself() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("module.wasm");
        for index in [0, 1] {
            std::fs::write(&file, module(index)).unwrap();
            mend_exports(&file).unwrap();
            assert_eq!(std::fs::read(&file).unwrap(), module(1));
        }
        std::fs::write(&file, b"\0asm\x01\0\0\0").unwrap();
        assert!(mend_exports(&file).unwrap_err().to_string().contains(OBJECTS));
    }

    #[test]
    fn placeholders_are_imports_beside_wasm_bindgens_own() {
        let glue = "return {\n        \"./mtls_lab_bg.js\": import0,\n    };\n";
        let with = with_placeholders(glue, "primary-1").unwrap();
        assert!(with.starts_with("return {\n        \"./mtls_lab_bg.js\": import0,\n        placeholder,\n    };\n"));
        assert!(with.contains("export function onMissing") && with.contains("export const primary = \"primary-1\";"));
        assert!(with_placeholders("return {};", "").unwrap_err().to_string().contains("xtask/src/split.rs"));
    }
}
