//! A user's own pictures and captions, read picture by picture so that a page can show progress, stop, and go on.
//!
//! Rows of one file become one picture with several captions, in the order of their first row. A picture keeps its number
//! (`P` pictures, from 0) from here to the end: tiles, features, findings ([`super::check`]) and remedies are all joined by it.

use super::check::{Check, Plan};
use super::corpus::{Corpus, RowProblem, Tiles};
use super::files::{Files, inside};
use super::language::{Guess, guess};
use super::layout::{self, Found};
use super::look::Seen;
use super::metadata::{Part, Row};
use super::near::near_pairs;
use crate::error::{Error, Result};
use crate::features::decode;
use crate::features::encoder::{ENCODER_DIM, ENCODER_SIZE, Encoder};
use crate::matrix::Matrix;
use sha2::{Digest as _, Sha256};
use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;

/// Side of the thumbnails in pixels.
pub const TILE: usize = 64;

/// A picture that was read.
#[derive(Debug, Clone, Default)]
pub(super) struct Picture {
    /// Row that first named it.
    pub row: usize,
    /// Plain relative path.
    pub key: String,
    /// None yet: it can be given one.
    pub captions: Vec<String>,
    pub label: Option<String>,
    pub part: Option<Part>,
    /// SHA-256 of the file, or of the features where there is no file.
    pub digest: [u8; 32],
}

/// What [`Import::advance`] did.
#[derive(Debug, PartialEq, Eq)]
pub enum Advance {
    /// A row was read, or reported.
    Row,
    /// A picture of a kind that only a browser decodes: give its pixels to [`Import::supply`].
    Foreign {
        /// Its path.
        name: String,
        /// The file.
        bytes: Vec<u8>,
    },
    /// There is no row left.
    Done,
}

/// Pixels that somebody else decoded.
#[derive(Debug, Clone)]
pub struct Pixels {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// `width * height * 4` bytes.
    pub rgba: Vec<u8>,
}

/// Files on their way to a corpus.
pub struct Import {
    name: String,
    files: Box<dyn Files>,
    place: HashMap<String, usize>,
    pub(super) rows: Vec<Row>,
    /// Rows that were read.
    pub(super) done: usize,
    pub(super) pictures: Vec<Picture>,
    /// `P` thumbnails.
    pub(super) tiles: Tiles,
    pub(super) problems: Vec<RowProblem>,
    pub(super) has_split: bool,
    /// Features that came with the data, by [`Row::at`].
    pub(super) given: Option<Matrix>,
    /// Rows of `given`, or of the encoder, of the pictures read: `[P, d]`.
    pub(super) features: Matrix,
    /// Whether the encoder's pictures are kept.
    pub(super) encodes: bool,
    /// The encoder's pictures of the last ones read, not encoded yet.
    waiting: Tiles,
    /// Pictures that were looked at ahead of their rows ([`super::look`]), by path.
    pub(super) ahead: HashMap<String, std::result::Result<Seen, String>>,
    /// Found when first asked for, which is at the end.
    near: OnceCell<Vec<(usize, usize)>>,
    /// Of the captions that were looked at: a check is made after every remedy.
    guesses: RefCell<HashMap<String, Guess>>,
    /// Picture of each file already tried, or why it cannot be used.
    pub(super) tried: HashMap<String, std::result::Result<usize, String>>,
}

impl Import {
    /// Finds out what `files` hold. `encodes`: pictures go through the image encoder ([`Self::encode`]).
    ///
    /// # Errors
    /// Nothing says which picture has which caption, or the table that does cannot be used.
    pub fn open(name: &str, mut files: Box<dyn Files>, encodes: bool) -> Result<Self> {
        let Found { rows, features: given } = layout::find(name, &mut *files)?;
        let place = files.list().iter().enumerate().map(|(at, file)| (file.path.clone(), at)).collect();
        Ok(Self {
            name: name.to_owned(),
            place,
            rows: rows.rows,
            done: 0,
            pictures: Vec::new(),
            tiles: Tiles { size: TILE, rgb: Vec::new() },
            problems: rows.problems,
            has_split: rows.has_split,
            features: Matrix::zeros(0, given.as_ref().map_or(ENCODER_DIM, |m| m.cols)),
            encodes: encodes && given.is_none(),
            given,
            waiting: Tiles { size: ENCODER_SIZE, rgb: Vec::new() },
            ahead: HashMap::new(),
            near: OnceCell::new(),
            guesses: RefCell::default(),
            tried: HashMap::new(),
            files,
        })
    }

    /// Name of the data.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Rows read so far, and all rows.
    pub fn progress(&self) -> (usize, usize) {
        (self.done, self.rows.len())
    }

    /// Pictures read so far.
    pub fn pictures(&self) -> usize {
        self.pictures.len()
    }

