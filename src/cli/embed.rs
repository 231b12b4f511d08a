//! `mtls-lab embed RUN --data DIR` or `--texts FILE`: new pictures or texts through a trained run.
//!
//! Pictures are read, embedded and written a few at a time, so that a folder may be larger than memory. The same command
//! goes on where it was cut off, as long as the run and the files are the same.

use super::DeviceArguments;
use super::embedded::{Format, Out};
use super::reading::stamp;
use super::run_folder::RunFolder;
use super::source::Source;
use clap::Args;
use mtls_lab::config::ImageFeatures;
use mtls_lab::data::Tiles;
use mtls_lab::device;
use mtls_lab::error::{Error, Result};
use mtls_lab::features::encoder::{ENCODER_SIZE, Encoder};
use mtls_lab::features::pca::Pca;
use mtls_lab::features::{decode, image};
use mtls_lab::matrix::Matrix;
use mtls_lab::tensor::Device;
use mtls_lab::train::Session;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// Pictures or texts at a time.
const BATCH: usize = 64;
/// Side of a thumbnail, as in the packs.
const TILE: usize = 64;
/// Endings of pictures.
const PICTURES: [&str; 5] = ["png", "jpg", "jpeg", "webp", "gif"];

#[derive(Args)]
pub struct EmbedArguments {
    /// Folder written by `train --out`, or an experiment (.mtls).
    run: PathBuf,
    /// A folder of pictures; the folders inside it count too.
    #[arg(long, value_name = "DIR", required_unless_present = "texts", conflicts_with = "texts")]
    data: Option<PathBuf>,
    /// A file with a text a line.
    #[arg(long, value_name = "FILE")]
    texts: Option<PathBuf>,
    /// The embeddings: .npz (keys, vectors) or .jsonl (a line each).
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    device: DeviceArguments,
}

pub async fn run(arguments: EmbedArguments) -> Result<()> {
    let format = Format::of(&arguments.out)?;
    let opened = device::open(arguments.device.device, &Default::default()).await?;
    let run = RunFolder::open(&arguments.run)?;
    let (session, source) = run.session(opened.device.clone())?;
    let mut subject = Sha256::new_with_prefix(run.snapshot()?);
    subject.update(&opened.report.kind);
    if let Some(folder) = &arguments.data {
        let mut files = Vec::new();
        find(folder, &mut files)?;
        if files.is_empty() {
            let problem = format!("{}: there is no picture ({}) in it", folder.display(), PICTURES.join(", "));
            return Err(Error::Data(problem));
        }
        files.iter().for_each(|file| subject.update(format!("{} {:?}\n", file.display(), stamp(file))));
        let features = Features::of(&session, &source, &opened.device)?;
        let mut out = Out::open(&arguments.out, format, subject, session.config().model.dim)?;
        for batch in files[out.seen.min(files.len())..].chunks(BATCH) {
            let (mut keys, mut rows) =
                (Vec::new(), Matrix { rows: 0, cols: session.inputs().image_dim(), data: Vec::new() });
            for path in batch {
                let key = path.strip_prefix(folder).unwrap_or(path).display().to_string();
                // One that cannot be read is named; the rest goes on.
                match features.read(path, &key).await {
                    Ok(row) => {
                        rows.data.extend(row.data);
                        rows.rows += 1;
                        keys.push(key);
                    }
                    Err(error) => eprintln!("left out: {error}"),
                }
            }
            out.add(batch.len(), &keys, &session.embed_images(rows).await?)?;
        }
        if out.rows == 0 {
            out.journal.remove()?;
            return Err(Error::Data(format!("{}: no picture could be read", folder.display())));
        }
        eprintln!("{} of {} pictures embedded", out.rows, files.len());
        return out.finish();
    }
    let Some(path) = &arguments.texts else { return Err(Error::Config("give --data or --texts".to_owned())) };
    let failed = |e| Error::io(path, e);
    let file = File::open(path).map_err(failed)?;
    subject.update(format!("{} {:?}", path.display(), stamp(path)));
    if file.metadata().map_err(failed)?.len() == 0 {
        return Err(Error::Data(format!("{} is empty; write a text a line", path.display())));
    }
    let mut lines = BufReader::new(file).lines();
    let mut out = Out::open(&arguments.out, format, subject, session.config().model.dim)?;
    for line in lines.by_ref().take(out.seen) {
        line.map_err(failed)?;
    }
    loop {
        let batch: Vec<String> = lines.by_ref().take(BATCH).collect::<std::io::Result<_>>().map_err(failed)?;
        if batch.is_empty() {
            break;
        }
        let texts: Vec<&str> = batch.iter().map(String::as_str).collect();
        out.add(batch.len(), &batch, &session.embed_texts(&texts).await?)?;
    }
    eprintln!("{} texts embedded", out.rows);
    out.finish()
}

/// Pictures of a folder and of the folders in it, by name.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |e| Error::io(folder, e);
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for path in entries {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        // No links: they could lead in a circle.
        if path.is_dir() && !path.is_symlink() {
            find(&path, files)?;
        } else if ending.is_some_and(|ending| PICTURES.contains(&ending.as_str())) {
            files.push(path);
        }
    }
    Ok(())
}

/// What turns a picture into the features that the run was trained on.
enum Features {
    Computed(ImageFeatures),
    Encoded(Box<Encoder>, Pca),
}

impl Features {
    fn of(session: &Session, source: &Source, device: &Device) -> Result<Self> {
        let kind = session.inputs().image_features();
        if kind != ImageFeatures::Given {
            return Ok(Self::Computed(kind));
        }
        let pack = source.encoder()?;
        let missing = || Error::Data("the pack's encoder is missing; build it with cargo xtask pack emoji".to_owned());
        let encoder = Encoder::from_part(pack.encoder_part().ok_or_else(missing)?, device)?;
        // Data of one's own brings its projection.
        let projection = session.corpus().projection.as_ref().or_else(|| pack.projection());
        Ok(Self::Encoded(Box::new(encoder), projection.ok_or_else(missing)?.clone()))
    }

    /// `[1, d_x]`.
    async fn read(&self, path: &Path, name: &str) -> Result<Matrix> {
        let bytes = std::fs::read(path).map_err(|e| Error::io(path, e))?;
        let tiles = |size| -> Result<Tiles> { Ok(Tiles { size, rgb: decode(name, &bytes, size)? }) };
        match self {
            Self::Computed(ImageFeatures::Pixels32) => Ok(image::pixels(&tiles(TILE)?, 32)),
            Self::Computed(ImageFeatures::Pixels64) => Ok(image::pixels(&tiles(TILE)?, 64)),
            Self::Computed(_) => Ok(image::hog_colour(&tiles(TILE)?)),
            Self::Encoded(encoder, pca) => pca.project(&encoder.features(&tiles(ENCODER_SIZE)?).await?),
        }
    }
}
