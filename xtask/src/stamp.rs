//! Stamps: a hash of what a step was made from, kept beside its result, so that a second call
//! need not make it again. A stamp is written last: an interrupted step has none.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The hash of some named files of a folder (a missing one counts as empty).
pub fn files(folder: &Path, names: &[&str]) -> Result<String> {
    let mut hash = Sha256::new();
    for name in names {
        add(&mut hash, name, &std::fs::read(folder.join(name)).unwrap_or_default());
    }
    Ok(hex(hash))
}

/// The hash of all files below a folder, by relative path, without the named entries.
pub fn tree(folder: &Path, without: &[&str]) -> Result<String> {
    let mut hash = Sha256::new();
    for file in walk(folder, without)? {
        let bytes = std::fs::read(folder.join(&file))?;
        add(&mut hash, &file.to_string_lossy(), &bytes);
    }
    Ok(hex(hash))
}

/// The hash of some texts and byte strings.
pub fn parts(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        add(&mut hash, "", part);
    }
    hex(hash)
}

/// Whether a stamp file holds this hash.
pub fn matches(stamp: &Path, now: &str) -> bool {
    std::fs::read_to_string(stamp).is_ok_and(|text| text == now)
}

/// Writes a stamp file.
pub fn write(stamp: &Path, now: &str) -> Result<()> {
    std::fs::write(stamp, now).with_context(|| format!("cannot write {}", stamp.display()))
}

/// All files below a folder, relative to it, sorted. `without` are relative paths not entered.
pub fn walk(folder: &Path, without: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let path = folder.join(&relative);
        let entries = std::fs::read_dir(&path).with_context(|| format!("cannot read {}", path.display()))?;
        for entry in entries {
            let entry = entry?;
            let name = relative.join(entry.file_name());
            if without.iter().any(|skip| name == Path::new(skip)) {
                continue;
            }
            if entry.file_type()?.is_dir() {
                open.push(name);
            } else {
                found.push(name);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Copies a folder's files, making folders as needed.
pub fn copy_tree(from: &Path, to: &Path) -> Result<()> {
    for file in walk(from, &[])? {
        let target = to.join(&file);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(from.join(&file), &target).with_context(|| format!("cannot write {}", target.display()))?;
    }
    Ok(())
}

/// The lengths go in too, so that no two different lists of parts read alike.
fn add(hash: &mut Sha256, name: &str, bytes: &[u8]) {
    hash.update((name.len() as u64).to_le_bytes());
    hash.update(name);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_hash_sees_content_names_and_moves_but_not_what_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("out/deep")).unwrap();
        std::fs::write(at("a"), "1").unwrap();
        std::fs::write(at("out/deep/b"), "2").unwrap();
        let first = tree(folder.path(), &["out"]).unwrap();
        let whole = tree(folder.path(), &[]).unwrap();
        assert_ne!(first, whole);
        std::fs::write(at("out/deep/b"), "3").unwrap();
        assert_eq!(tree(folder.path(), &["out"]).unwrap(), first);
        assert_ne!(tree(folder.path(), &[]).unwrap(), whole);
        std::fs::rename(at("a"), at("c")).unwrap();
        assert_ne!(tree(folder.path(), &["out"]).unwrap(), first);
    }

    #[test]
    fn parts_cannot_run_into_each_other() {
        assert_ne!(parts(&[b"ab", b"c"]), parts(&[b"a", b"bc"]));
    }
}
