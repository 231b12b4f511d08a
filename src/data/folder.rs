//! A user's folder in the *imagefolder* convention: pictures, and `metadata.csv` or `metadata.jsonl` that gives each a
//! caption (columns: see [`super::metadata`]).
//!
//! Rows of one file become one item with several captions, in the order of their first row. Items that share a caption
//! or whose pictures are the same pixel by pixel form a family, and a split by families never shows in training what it
//! tests. Held out are the rows that a `split` column marks `test` or `validation`, as the user wrote them; without one, a
//! fifth of the families, the same at every reading.

use super::corpus::{Corpus, Item, QuerySet, RowProblem, Tiles, View};
use super::metadata::{self, Part, Rows};
use super::split::fifth_of;
use crate::error::{Error, Result};
use crate::features::decode;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

/// Side of the tiles in pixels.
const TILE: usize = 64;
/// Fewer items have nothing to be told apart from, nor anything to be held out.
const FEWEST_ITEMS: usize = 4;
/// A picture file above this is refused unread.
const MOST_FILE_BYTES: u64 = 256 << 20;

/// Reads `dir`. Every row that cannot be used, or only in part, is in [`Corpus::problems`] with its number.
///
/// # Errors
/// `dir` is no folder or has no metadata file, the metadata has no usable columns, fewer than four pictures with captions
/// remain, or all of them carry the same caption.
pub fn read_folder(dir: &Path) -> Result<Corpus> {
    let root = dir.canonicalize().map_err(|e| Error::io(dir, e))?;
    let Rows { rows, problems, has_split } = rows_of(&root)?;
    let mut reading = Reading { root, problems, ..Reading::default() };
    for row in rows {
        reading.add(row);
    }
    reading.finish(has_split)
}

fn rows_of(root: &Path) -> Result<Rows> {
    let [csv, jsonl] = ["metadata.csv", "metadata.jsonl"].map(|name| root.join(name));
    let read = |path: &Path| std::fs::read(path).map_err(|e| Error::io(path, e));
    match (csv.is_file(), jsonl.is_file()) {
        (true, both) => {
            let mut rows = metadata::csv(&read(&csv)?)?;
            if both {
                let problem = "is not read, because there is a metadata.csv; remove one of the two".into();
                rows.problems.insert(0, RowProblem { row: 0, file: "metadata.jsonl".into(), problem });
            }
            Ok(rows)
        }
        (false, true) => metadata::jsonl(&read(&jsonl)?),
        (false, false) => Err(Error::Data(format!(
            "{} has no metadata.csv or metadata.jsonl; add one with the columns file_name and text (or caption), and \
             optionally label and split",
            root.display()
        ))),
    }
}

/// A picture that was read.
struct Picture {
    /// Row that first named it.
    row: usize,
    item: Item,
    label: Option<String>,
    part: Option<Part>,
    digest: [u8; 32],
}

#[derive(Default)]
struct Reading {
    root: PathBuf,
    pictures: Vec<Picture>,
    tiles: Vec<u8>,
    /// Picture of each file already tried, or why it cannot be used.
    files: HashMap<String, std::result::Result<usize, String>>,
    problems: Vec<RowProblem>,
}

impl Reading {
    fn add(&mut self, row: metadata::Row) {
        let (number, file) = (row.row, row.file.clone());
        if let Err(problem) = self.try_add(row) {
            self.problems.push(RowProblem { row: number, file, problem });
        }
    }

    fn try_add(&mut self, row: metadata::Row) -> std::result::Result<(), String> {
        let key = inside(&row.file)?;
        if !self.files.contains_key(&key) {
            let read = self.read(&key, row.row);
            self.files.insert(key.clone(), read);
        }
        let at = self.files.get(&key).cloned().unwrap_or(Err(String::new()))?;
        let Some(picture) = self.pictures.get_mut(at) else { return Ok(()) };
        if picture.item.captions.is_empty() {
            picture.item.title.clone_from(&row.caption);
            (picture.label, picture.part) = (row.label, row.part);
            picture.item.captions.push(row.caption);
            return Ok(());
        }
        if picture.item.captions.contains(&row.caption) {
            return Err("is a duplicate of an earlier row; ignored".into());
        }
        picture.item.captions.push(row.caption);
        if row.label.is_some() && row.label != picture.label || row.part.is_some() && row.part != picture.part {
            return Err("label or split differs from the picture's first row, which counts; the caption is used".into());
        }
        Ok(())
    }

