//! An engine as two files: what a first visit calls, which a visitor waits for, and the rest, which the page loads when a run
//! stands (`www/src/worker/rest.ts`).
//!
//! Binaryen's wasm-split parts them by a profile: an instrumented engine goes through a first visit (`xtask/first-visit.mjs`).
//! What the visit called stays; everything else becomes a call through the table, whose places the rest fills.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use wasmparser::{ExternalKind, Parser, Payload};

use crate::browser::Browser;
use crate::bundle::{BINARY, JS};
use crate::preset::Preset;
use crate::process::{clock, run};
use crate::setup::Ready;

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
/// wasm-bindgen's table of JavaScript's objects.
const OBJECTS: &str = "__wbindgen_externrefs";

/// Where a bundle goes through its first visit.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Visit {
    /// In Node.
    Node,
    /// In a browser: the run is on WebGPU. Where there is none the bundle stays one file, which is said.
    Browser,
}

/// Parts the bundle in `folder`, whose loops (`kernels.wasm`) are there already.
pub fn split(ready: &Ready, preset: &Preset, visit: Visit, folder: &Path) -> Result<()> {
    let browser = match (visit, Browser::find()) {
        (Visit::Node, _) => None,
        (Visit::Browser, Ok(browser)) => Some(browser.chrome),
        (Visit::Browser, Err(why)) => {
            eprintln!("bundle {}: stays one file, a visitor waits for all of it: {why}", preset.name);
            return Ok(());
        }
    };
    let started = Instant::now();
    eprintln!("bundle {}: a first visit, to see what it calls (under a minute; with WebGPU 3)", preset.name);
    let (binary, whole, counting, profile) =
        (folder.join(BINARY), folder.join("whole.wasm"), folder.join("counting.wasm"), folder.join("profile"));
    std::fs::rename(&binary, &whole)?;
    let glue = folder.join(JS);
    let text = std::fs::read_to_string(&glue)?;
    std::fs::write(&glue, with_placeholders(&text)?)?;
    let tool = || -> Result<_> {
        let mut tool = ready.tool("wasm-split")?;
        tool.args(FEATURES);
        Ok(tool)
    };
    run(tool()?.arg("--instrument").arg(&whole).arg("-o").arg(&counting))?;
    mend_exports(&counting)?;
    let mut node = ready.tool("node")?;
    node.arg(ready.workspace.root.join("xtask/first-visit.mjs")).arg(folder);
    if let Some(chrome) = browser {
        // Each in a page of its own: a page opens one GPU.
        let visits = [folder.join("profile.1"), folder.join("profile.2")];
        run(node.args(&visits).arg(chrome))?;
        run(ready.tool("wasm-split")?.arg("--merge-profiles").args(&visits).arg("-o").arg(&profile))?;
        visits.iter().try_for_each(std::fs::remove_file)?;
    } else {
        run(node.arg(&profile))?;
    }
    let mut part = tool()?;
    if preset.keep_names {
        part.arg("-g");
    }
    part.arg("--split").arg(&whole).arg("--profile").arg(&profile);
    run(part.arg("-o1").arg(&binary).arg("-o2").arg(folder.join(REST)))?;
    mend_exports(&binary)?;
    for file in [whole, counting, profile] {
        std::fs::remove_file(file)?;
    }
    eprintln!("bundle {}: parted in {}", preset.name, clock(started.elapsed()));
    Ok(())
}

/// wasm-bindgen's JavaScript, with imports for the functions that are not in the first file: `onMissing` takes who calls them,
/// by their place in the table and with their arguments.
fn with_placeholders(glue: &str) -> Result<String> {
    let imports = "        \"./mtls_lab_bg.js\": import0,\n";
    ensure!(
        glue.matches(imports).count() == 1,
        "wasm-bindgen writes its imports in another way than xtask/src/split.rs knows; it looks for {imports:?}"
    );
    let with = format!("{imports}        placeholder,\n");
    Ok(glue.replace(imports, &with)
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
        let with = with_placeholders(glue).unwrap();
        assert!(with.starts_with("return {\n        \"./mtls_lab_bg.js\": import0,\n        placeholder,\n    };\n"));
        assert!(with.contains("export function onMissing"));
        assert!(with_placeholders("return {};").unwrap_err().to_string().contains("xtask/src/split.rs"));
    }
}
