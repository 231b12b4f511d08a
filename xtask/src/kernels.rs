//! The loops of training as WebAssembly modules of their own (`kernels/`), and what a bundle needs so that several threads
//! may work in its memory.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{ExternalKind, Operator, Parser, Payload};

use crate::preset::Bundle;
use crate::progress;
use crate::setup::Ready;
use crate::toolchain::WASM;

/// File, and the SIMD that it is compiled for: relaxed SIMD has fused multiply-add, and not every browser knows it.
const RELAXED: (&str, &str) = ("kernels.wasm", "+simd128,+relaxed-simd");
const PLAIN: (&str, &str) = ("kernels-plain.wasm", "+simd128");
/// Memory that may be shared must have an end: all that 32 bits address. The standard library needs no atomics for it: one
/// thread alone runs the engine, the others only these modules.
const SHARED: [&str; 4] = ["--import-memory", "--shared-memory", "--max-memory=4294967296", "--no-check-features"];
/// What wasm-bindgen starts threads with.
const THREADED: [&str; 5] = ["__wasm_init_tls", "__tls_size", "__tls_align", "__tls_base", "__heap_base"];

/// What a bundle is linked with beside its preset's flags, as arguments of rustc.
pub fn linked_with(bundle: Bundle) -> Vec<String> {
    if bundle != Bundle::Threads {
        return Vec::new();
    }
    let exports = THREADED.iter().map(|name| format!("--export={name}"));
    SHARED.iter().map(ToString::to_string).chain(exports).map(|flag| format!("-Clink-arg={flag}")).collect()
}

/// The modules for a bundle, best first: the page takes the first one that its browser compiles. For one thread the plain
/// loops are in the bundle itself.
fn modules(bundle: Bundle) -> &'static [(&'static str, &'static str)] {
    match bundle {
        // The GPU's bundle, too, does on the CPU what is done once, and measures whether the GPU is faster.
        Bundle::Cpu | Bundle::Gpu => &[RELAXED],
        Bundle::Threads => &[RELAXED, PLAIN],
        Bundle::Files => &[],
    }
}

/// Their files.
pub fn names(bundle: Bundle) -> impl Iterator<Item = &'static str> {
    modules(bundle).iter().map(|(name, _)| *name)
}

/// Compiles them into `folder`.
pub fn build(ready: &Ready, bundle: Bundle, folder: &Path) -> Result<()> {
    for (name, simd) in modules(bundle) {
        let mut cargo = ready.wasm_tool("cargo")?;
        cargo.args(["rustc", "--package", "mtls-kernels", "--lib", "--crate-type", "cdylib", "--features", "module"]);
        // Always optimised: a test that runs these loops runs those of the product.
        cargo.args(["--release", "--target", WASM, "--message-format=json", "--"]);
        cargo.arg(format!("-Ctarget-feature={simd}"));
        let memory: &[&str] = if bundle == Bundle::Threads { &SHARED } else { &["--import-memory"] };
        let flags = ["--strip-all"].iter().chain(memory);
        cargo.args(flags.map(|flag| format!("-Clink-arg={flag}")));
        let built = progress::cargo(&mut cargo, 1)?;
        ensure!(built.success, "{name} did not compile; cargo's message is above");
        let wasm = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "wasm");
        let file = built.files.into_iter().find(wasm).context("cargo made no .wasm file of mtls-kernels")?;
        let bytes = std::fs::read(file)?;
        needs_nothing(&bytes).with_context(|| name.to_string())?;
        std::fs::write(folder.join(name), bytes)?;
    }
    Ok(())
}

/// A module that works in somebody else's memory must have neither data there nor a stack.
fn needs_nothing(module: &[u8]) -> Result<()> {
    for payload in Parser::new(0).parse_all(module) {
        match payload? {
            Payload::DataSection(data) if data.count() > 0 => bail!("it has data: is there a panic in kernels/?"),
            Payload::CodeSectionEntry(body) => {
                for operator in body.get_operators_reader()? {
                    if matches!(operator?, Operator::GlobalGet { .. } | Operator::GlobalSet { .. }) {
                        bail!("it has a stack: is there an array in kernels/ that does not fit into registers?");
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// What wasm-bindgen can work on: it allots each thread its thread-local storage, with the alignment that the linker
/// exports, and the linker says 0 where there is none. Nobody can allocate to that; 1 does.
pub fn with_tls_alignment(mut module: Vec<u8>) -> Result<Vec<u8>> {
    let (mut index, mut globals) = (None, Vec::new());
    for payload in Parser::new(0).parse_all(&module) {
        match payload? {
            Payload::ExportSection(exports) => {
                for export in exports {
                    let export = export?;
                    if export.kind == ExternalKind::Global && export.name == "__tls_align" {
                        index = Some(export.index as usize);
                    }
                }
            }
            Payload::GlobalSection(section) => {
                for global in section {
                    globals.push(global?.init_expr.get_binary_reader().original_position());
                }
            }
            _ => {}
        }
    }
    let index = index.context("the linker exported no __tls_align")?;
    let at = *globals.get(index).context("__tls_align is no global of the module")?;
    // `i32.const 0`
    let at = usize::try_from(at)?;
    match module.get_mut(at..at + 2) {
        Some([0x41, value @ 0]) => *value = 1,
        Some([0x41, _]) => {}
        other => bail!("__tls_align is {other:?}"),
    }
    Ok(module)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A module with a global `__tls_align` of `value`, and with data or a function that uses a stack.
    fn module(value: u8, data: bool, stack: bool) -> Vec<u8> {
        let mut bytes = b"\0asm\x01\0\0\0".to_vec();
        let mut section = |id: u8, content: &[u8]| {
            bytes.extend([id, u8::try_from(content.len()).unwrap()]);
            bytes.extend(content);
        };
        section(1, &[1, 0x60, 0, 0]);
        section(3, &[1, 0]);
        section(5, &[1, 0, 1]);
        section(6, &[2, 0x7f, 1, 0x41, 7, 0x0b, 0x7f, 0, 0x41, value, 0x0b]);
        section(7, &[&[1, 11], &b"__tls_align"[..], &[3, 1]].concat());
        section(10, if stack { &[1, 5, 0, 0x23, 0, 0x1a, 0x0b] } else { &[1, 2, 0, 0x0b] });
        if data {
            section(11, &[1, 0, 0x41, 0, 0x0b, 1, 9]);
        }
        bytes
    }

    #[test]
    fn data_and_a_stack_are_found() {
        assert!(needs_nothing(&module(0, false, false)).is_ok());
        assert!(needs_nothing(&module(0, true, false)).unwrap_err().to_string().contains("data"));
        assert!(needs_nothing(&module(0, false, true)).unwrap_err().to_string().contains("stack"));
    }

    #[test]
    fn an_alignment_of_none_becomes_one_and_any_other_stays() {
        assert_eq!(with_tls_alignment(module(0, false, false)).unwrap(), module(1, false, false));
        assert_eq!(with_tls_alignment(module(8, true, false)).unwrap(), module(8, true, false));
        assert!(with_tls_alignment(b"\0asm\x01\0\0\0".to_vec()).unwrap_err().to_string().contains("__tls_align"));
    }
}