    /// Reads and decodes one file; its index among the pictures.
    fn read(&mut self, key: &str, row: usize) -> std::result::Result<usize, String> {
        let sentence = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => "the file is missing; check the name, capital letters included".into(),
            _ => format!("cannot be read: {e}"),
        };
        let path = self.root.join(key).canonicalize().map_err(sentence)?;
        // A link inside the folder may lead out of it.
        if !path.starts_with(&self.root) {
            return Err("leads out of the folder; copy the picture into it".into());
        }
        let about = std::fs::metadata(&path).map_err(sentence)?;
        if !about.is_file() {
            return Err("is not a file".into());
        }
        if about.len() > MOST_FILE_BYTES {
            return Err(format!("is larger than {} MiB; scale the picture down", MOST_FILE_BYTES >> 20));
        }
        let bytes = std::fs::read(&path).map_err(sentence)?;
        let tile = decode(key, &bytes, TILE).map_err(|e| match e {
            Error::Image { problem, .. } => problem,
            other => other.to_string(),
        })?;
        self.tiles.extend(tile);
        self.pictures.push(Picture {
            row,
            item: Item { key: key.to_owned(), ..Item::default() },
            label: None,
            part: None,
            digest: Sha256::digest(&bytes).into(),
        });
        Ok(self.pictures.len() - 1)
    }

    fn finish(mut self, has_split: bool) -> Result<Corpus> {
        self.problems.sort_by_key(|p| p.row);
        let name = self.root.file_name().map_or("folder".into(), |name| name.to_string_lossy().into_owned());
        if self.pictures.len() < FEWEST_ITEMS {
            let first = self.problems.first().map_or(String::new(), |p| {
                format!("; {} rows have problems, first row {} ({}): {}", self.problems.len(), p.row, p.file, p.problem)
            });
            return Err(Error::Data(format!(
                "{name} has {} usable pictures with captions, at least {FEWEST_ITEMS} are needed{first}",
                self.pictures.len()
            )));
        }
        let tiles = Tiles { size: TILE, rgb: std::mem::take(&mut self.tiles) };
        let families = families(&self.pictures, &tiles);
        let distinct: BTreeSet<u32> = families.iter().copied().collect();
        if distinct.len() < 2 {
            return Err(Error::Data(format!(
                "all pictures of {name} are linked by equal captions or pixels: there is nothing to tell apart"
            )));
        }
        let classes: BTreeSet<String> = self.pictures.iter().filter_map(|p| p.label.clone()).collect();
        let classes: Vec<String> = classes.into_iter().collect();
        let marked = has_split && self.pictures.iter().any(|p| p.part == Some(Part::HeldOut));
        let drawn = fifth_of(&distinct, 0);
        for (picture, &family) in self.pictures.iter_mut().zip(&families) {
            picture.item.family = family;
            picture.item.held_out = if marked { picture.part == Some(Part::HeldOut) } else { drawn.contains(&family) };
            let class = picture.label.as_ref().and_then(|label| classes.binary_search(label).ok());
            picture.item.class = class.map(|class| class as u32);
        }
        if marked {
            self.report_leaks();
        }
        let fingerprint = fingerprint(&self.pictures);
        let items: Vec<Item> = self.pictures.into_iter().map(|p| p.item).collect();
        let texts = items.iter().map(|item| item.captions.clone()).collect();
        Ok(Corpus {
            name,
            fingerprint,
            items,
            views: vec![View { name: "photo".into(), tiles, features: None }],
            classes,
            query_sets: vec![QuerySet { name: "captions".into(), texts }],
            problems: self.problems,
            ..Corpus::default()
        })
    }

    /// The user's own split stands, but equal captions or pictures on both sides of it are said.
    fn report_leaks(&mut self) {
        let trained: BTreeSet<u32> = self.pictures.iter().filter(|p| !p.item.held_out).map(|p| p.item.family).collect();
        for picture in self.pictures.iter().filter(|p| p.item.held_out && trained.contains(&p.item.family)) {
            let problem = "is held out, but shares a caption or its pixels with a training picture; kept as split says";
            self.problems.push(RowProblem {
                row: picture.row,
                file: picture.item.key.clone(),
                problem: problem.into(),
            });
        }
        self.problems.sort_by_key(|p| p.row);
    }
}

/// `file` as a plain relative path with `/`, or why it is not one.
fn inside(file: &str) -> std::result::Result<String, String> {
    let mut parts = Vec::new();
    for part in Path::new(file).components() {
        match part {
            Component::Normal(name) => parts.push(name.to_string_lossy()),
            Component::CurDir => {}
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => {
                return Err("leads out of the folder; file_name must be relative to it".into());
            }
        }
    }
    if parts.is_empty() { Err("names no file".into()) } else { Ok(parts.join("/")) }
}

/// Family of each picture: the connected components of "equal caption or equal tile", named by their first picture.
fn families(pictures: &[Picture], tiles: &Tiles) -> Vec<u32> {
    fn root(parent: &mut [usize], mut i: usize) -> usize {
        while parent[i] != i {
            parent[i] = parent[parent[i]];
            i = parent[i];
        }
        i
    }
    let mut parent: Vec<usize> = (0..pictures.len()).collect();
    let mut by_caption = HashMap::new();
    let mut by_tile = HashMap::new();
    for (i, picture) in pictures.iter().enumerate() {
        let same_text = picture.item.captions.iter().map(|caption| *by_caption.entry(caption.as_str()).or_insert(i));
        for other in same_text.chain([*by_tile.entry(tiles.tile(i)).or_insert(i)]) {
            let (a, b) = (root(&mut parent, i), root(&mut parent, other));
            parent[a.max(b)] = a.min(b);
        }
    }
    (0..pictures.len()).map(|i| root(&mut parent, i) as u32).collect()
}

/// SHA-256 over names, file bytes, captions, labels and split, each with its length before it.
fn fingerprint(pictures: &[Picture]) -> String {
    let mut hash = Sha256::new();
    let mut put = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    };
    for Picture { item, label, digest, .. } in pictures {
        put(item.key.as_bytes());
        put(digest);
        put(&(item.captions.len() as u64).to_le_bytes());
        item.captions.iter().for_each(|caption| put(caption.as_bytes()));
        put(label.as_deref().unwrap_or_default().as_bytes());
        put(&[u8::from(item.held_out)]);
    }
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
#[path = "folder_tests.rs"]
mod tests;
