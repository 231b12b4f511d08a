//! Which picture has which caption: what a user's files say about it, in the conventions that are about.
//!
//! | files | captions |
//! |---|---|
//! | `metadata.csv`, `metadata.jsonl` (*imagefolder*; also one table of another name) | the table's, see [`super::metadata`] |
//! | one `.npy` or `.safetensors` of features `[N, d]` | row by row from a table, or from the lines of a `.txt` |
//! | `a.jpg` with `a.txt`, `a.caption` or `a.json` (*WebDataset*), `a.cls` for a label | the file's |
//! | pictures alone | their names; where those say nothing (`IMG_0001`), the folders' names |

use super::files::{Files, inside};
use super::metadata::{self, Rows};
use super::npy;
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Endings of pictures; those after GIF are decoded by the browser, where it can.
const PICTURES: [&str; 9] = ["png", "jpg", "jpeg", "webp", "gif", "avif", "bmp", "heic", "svg"];
/// A text file above this is no caption.
const MOST_CAPTION_BYTES: u64 = 1 << 20;
/// Words that cameras and programs write.
const SAYS_NOTHING: [&str; 16] = [
    "img",
    "dsc",
    "dscn",
    "dscf",
    "image",
    "photo",
    "foto",
    "bild",
    "pxl",
    "mvimg",
    "picture",
    "screenshot",
    "scan",
    "untitled",
    "copy",
    "whatsapp",
];

/// Rows, and the features that came with them.
pub struct Found {
    /// One caption each.
    pub rows: Rows,
    /// `[N, d]`: [`super::metadata::Row::at`] names the row of each.
    pub features: Option<Matrix>,
}

/// Reads what says which picture has which caption.
///
/// # Errors
/// Nothing of the kind is there, or the table cannot be used.
pub fn find(name: &str, files: &mut dyn Files) -> Result<Found> {
    let all = Paths::new(files);
    let mut found = if let Some(features) = all.features() {
        with_features(&all, features, files)?
    } else if let tables @ [_, ..] = all.tables().as_slice() {
        Found { rows: from_tables(tables, files)?, features: None }
    } else if all.pictures.is_empty() {
        return Err(Error::Data(format!(
            "{name} has no pictures (PNG, JPEG, WebP, GIF); give pictures with captions: a metadata.csv or metadata.jsonl with \
             the columns file_name and text (or caption), a text file beside each picture, or file names that say what is seen"
        )));
    } else if all.has_sidecars() {
        Found { rows: from_sidecars(&all, files), features: None }
    } else {
        Found { rows: from_names(&all), features: None }
    };
    for (path, problem) in files.left_out() {
        found.rows.problem(0, path, problem.clone());
    }
    Ok(found)
}

/// The files by what they are.
struct Paths {
    /// Every path with its place in the list.
    place: HashMap<String, usize>,
    bytes: Vec<u64>,
    pictures: Vec<String>,
    others: Vec<String>,
}

fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn ending(path: &str) -> String {
    split(path).1.rsplit_once('.').map_or(String::new(), |(_, ending)| ending.to_lowercase())
}

/// The path without its ending, which for WebDataset begins at the first dot of the name.
fn stem(path: &str) -> &str {
    let (folder, name) = split(path);
    let start = path.len() - name.len();
    let end = if ending(path).is_empty() { name.len() } else { name.find('.').unwrap_or(name.len()) };
    if end == 0 { folder } else { &path[..start + end] }
}

impl Paths {
    fn new(files: &dyn Files) -> Self {
        let list = files.list();
        let place = list.iter().enumerate().map(|(i, file)| (file.path.clone(), i)).collect();
        let paths = list.iter().map(|file| file.path.clone());
        let (pictures, others) = paths.partition(|path| PICTURES.contains(&ending(path).as_str()));
        Self { place, bytes: list.iter().map(|file| file.bytes).collect(), pictures, others }
    }

    fn of(&self, endings: &[&str]) -> Vec<&str> {
        self.others.iter().map(String::as_str).filter(|path| endings.contains(&ending(path).as_str())).collect()
    }

