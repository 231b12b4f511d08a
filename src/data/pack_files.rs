//! Packs in a folder (native): finding `packs/emoji` and reading what is asked for.

use crate::data::pack::{Manifest, Pack};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};

/// Environment variable that names the folder which holds the packs.
pub const PACKS_VARIABLE: &str = "MTLS_LAB_PACKS";

/// A pack's folder with its manifest read.
#[derive(Debug, Clone)]
pub struct PackFolder {
    folder: PathBuf,
    manifest: Manifest,
}

impl PackFolder {
    /// Opens the folder that holds `manifest.json`.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self> {
        let folder = folder.into();
        let manifest = Manifest::parse(&read(&folder.join("manifest.json"))?)?;
        Ok(Self { folder, manifest })
    }

    /// Looks for the bundled pack `name` in `$MTLS_LAB_PACKS`, then in `packs/` under the working directory, under
    /// each folder above the executable, and under the source tree this was built from.
    ///
    /// # Errors
    /// [`Error::Data`] that lists the folders it looked in.
    pub fn find(name: &str) -> Result<Self> {
        let candidates = candidates(name);
        match candidates.iter().find(|folder| folder.join("manifest.json").is_file()) {
            Some(folder) => Self::open(folder),
            None => Err(Error::Data(format!(
                "no data pack `{name}`: looked for manifest.json in {}; set {PACKS_VARIABLE} to the folder that holds `{name}`",
                candidates.iter().map(|folder| folder.display().to_string()).collect::<Vec<_>>().join(", ")
            ))),
        }
    }

    /// Its manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The pack with the parts called `names` loaded.
    pub fn load<S: AsRef<str>>(&self, names: impl IntoIterator<Item = S>) -> Result<Pack> {
        let mut pack = Pack::new(self.manifest.clone());
        for name in names {
            self.load_into(&mut pack, name.as_ref())?;
        }
        Ok(pack)
    }

    /// Adds one more part to a pack of this folder.
    pub fn load_into(&self, pack: &mut Pack, name: &str) -> Result<()> {
        let part = self.manifest.part(name)?;
        let beside = self.folder.join("..").join(&part.pack);
        let folder = if part.pack.is_empty() { &self.folder } else { &beside };
        pack.add_part(name, &read(&folder.join(&part.file))?)
    }
}

fn candidates(name: &str) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::env::var_os(PACKS_VARIABLE).map(PathBuf::from).into_iter().collect();
    let mut under: Vec<PathBuf> = std::env::current_dir().into_iter().collect();
    if let Ok(executable) = std::env::current_exe() {
        under.extend(executable.ancestors().skip(1).map(Path::to_path_buf));
    }
    under.push(PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    folders.extend(under.into_iter().map(|folder| folder.join("packs")));
    folders.into_iter().map(|folder| folder.join(name)).collect()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| Error::io(path, error))
}
