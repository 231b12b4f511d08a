//! The concepts and their texts, from emojibase-data and emojilib, in the order of the reference list.
//!
//! A key is the code points in lower-case hex joined by `-`, without U+FE0F (which only asks for a colour picture).

use crate::fetch::{EMOJIBASE, EMOJILIB};
use mtls_lab::error::{Error, Result};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// The reference list: which concepts, their family, split and fold (see `packer/data/README.md`).
const FAMILIES: &str = include_str!("../data/emoji_families.csv");
/// Groups of the Emoji-1k subset, whose concepts come first.
const FIRST_GROUPS: [&str; 6] =
    ["smileys-emotion", "animals-nature", "food-drink", "travel-places", "activities", "objects"];
/// Languages of the text parts; the first gives the captions.
pub const LANGUAGES: [&str; 5] = ["en", "de", "fr", "es", "ja"];

/// Everything about the concepts but their pictures; all vectors have one entry per concept.
#[derive(Default)]
pub struct Concepts {
    /// How many belong to Emoji-1k; they come first.
    pub first: usize,
    pub key: Vec<String>,
    pub group: Vec<u32>,
    pub subgroup: Vec<u32>,
    pub family: Vec<u32>,
    pub fold: Vec<u8>,
    pub held_out: Vec<u8>,
    pub groups: Vec<String>,
    pub subgroups: Vec<String>,
    /// Per language of [`LANGUAGES`]: label, then tags.
    pub texts: Vec<Vec<Vec<String>>>,
    /// emojilib's keywords; empty where it has none.
    pub keywords: Vec<Vec<String>>,
}

/// Reads the packages in `cache`.
pub fn read(cache: &Path) -> Result<Concepts> {
    let english = by_key(cache, LANGUAGES[0])?;
    let meta = json(&EMOJIBASE.read(cache, "meta/groups.json")?, "meta/groups.json")?;
    let mut concepts = Concepts::default();
    let mut rows = Vec::new();
    for row in csv::Reader::from_reader(FAMILIES.as_bytes()).deserialize::<(String, u32, u8, u8)>() {
        let (key, family, held_out, fold) =
            row.map_err(|error| Error::format("emoji_families.csv", error.to_string()))?;
        let entry = english.get(&key).ok_or_else(|| missing(&key, "emojibase-data"))?;
        let group = name(&meta, "groups", &entry["group"]).ok_or_else(|| missing(&key, "the groups"))?;
        let subgroup = name(&meta, "subgroups", &entry["subgroup"]).ok_or_else(|| missing(&key, "the subgroups"))?;
        rows.push((!FIRST_GROUPS.contains(&group.as_str()), key, group, subgroup, family, held_out, fold));
    }
    // A stable sort: within both parts the order stays emojibase's.
    rows.sort_by_key(|row| row.0);
    concepts.first = rows.iter().filter(|row| !row.0).count();
    for (_, key, group, subgroup, family, held_out, fold) in rows {
        concepts.key.push(key);
        concepts.group.push(index_of(&mut concepts.groups, group));
        concepts.subgroup.push(index_of(&mut concepts.subgroups, subgroup));
        concepts.family.push(family);
        concepts.held_out.push(held_out);
        concepts.fold.push(fold);
    }
    for language in LANGUAGES {
        let entries = by_key(cache, language)?;
        let texts = concepts.key.iter().map(|key| {
            let entry = entries.get(key).ok_or_else(|| missing(key, language))?;
            let mut texts = vec![entry["label"].as_str().unwrap_or_default().to_string()];
            texts.extend(strings(&entry["tags"]));
            Ok(texts)
        });
        concepts.texts.push(texts.collect::<Result<_>>()?);
    }
    let library = json(&EMOJILIB.read(cache, "dist/emoji-en-US.json")?, "emojilib")?;
    let mut keywords: HashMap<String, Vec<String>> = HashMap::new();
    for (character, words) in library.as_object().into_iter().flatten() {
        let code_points: Vec<String> = character.chars().map(|c| format!("{:x}", c as u32)).collect();
        keywords.insert(plain_key(&code_points.join("-")), strings(words).map(|word| word.replace('_', " ")).collect());
    }
    concepts.keywords = concepts.key.iter().map(|key| keywords.remove(key).unwrap_or_default()).collect();
    Ok(concepts)
}

/// Lower case, without variation selectors.
pub fn plain_key(hex: &str) -> String {
    hex.to_lowercase().split('-').filter(|point| *point != "fe0f").collect::<Vec<_>>().join("-")
}

/// A JSON file of a package.
pub fn json(bytes: &[u8], file: &str) -> Result<Value> {
    serde_json::from_slice(bytes).map_err(|error| Error::format(file, error.to_string()))
}

fn by_key(cache: &Path, language: &str) -> Result<HashMap<String, Value>> {
    let file = format!("{language}/data.json");
    let Value::Array(entries) = json(&EMOJIBASE.read(cache, &file)?, &file)? else {
        return Err(Error::format(file, "is not a list"));
    };
    Ok(entries.into_iter().filter_map(|entry| Some((plain_key(entry["hexcode"].as_str()?), entry))).collect())
}

fn name(meta: &Value, table: &str, number: &Value) -> Option<String> {
    Some(meta[table][number.as_u64()?.to_string()].as_str()?.to_string())
}

fn strings(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_string)
}

fn index_of(names: &mut Vec<String>, name: String) -> u32 {
    let at = names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    });
    at as u32
}

fn missing(key: &str, place: &str) -> Error {
    Error::Data(format!("concept {key} is not in {place}"))
}