    /// Thumbnail of picture `at`, RGB.
    pub fn tile(&self, at: usize) -> Option<&[u8]> {
        (at < self.pictures.len()).then(|| self.tiles.tile(at))
    }

    /// Path, captions and label of picture `at`.
    pub fn about(&self, at: usize) -> Option<(&str, &[String], Option<&str>)> {
        self.pictures.get(at).map(|p| (p.key.as_str(), p.captions.as_slice(), p.label.as_deref()))
    }

    /// Reads the next row.
    pub fn advance(&mut self) -> Advance {
        let Some(row) = self.rows.get(self.done).cloned() else {
            return Advance::Done;
        };
        match self.read(&row) {
            Ok(Some(bytes)) => return Advance::Foreign { name: row.file, bytes },
            Ok(None) => {}
            Err(problem) => self.problems.push(RowProblem { row: row.row, file: row.file, problem }),
        }
        self.done += 1;
        Advance::Row
    }

    /// Pixels of the picture that [`Self::advance`] handed out, or none: it cannot be decoded here either.
    pub fn supply(&mut self, pixels: Option<Pixels>) {
        let Some(row) = self.rows.get(self.done).cloned() else { return };
        let result = inside(&row.file).and_then(|key| {
            let tiles = pixels.and_then(|p| decode::from_rgba(p.width, p.height, p.rgba, &self.sizes()));
            let added = match tiles {
                // The file is gone by now; its pixels tell it from others as well.
                Some(tiles) => Ok(self.keep(&key, row.row, Sha256::digest(&tiles[0]).into(), tiles)),
                None => Err("is of a kind that is not read here; convert it to PNG, JPEG or WebP".to_owned()),
            };
            self.tried.insert(key, added.clone());
            self.describe(added?, &row)
        });
        if let Err(problem) = result {
            self.problems.push(RowProblem { row: row.row, file: row.file, problem });
        }
        self.done += 1;
    }

    pub(super) fn sizes(&self) -> Vec<usize> {
        if self.encodes { vec![TILE, ENCODER_SIZE] } else { vec![TILE] }
    }

    /// Reads what a row names and takes over what it says; the bytes of a picture that is not decoded here.
    fn read(&mut self, row: &Row) -> std::result::Result<Option<Vec<u8>>, String> {
        if self.given.is_some() && row.file.is_empty() {
            let at = self.draw(row)?;
            return self.describe(at, row).map(|()| None);
        }
        let key = inside(&row.file)?;
        if let Some(seen) = self.ahead.remove(&key) {
            let added = seen.map(|Seen { tile, digest, features }| {
                self.features.rows += usize::from(!features.is_empty());
                self.features.data.extend(features);
                self.keep(&key, row.row, digest, vec![tile])
            });
            self.tried.insert(key.clone(), added);
        }
        if !self.tried.contains_key(&key) {
            let added = match self.decoded(&key) {
                Ok(Ok((tiles, digest))) => Ok(self.keep(&key, row.row, digest, tiles)),
                Ok(Err(foreign)) => return Ok(Some(foreign)),
                Err(problem) => Err(problem),
            };
            self.tried.insert(key.clone(), added);
        }
        let at = self.tried.get(&key).cloned().unwrap_or(Err(String::new()))?;
        self.describe(at, row).map(|()| None)
    }

    /// Tiles and digest of a picture, or the bytes of one that is not decoded here.
    #[expect(clippy::type_complexity, reason = "three outcomes, used once")]
    pub(super) fn decoded(
        &mut self,
        key: &str,
    ) -> std::result::Result<std::result::Result<(Vec<Vec<u8>>, [u8; 32]), Vec<u8>>, String> {
        let Some(&place) = self.place.get(key) else {
            let folder = format!("{key}/");
            let is_folder = self.place.keys().any(|path| path.starts_with(&folder));
            return Err(if is_folder {
                "is not a file".into()
            } else {
                "the file is missing; check the name, capital letters included".into()
            });
        };
        let bytes = self.files.read(place)?;
        let tiles = decode::tiles(key, &bytes, &self.sizes()).map_err(|e| match e {
            Error::Image { problem, .. } => problem,
            other => other.to_string(),
        })?;
        Ok(tiles.map(|tiles| (tiles, Sha256::digest(&bytes).into())).ok_or(bytes))
    }

    /// A picture without a file: its features drawn as 8 by 8 fields, so that it can be told from the others.
    fn draw(&mut self, row: &Row) -> std::result::Result<usize, String> {
        let features = self.given.as_ref().ok_or("has no features")?;
        let own = features.row(row.at);
        let (low, high) = own.iter().fold((f32::MAX, f32::MIN), |(low, high), v| (low.min(*v), high.max(*v)));
        let field = |x: usize, y: usize, c: usize| {
            let at = ((y / 8) * 8 + x / 8) * 3 + c;
            let value = own[at * own.len() / 192 % own.len()];
            (255.0 * (value - low) / (high - low).max(f32::MIN_POSITIVE)) as u8
        };
        let tile = (0..TILE * TILE * 3).map(|i| field(i / 3 % TILE, i / 3 / TILE, i % 3)).collect();
        let bytes: Vec<u8> = own.iter().flat_map(|v| v.to_le_bytes()).collect();
        Ok(self.keep(&format!("row {}", row.row), row.row, Sha256::digest(&bytes).into(), vec![tile]))
    }

