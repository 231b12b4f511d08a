//! Pictures of one's own, file by file; with a journal, reading goes on where it was cut off.
//!
//! A file counts as read before while its length and its time of change are what they were (of an archive: the archive's).
//! What the journal keeps comes in groups that went through the encoder together, so that a run that was cut off encodes
//! the same groups as one that was not: the features are the same bytes.

use indicatif::{ProgressBar, ProgressStyle};
use mtls_lab::data::files::{self, Dir, Files};
use mtls_lab::data::import::{Advance, Import};
use mtls_lab::data::journal::Journal;
use mtls_lab::data::kept::Kept;
use mtls_lab::error::{Error, Result};
use mtls_lab::features::encoder::Encoder;
use serde::Serialize;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Pictures that go through the encoder together.
const ENCODED_AT_ONCE: usize = 8;
/// Without it, so many pictures or so much time are one record of the journal.
const KEPT_AT_ONCE: usize = 64;
const KEPT_AFTER: Duration = Duration::from_secs(2);

/// Length and time of change (nanoseconds since 1970).
pub type Stamp = (u64, u64);

/// What a journal is about.
#[derive(Serialize)]
struct Subject<'a> {
    pictures: &'a Path,
    encoder: bool,
    /// Of this layout of the records.
    version: u32,
}

/// Reads all pictures of a folder or an archive.
pub fn read(path: &Path, encoder: Option<&Encoder>, journal: Option<&Path>) -> Result<Import> {
    let name = path.file_stem().map_or("folder".into(), |name| name.to_string_lossy().into_owned());
    let folder = path.is_dir();
    let files: Box<dyn Files> = if folder {
        Box::new(Dir::open(path)?)
    } else {
        let file = std::fs::File::open(path).map_err(|e| Error::io(path, e))?;
        files::archive(&path.display().to_string(), std::io::BufReader::new(file))?
            .ok_or_else(|| Error::Config(format!("--data {}: is no folder, no zip and no tar", path.display())))?
    };
    let stamp = |key: &str| if folder { stamp(path.join(key)) } else { stamp(path) };
    let mut before = journal.map(|journal| Before::open(journal, path, encoder.is_some())).transpose()?;
    let mut import = Import::open(&name, files, encoder.is_some())?;
    if let Some(found) = before.as_ref().map(|before| before.places.len()).filter(|found| *found > 0) {
        eprintln!("{found} pictures were read before");
    }
    let bar = bar(import.progress().1)?;
    // Pictures read and not in the journal yet, with their stamps from before they were read.
    let mut new: Vec<(usize, Stamp)> = Vec::new();
    let mut since = Instant::now();
    loop {
        let next = import.next_picture().map(|key| (stamp(&key), key));
        if let (Some((stamp, key)), Some(before)) = (&next, &mut before)
            && let Some(kept) = before.kept(key, *stamp)?
        {
            settle(&mut import, encoder, &mut new, Some(before))?;
            import.recall(key, kept);
        }
        let count = import.pictures();
        match import.advance() {
            Advance::Done => break,
            Advance::Foreign { .. } => import.supply(None),
            Advance::Row => {}
        }
        if import.pictures() > count {
            new.push((count, next.map_or_else(Stamp::default, |(stamp, _)| stamp)));
        }
        let full = match encoder {
            Some(_) => import.waiting() >= ENCODED_AT_ONCE,
            None => new.len() >= KEPT_AT_ONCE || !new.is_empty() && since.elapsed() >= KEPT_AFTER,
        };
        if full {
            settle(&mut import, encoder, &mut new, before.as_mut())?;
            bar.set_position(import.progress().0 as u64);
            since = Instant::now();
        }
    }
    settle(&mut import, encoder, &mut new, before.as_mut())?;
    bar.finish_and_clear();
    Ok(import)
}

/// Sends the pictures that wait through the encoder, and the new ones to the journal.
fn settle(
    import: &mut Import,
    encoder: Option<&Encoder>,
    new: &mut Vec<(usize, Stamp)>,
    before: Option<&mut Before>,
) -> Result<()> {
    if let Some(encoder) = encoder.filter(|_| import.waiting() > 0) {
        pollster::block_on(import.encode(encoder))?;
    }
    match before {
        Some(before) if !new.is_empty() => before.add(import, new)?,
        _ => {}
    }
    new.clear();
    Ok(())
}

/// Tells a file from what it was before; zeros where there is none.
pub fn stamp(path: impl AsRef<Path>) -> Stamp {
    let about = std::fs::metadata(path);
    // A file that is not there has no picture that could be kept.
    about.map_or((0, 0), |about| {
        let changed = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        (about.len(), changed.map_or(0, |time| time.as_nanos() as u64))
    })
}

fn bar(rows: usize) -> Result<ProgressBar> {
    let style = ProgressStyle::with_template("{prefix:>8} {bar:30} {pos}/{len} {eta} left")
        .map_err(|e| Error::Config(e.to_string()))?;
    Ok(ProgressBar::new(rows as u64).with_style(style).with_prefix("reading"))
}

/// Pictures that were read before.
struct Before {
    journal: Journal,
    encoder: bool,
    /// Where each is kept; of one that was read twice, the last.
    places: HashMap<String, (Stamp, u64)>,
}

impl Before {
    fn open(journal: &Path, pictures: &Path, encoder: bool) -> Result<Self> {
        let mut places = HashMap::new();
        let journal = Journal::open(journal, &Subject { pictures, encoder, version: 1 }, |at, body| {
            let mut rest = body;
            while let Some((key, stamp, after)) = entry(rest, encoder) {
                let end = at + (body.len() - after.len()) as u64;
                places.insert(key, (stamp, end - Kept::length(encoder) as u64));
                rest = after;
            }
            Ok(())
        })?;
        Ok(Self { journal, encoder, places })
    }

    fn kept(&mut self, key: &str, stamp: Stamp) -> Result<Option<Kept>> {
        match self.places.get(key) {
            Some((then, at)) if *then == stamp => {
                Ok(Kept::from_bytes(&self.journal.read(*at, Kept::length(self.encoder))?, self.encoder))
            }
            _ => Ok(None),
        }
    }

    /// One record.
    fn add(&mut self, import: &Import, new: &[(usize, Stamp)]) -> Result<()> {
        let mut body = Vec::new();
        for (at, (length, changed)) in new {
            let key = import.about(*at).map_or("", |(key, _, _)| key);
            body.extend((key.len() as u32).to_le_bytes());
            body.extend(key.as_bytes());
            body.extend(length.to_le_bytes());
            body.extend(changed.to_le_bytes());
            body.extend(import.kept(*at).to_bytes());
        }
        self.journal.append(&body)
    }
}

/// Key and stamp of the picture at the beginning of `bytes`, and what stands behind it.
fn entry(bytes: &[u8], encoder: bool) -> Option<(String, Stamp, &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let (size, rest) = rest.split_first_chunk()?;
    let (changed, rest) = rest.split_first_chunk()?;
    let (_, rest) = rest.split_at_checked(Kept::length(encoder))?;
    let key = String::from_utf8(key.to_vec()).ok()?;
    Some((key, (u64::from_le_bytes(*size), u64::from_le_bytes(*changed)), rest))
}