    /// The one file of features; several belong to a WebDataset.
    fn features(&self) -> Option<&str> {
        match self.of(&["npy", "safetensors"]).as_slice() {
            [one] => Some(one),
            _ => None,
        }
    }

    /// Every `metadata.csv` or `.jsonl`; else a single table of another name.
    fn tables(&self) -> Vec<(&str, usize)> {
        let tables = self.of(&["csv", "jsonl"]);
        let named: Vec<&str> = tables.iter().copied().filter(|path| split(path).1.starts_with("metadata.")).collect();
        let chosen = match (named.is_empty(), tables.as_slice()) {
            (false, _) => named,
            (true, [one]) => vec![*one],
            _ => Vec::new(),
        };
        chosen.into_iter().map(|path| (path, self.place[path])).collect()
    }

    fn has_sidecars(&self) -> bool {
        let stems: BTreeSet<&str> = self.of(&["txt", "caption", "json"]).into_iter().map(stem).collect();
        self.pictures.iter().any(|picture| stems.contains(stem(picture)))
    }
}

fn bytes_of(path: &str, place: usize, files: &mut dyn Files) -> Result<Vec<u8>> {
    files.read(place).map_err(|problem| Error::format(path, problem))
}

fn table(path: &str, bytes: &[u8], files_needed: bool) -> Result<Rows> {
    if ending(path) == "csv" {
        metadata::csv(path, bytes, files_needed)
    } else {
        metadata::jsonl(path, bytes, files_needed)
    }
}

fn from_tables(tables: &[(&str, usize)], files: &mut dyn Files) -> Result<Rows> {
    let mut all = Rows::default();
    let mut read = BTreeSet::new();
    for (path, place) in tables {
        let folder = split(path).0;
        // A table of the same folder in another format would give every caption twice.
        if !read.insert(folder) {
            all.problem(0, path, "is not read, because there is a metadata.csv; remove one of the two");
            continue;
        }
        let rows = table(path, &bytes_of(path, *place, files)?, true)?;
        all.append(folder, rows);
    }
    Ok(all)
}

fn with_features(all: &Paths, path: &str, files: &mut dyn Files) -> Result<Found> {
    let bytes = bytes_of(path, all.place[path], files)?;
    let features = if ending(path) == "npy" { npy::read(path, &bytes)? } else { npy::from_safetensors(path, &bytes)? };
    let rows = match (all.tables().as_slice(), all.of(&["txt"]).as_slice()) {
        ([(table_path, place), ..], _) => {
            let rows = table(table_path, &bytes_of(table_path, *place, files)?, false)?;
            let mut all = Rows::default();
            all.append(split(table_path).0, rows);
            all
        }
        ([], [lines]) => {
            let bytes = bytes_of(lines, all.place[*lines], files)?;
            let text =
                std::str::from_utf8(&bytes).map_err(|_| Error::format(*lines, "is not UTF-8; save it as UTF-8"))?;
            let mut rows = Rows::default();
            for (i, line) in text.lines().enumerate() {
                rows.add_caption(i + 1, "", line, None);
            }
            rows
        }
        _ => {
            return Err(Error::format(
                path,
                "are features without texts: put a metadata.csv or metadata.jsonl with a column text beside it, or one .txt \
                 with a line for each row",
            ));
        }
    };
    if rows.count != features.rows {
        return Err(Error::format(
            path,
            format!("has {} rows, but there are {} texts; give one text for each row", features.rows, rows.count),
        ));
    }
    Ok(Found { rows, features: Some(features) })
}

