//! The Open Clip Art Library as Debian packs it: files with the metadata that they hold themselves, and which are used.
//!
//! Left out, in this order, by what stands in a file's path or metadata: stars, patterns and gradients, LED letters,
//! playing cards, flags, theme icons, folders that name nothing (`unsorted`, `special`) or trademarks (`logos`) or too
//! few (`buttons`); titles used more than six times; files not marked as public domain; files that link or embed
//! photographs, which may have another origin; titles and subjects of an adult kind by a list of words; and what was
//! found by eye (`data/clipart_left_out.csv`). Pictures that look alike or like nothing are left out once they are drawn.

use mtls_lab::error::{Error, Result};
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::{BTreeMap, BTreeSet};

/// Where the package keeps its files.
pub const ROOT: &str = "usr/share/openclipart/svg/";
/// Path and reason of every file left out after looking at all of them.
const BY_EYE: &str = include_str!("../data/clipart_left_out.csv");
/// Folders left out, wherever they stand in a path.
const FOLDERS: [&str; 12] = [
    "stars",
    "patterns",
    "gradients",
    "led",
    "cards",
    "flags",
    "duplicates",
    "unsorted",
    "special",
    "logos",
    "buttons",
    "pantyhose",
];
/// Words of titles and subjects that leave a file out.
const WORDS: [&str; 14] = [
    "erotic",
    "erotik",
    "sex",
    "sexy",
    "nude",
    "naked",
    "stripper",
    "babe",
    "pimp",
    "pantyhose",
    "cannabis",
    "weed",
    "joint",
    "porn",
];
/// A title used more often names a collection, not a picture.
const MOST_ALIKE: usize = 6;

/// One usable file.
pub struct Clip {
    /// Under [`ROOT`], without `.svg`.
    pub path: String,
    pub title: String,
    /// Subjects that do not name a folder of the path.
    pub tags: Vec<String>,
    pub artist: String,
    pub document: String,
}

impl Clip {
    /// The top folder: the label.
    pub fn group(&self) -> &str {
        self.path.split('/').next().unwrap_or_default()
    }

    /// The first two folders, or the one.
    pub fn subgroup(&self) -> &str {
        let ends = self.path.match_indices('/').map(|(at, _)| at);
        ends.take(2).last().map_or(&self.path, |end| &self.path[..end])
    }
}

/// The usable ones of `files`, in the order of their paths.
pub fn usable(mut files: Vec<(String, Vec<u8>)>) -> Result<Vec<Clip>> {
    files.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    let by_eye = by_eye()?;
    let (mut clips, mut uses, mut unread) = (Vec::new(), BTreeMap::<String, usize>::new(), 0);
    for (path, bytes) in files {
        let path = path.trim_start_matches(ROOT).trim_end_matches(".svg").to_owned();
        let Some((clip, public)) = String::from_utf8(bytes).ok().and_then(|document| read(path, document)) else {
            unread += 1;
            continue;
        };
        *uses.entry(clip.title.clone()).or_default() += 1;
        let photograph = clip.document.contains("<image");
        if public && !photograph && !is_left_out(&clip) && !by_eye.contains(clip.path.as_str()) {
            clips.push(clip);
        }
    }
    clips.retain(|clip| uses[&clip.title] <= MOST_ALIKE);
    eprintln!("{} usable files, {unread} without readable metadata", clips.len());
    Ok(clips)
}

fn by_eye() -> Result<BTreeSet<&'static str>> {
    let rows = BY_EYE
        .lines()
        .skip(1)
        .map(|row| row.split_once(',').map(|(path, _)| path).ok_or_else(|| Error::format("clipart_left_out.csv", row)));
    rows.collect()
}

fn is_left_out(clip: &Clip) -> bool {
    let (folders, _) = clip.path.rsplit_once('/').unwrap_or_default();
    let title = clip.title.to_lowercase();
    let adult = |text: &str| text.to_lowercase().split(|c: char| !c.is_alphanumeric()).any(|w| WORDS.contains(&w));
    folders.split('/').any(|folder| FOLDERS.contains(&folder) || folder.ends_with("-theme"))
        || ["theme", "etiquette"].iter().any(|words| title.contains(words))
        || adult(&clip.title)
        || clip.tags.iter().any(|tag| adult(tag))
}

/// The file with its metadata, and whether it is marked as public domain; none without a title.
fn read(path: String, document: String) -> Option<(Clip, bool)> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let (title, subjects, artist, public) = {
        let xml = Document::parse_with_options(&document, options).ok()?;
        let named = |node: Node, name: &str| node.tag_name().name() == name;
        let work = xml.descendants().find(|node| named(*node, "Work"))?;
        let field = |name: &str| work.children().find(|node| named(*node, name));
        let texts = |node: Node| -> Vec<String> {
            let texts = node.descendants().filter(|node| node.is_text()).filter_map(|node| node.text());
            texts.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()).collect()
        };
        let first = |name: &str| field(name).and_then(|node| texts(node).into_iter().next()).unwrap_or_default();
        let licences = work.children().filter(|node| named(*node, "license"));
        let licences: Vec<&str> = licences.flat_map(|node| node.attributes().map(|a| a.value())).collect();
        let public = licences.iter().any(|licence| licence.to_lowercase().contains("publicdomain"));
        (plain(&first("title")), field("subject").map(texts).unwrap_or_default(), first("creator"), public)
    };
    let tags = tags(subjects, &path, &title, &artist);
    (!title.is_empty()).then_some((Clip { path, title, tags, artist, document }, public))
}