    /// Takes a picture's tiles, smallest first.
    pub(super) fn keep(&mut self, key: &str, row: usize, digest: [u8; 32], tiles: Vec<Vec<u8>>) -> usize {
        let mut tiles = tiles.into_iter();
        let rgb = &mut self.tiles.rgb;
        if rgb.len() == rgb.capacity() {
            // By a quarter, not by doubling: of 20,000 pictures these are 245 MB, and a tab's memory never shrinks.
            rgb.reserve_exact((rgb.len() / 4).max(64 * TILE * TILE * 3));
        }
        rgb.extend(tiles.next().unwrap_or_default());
        self.waiting.rgb.extend(tiles.next().unwrap_or_default());
        self.pictures.push(Picture { row, key: key.to_owned(), digest, ..Picture::default() });
        self.pictures.len() - 1
    }

    /// Adds what a row says to picture `at`.
    fn describe(&mut self, at: usize, row: &Row) -> std::result::Result<(), String> {
        let Some(picture) = self.pictures.get_mut(at) else { return Ok(()) };
        let first = picture.row == row.row && picture.captions.is_empty();
        if first {
            (picture.label, picture.part) = (row.label.clone(), row.part);
            if let Some(given) = &self.given {
                self.features.data.extend_from_slice(given.row(row.at));
                self.features.rows += 1;
            }
        }
        if row.caption.is_empty() {
            return Ok(()); // Said already, where the row was read.
        }
        if picture.captions.contains(&row.caption) {
            return Err("is a duplicate of an earlier row; ignored".into());
        }
        picture.captions.push(row.caption.clone());
        if row.label.is_some() && row.label != picture.label || row.part.is_some() && row.part != picture.part {
            return Err("label or split differs from the picture's first row, which counts; the caption is used".into());
        }
        Ok(())
    }

    /// Pictures that wait for the encoder.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Encodes the pictures that wait.
    ///
    /// # Errors
    /// The device fails.
    pub async fn encode(&mut self, encoder: &Encoder) -> Result<()> {
        let waiting = std::mem::replace(&mut self.waiting, Tiles { size: ENCODER_SIZE, rgb: Vec::new() });
        let rows = encoder.features(&waiting).await?;
        self.features.rows += rows.rows;
        self.features.data.extend(rows.data);
        Ok(())
    }

    /// Pairs of pictures that look nearly the same.
    pub(super) fn near_pairs(&self) -> &[(usize, usize)] {
        self.near.get_or_init(|| near_pairs(&self.tiles))
    }

    /// A first guess at the language of a caption.
    pub(super) fn guess(&self, caption: &str) -> Guess {
        if let Some(&known) = self.guesses.borrow().get(caption) {
            return known;
        }
        let found = guess(caption);
        self.guesses.borrow_mut().insert(caption.to_owned(), found);
        found
    }

    /// What is to be said about the data, with the remedies of `plan` applied.
    pub fn check(&self, plan: &Plan) -> Check {
        Check::of(self, plan)
    }

    /// The corpus, with the remedies of `plan`.
    ///
    /// # Errors
    /// Fewer than four pictures with captions remain, or nothing tells them apart.
    pub fn finish(&self, plan: &Plan) -> Result<Corpus> {
        super::assemble::corpus(self, plan)
    }

    /// The same, where nothing else is asked of it afterwards: half the memory.
    ///
    /// # Errors
    /// As [`Self::finish`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn into_corpus(self, plan: &Plan) -> Result<Corpus> {
        super::assemble::corpus_of(self, plan)
    }
}

/// Reads a folder to the end, without the encoder. Every row that cannot be used, or only in part, is in
/// [`Corpus::problems`] with its number.
///
/// # Errors
/// As [`Import::open`] and [`Import::finish`].
#[cfg(not(target_arch = "wasm32"))]
pub fn read_folder(dir: &std::path::Path) -> Result<Corpus> {
    let files = super::files::Dir::open(dir)?;
    let root = dir.canonicalize().map_err(|e| Error::io(dir, e))?;
    let name = root.file_name().map_or("folder".into(), |name| name.to_string_lossy().into_owned());
    let mut import = Import::open(&name, Box::new(files), false)?;
    loop {
        match import.advance() {
            Advance::Done => return import.into_corpus(&Plan::default()),
            Advance::Foreign { .. } => import.supply(None),
            Advance::Row => {}
        }
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "import_tests.rs"]
mod tests;