fn from_sidecars(all: &Paths, files: &mut dyn Files) -> Rows {
    let mut rows = Rows::default();
    let mut beside: HashMap<&str, BTreeMap<String, &str>> = HashMap::new();
    for path in all.of(&["txt", "caption", "json", "cls"]) {
        beside.entry(stem(path)).or_default().insert(ending(path), path);
    }
    let none = BTreeMap::new();
    for (i, picture) in all.pictures.iter().enumerate() {
        let own = beside.get(stem(picture)).unwrap_or(&none);
        let mut text_of = |endings: &[&str]| {
            let path = *endings.iter().find_map(|ending| own.get(*ending))?;
            let place = all.place[path];
            if all.bytes[place] > MOST_CAPTION_BYTES {
                return Some(Err(format!("{path} is larger than 1 MiB, which is no caption; shorten it")));
            }
            Some(
                files
                    .read(place)
                    .and_then(|b| String::from_utf8(b).map_err(|_| format!("{path} is not UTF-8; save it as UTF-8"))),
            )
        };
        let label = text_of(&["cls"]).and_then(std::result::Result::ok);
        match (text_of(&["txt", "caption"]), text_of(&["json"])) {
            (Some(Ok(text)), _) => rows.add_caption(i + 1, picture, &text, label.as_deref()),
            (None, Some(Ok(json))) => rows.add_json(i + 1, picture, &json, label),
            (Some(Err(problem)), _) | (None, Some(Err(problem))) => {
                rows.problem(i + 1, picture, problem);
                rows.keep(i + 1, picture);
            }
            (None, None) => rows.add_caption(i + 1, picture, "", label.as_deref()),
        }
    }
    rows.checked()
}

/// Words of a file or folder name; empty where it says nothing.
fn words(name: &str) -> String {
    let spaced = name.replace(['_', '-', '+', '.'], " ");
    let kept: Vec<&str> = spaced
        .split_whitespace()
        // Counters and copies: `cat 2`, `cat (3)`.
        .filter(|word| !word.trim_matches(['(', ')', '#']).chars().all(|c| c.is_ascii_digit()))
        .collect();
    let says = |word: &&&str| {
        let letters = word.chars().filter(|c| c.is_alphabetic()).count();
        let digits = word.chars().filter(char::is_ascii_digit).count();
        let wide = word.chars().any(|c| c as u32 > 0x2e80);
        (wide || letters >= 3 && 2 * digits <= letters) && !SAYS_NOTHING.contains(&word.to_lowercase().as_str())
    };
    if kept.iter().any(|word| says(&word)) { kept.join(" ") } else { String::new() }
}

fn from_names(all: &Paths) -> Rows {
    let name = |path: &str| words(split(stem(path)).1);
    let folder = |path: &str| words(split(split(path).0).1);
    let folders: BTreeSet<&str> = all.pictures.iter().map(|path| split(path).0).collect();
    let speaking = all.pictures.iter().filter(|path| !name(path).is_empty()).count();
    let by_name = speaking * 2 >= all.pictures.len() || folders.len() < 2;
    let mut rows = Rows::default();
    for (i, path) in all.pictures.iter().enumerate() {
        let label = Some(folder(path)).filter(|label| folders.len() > 1 && !label.is_empty());
        let caption = if by_name { name(path) } else { folder(path) };
        rows.add_caption(i + 1, path, &caption, label.as_deref());
    }
    rows
}

/// `file` of a table in `folder`, as a path of the container, or why it is none.
pub(super) fn path_in(folder: &str, file: &str) -> std::result::Result<String, String> {
    let inner = inside(file)?;
    Ok(if folder.is_empty() { inner } else { format!("{folder}/{inner}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words_or_nothing() {
        for (name, want) in [
            ("red_apple", "red apple"),
            ("two-cats (3)", "two cats"),
            ("IMG_20240101_120000", ""),
            ("DSC01234", ""),
            ("0001", ""),
            ("猫", "猫"),
            ("photo of my dog", "photo of my dog"),
            ("a1b2c3d4e5", ""),
            ("Screenshot 2024-01-01", ""),
        ] {
            assert_eq!(words(name), want, "{name}");
        }
        assert_eq!((stem("a/b.tar/c.d.jpg"), stem("x"), stem("a/.jpg")), ("a/b.tar/c", "x", "a"));
    }
}