/// A title as words: without the maker's heading, underscores and escapes that were escaped twice.
fn plain(title: &str) -> String {
    let title = title.trim_start_matches("Clipart by Nicu Buculei").trim_start_matches(" - ");
    let title = title.replace('_', " ").replace("&#39;", "'").replace("&quot;", "\"").replace("&amp;", "&");
    title.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Subjects in lower case, without those that name a folder of the path, the title or the artist, and without what a
/// broken script once wrote (`hash(0x8a3cd28)`).
fn tags(subjects: Vec<String>, path: &str, title: &str, artist: &str) -> Vec<String> {
    let stem = |word: &str| {
        let word = word.to_lowercase().replace('_', " ");
        let word = word.strip_suffix("ation").or_else(|| word.strip_suffix('s')).unwrap_or(&word).to_owned();
        word.strip_suffix('e').map_or(word.clone(), str::to_owned)
    };
    let folders: Vec<String> =
        path.rsplit_once('/').map_or("", |(folders, _)| folders).split(['/', '_']).map(stem).collect();
    let names =
        |tag: &str| folders.contains(&stem(tag)) || tag.split(['_', ' ']).all(|word| folders.contains(&stem(word)));
    let mut seen = BTreeSet::new();
    let lower = subjects.into_iter().map(|tag| plain(&tag.to_lowercase()));
    lower
        .filter(|tag| tag.chars().any(char::is_alphabetic) && !tag.starts_with("hash") && !tag.starts_with("0x"))
        .filter(|tag| tag != "unsorted" && *tag != title.to_lowercase() && *tag != artist.to_lowercase() && !names(tag))
        .filter(|tag| seen.insert(tag.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(title: &str, subject: &str, licence: &str, more: &str) -> Vec<u8> {
        format!(
            r#"<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY ns "http://www.w3.org/2000/svg">]>
            <svg xmlns="http://www.w3.org/2000/svg" xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">{more}<metadata>
            <r:RDF><Work xmlns="http://web.resource.org/cc/" xmlns:dc="http://purl.org/dc/elements/1.1/">
            <dc:title>{title}</dc:title><dc:creator><Agent><dc:title>A. N. Artist</dc:title></Agent></dc:creator>
            <dc:subject><r:Bag><r:li>{subject}</r:li><r:li>hash(0x8a3)</r:li><r:li/></r:Bag></dc:subject>
            <license r:resource="http://web.resource.org/cc/{licence}"/></Work></r:RDF></metadata></svg>"#
        )
        .into_bytes()
    }

    fn used(files: &[(&str, Vec<u8>)]) -> Vec<Clip> {
        usable(files.iter().map(|(path, bytes)| (format!("{ROOT}{path}.svg"), bytes.clone())).collect()).unwrap()
    }

    #[test]
    fn metadata_becomes_title_tags_and_artist() {
        let clips = used(&[
            ("food/fruit/pear", svg("Clipart by Nicu Buculei - ripe_pear", "Green", "PublicDomain", "")),
            ("animals/dogs/rex", svg("Rex &amp; co", "Animal", "PublicDomain", "")),
        ]);
        assert_eq!(clips.iter().map(|c| c.title.as_str()).collect::<Vec<_>>(), ["Rex & co", "ripe pear"]);
        assert!(clips[0].tags.is_empty(), "a subject that names the folder is no tag: {:?}", clips[0].tags);
        assert_eq!(
            (clips[1].tags.as_slice(), clips[1].artist.as_str()),
            (["green".to_owned()].as_slice(), "A. N. Artist")
        );
        assert_eq!((clips[1].group(), clips[1].subgroup()), ("food", "food/fruit"));
    }

    #[test]
    fn what_is_left_out() {
        let good = || svg("A pear", "green", "PublicDomain", "");
        let left_out = [
            ("shapes/stars/a", good()),
            ("computer/icons/flat-theme/apps/b", good()),
            ("signs_and_symbols/flags/europe/c", good()),
            ("food/d", svg("A pear", "green", "GPL/2.0/", "")),
            ("food/e", svg("", "green", "PublicDomain", "")),
            ("food/f", svg("Sexy pear", "green", "PublicDomain", "")),
            ("food/g", svg("A pear", "a nude", "PublicDomain", "")),
            ("food/h", svg("A pear", "green", "PublicDomain", "<image/>")),
            ("food/i", b"<svg".to_vec()),
            (by_eye().unwrap().first().unwrap(), good()),
        ];
        for file in left_out {
            assert_eq!(used(std::slice::from_ref(&file)).len(), 0, "{}", file.0);
        }
        assert_eq!(used(&[("food/a", good())]).len(), 1);
        // Words, not parts of words: Essex is no adult picture.
        assert_eq!(used(&[("food/a", svg("Essex pear", "joints", "PublicDomain", ""))]).len(), 1);
        let many: Vec<(String, Vec<u8>)> = (0..7).map(|i| (format!("food/{i}"), good())).collect();
        let many: Vec<(&str, Vec<u8>)> = many.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())).collect();
        assert_eq!((used(&many).len(), used(&many[1..]).len()), (0, 6));
    }
}
