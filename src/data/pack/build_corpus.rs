//! From the loaded parts to a [`Corpus`]: captions and query texts by METHOD.md's emoji protocol.
//!
//! Captions of a concept, in this order: its English label; its tags; label and tags; three random halves of the tags.
//! They never change: the halves are drawn from a fixed seed, so that runs differ by their own seed only.

use super::{Kind, Manifest, Pack, PackOptions, parts::sha256_hex};
use crate::data::corpus::{Corpus, Item, QuerySet, Tiles, View};
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::rng::{Purpose, stream};
use rand::seq::SliceRandom;
use std::collections::BTreeSet;

/// Seed of the tag halves.
const CAPTION_SEED: u64 = 1504;
/// Random halves of the tags per concept.
const HALVES: usize = 3;

impl Pack {
    /// The corpus that the loaded parts make up.
    ///
    /// Needs the texts of the first language and, for each view, its feature blocks or its atlases; a view whose
    /// atlases are not loaded has no tiles, one whose feature blocks are not loaded has no features. Classes and
    /// subclasses are those that occur in the subset.
    ///
    /// # Errors
    /// [`Error::Data`] when the subset or a view is unknown or the parts it needs are not loaded; it names them.
    pub fn corpus(&self, options: &PackOptions) -> Result<Corpus> {
        let manifest = self.manifest();
        let len = manifest.subset_len(&options.subset)?;
        let language = manifest.languages.first().map(String::as_str).unwrap_or_default();
        let texts = self.texts_of(Kind::Texts, language, len).ok_or_else(|| {
            Error::Data(format!("the pack's `{language}` texts are not loaded; load the parts of `parts_for` first"))
        })?;
        let (classes, class_of) = compact(&manifest.groups, &manifest.group[..len]);
        let (subclasses, subclass_of) = compact(&manifest.subgroups, &manifest.subgroup[..len]);
        let items = (0..len)
            .map(|i| Item {
                key: manifest.key[i].clone(),
                title: texts[i].first().cloned().unwrap_or_default(),
                captions: captions(i as u64, texts[i]),
                class: class_of(manifest.group[i]),
                subclass: subclass_of(manifest.subgroup[i]),
                family: manifest.family[i],
                fold: Some(manifest.fold[i]),
                held_out: manifest.held_out[i] != 0,
            })
            .collect();
        let views = self.views(&options.views, len)?;
        let credits = {
            let styles = views.iter().map(|view| view.name.as_str()).collect::<Vec<_>>();
            let used: BTreeSet<&str> = manifest
                .parts
                .iter()
                .filter(|part| part.style.is_empty() || styles.contains(&part.style.as_str()))
                .map(|part| part.credit.as_str())
                .collect();
            manifest.credits.iter().filter(|credit| used.contains(credit.part.as_str())).cloned().collect()
        };
        Ok(Corpus {
            name: if options.subset.is_empty() { manifest.name.clone() } else { options.subset.clone() },
            fingerprint: fingerprint(manifest, len, language, &views),
            items,
            views,
            classes,
            subclasses,
            query_sets: self.query_sets(len),
            credits,
            projection: None,
            problems: Vec::new(),
        })
    }

    /// The texts of the first `len` concepts, when every block of them is loaded.
    fn texts_of(&self, kind: Kind, language: &str, len: usize) -> Option<Vec<&[String]>> {
        let mut texts = Vec::with_capacity(len);
        for block in self.manifest.blocks_of(len) {
            let part = self.manifest.find(kind, language, &block.name)?;
            texts.extend(self.texts.get(&part.name)?.iter().map(Vec::as_slice));
        }
        Some(texts)
    }

    fn query_sets(&self, len: usize) -> Vec<QuerySet> {
        let mut sources: Vec<(Kind, &str)> =
            self.manifest.languages.iter().map(|language| (Kind::Texts, language.as_str())).collect();
        let mut keywords: Vec<&str> = Vec::new();
        for part in self.manifest.parts.iter().filter(|part| part.kind == Kind::Keywords) {
            if !keywords.contains(&part.language.as_str()) {
                keywords.push(&part.language);
            }
        }
        let after_first = sources.len().min(1);
        sources.splice(after_first..after_first, keywords.into_iter().map(|source| (Kind::Keywords, source)));
        sources
            .into_iter()
            .filter_map(|(kind, name)| {
                let texts = self.texts_of(kind, name, len)?;
                let query = |texts: &[String]| if texts.is_empty() { vec![] } else { vec![texts.join(", ")] };
                Some(QuerySet { name: name.into(), texts: texts.into_iter().map(query).collect() })
            })
            .collect()
    }

    fn views(&self, wanted: &[String], len: usize) -> Result<Vec<View>> {
        if let Some(unknown) = wanted.iter().find(|style| !self.manifest.styles.contains(style)) {
            return Err(Error::Data(format!(
                "pack `{}` has no style `{unknown}`; it has {}",
                self.manifest.name,
                self.manifest.styles.join(", ")
            )));
        }
        let names = if wanted.is_empty() { &self.manifest.styles } else { wanted };
        let views: Vec<View> = names
            .iter()
            .map(|style| View {
                name: style.clone(),
                tiles: self.tiles_of(style, len),
                features: self.features_of(style, len),
            })
            .collect();
        let loaded = |view: &View| !view.tiles.is_empty() || view.features.is_some();
        if let Some(missing) = views.iter().find(|view| !wanted.is_empty() && !loaded(view)) {
            return Err(Error::Data(format!(
                "style `{}` is not loaded for these {len} concepts; load the parts of `parts_for` first",
                missing.name
            )));
        }
        let views: Vec<View> = views.into_iter().filter(loaded).collect();
        if views.is_empty() {
            return Err(Error::Data(format!(
                "no style of the pack is loaded for these {len} concepts; load the parts of `parts_for` first"
            )));
        }
        Ok(views)
    }

    /// Empty when an atlas is not loaded.
    fn tiles_of(&self, style: &str, len: usize) -> Tiles {
        let mut tiles = Tiles::default();
        for block in self.manifest.blocks_of(len) {
            let part = self.manifest.find(Kind::Atlas, style, &block.name);
            let Some(atlas) = part.and_then(|part| self.atlases.get(&part.name)) else { return Tiles::default() };
            if tiles.size != 0 && tiles.size != atlas.size {
                return Tiles::default();
            }
            tiles.size = atlas.size;
            tiles.rgb.extend_from_slice(&atlas.rgb);
        }
        tiles
    }

    fn features_of(&self, style: &str, len: usize) -> Option<Matrix> {
        let mut all = Matrix::default();
        for block in self.manifest.blocks_of(len) {
            let part = self.manifest.find(Kind::Features, style, &block.name)?;
            let features = self.features.get(&part.name)?;
            if all.rows != 0 && all.cols != features.cols {
                return None;
            }
            all.cols = features.cols;
            all.rows += features.rows;
            all.data.extend_from_slice(&features.data);
        }
        Some(all)
    }
}

/// The captions of concept `at`, whose `texts` are its label and its tags.
fn captions(at: u64, texts: &[String]) -> Vec<String> {
    let Some((label, tags)) = texts.split_first() else { return vec![] };
    if tags.is_empty() {
        return vec![label.clone()];
    }
    let mut captions = vec![label.clone(), tags.join(", "), texts.join(", ")];
    let mut rng = stream(CAPTION_SEED, Purpose::Sampling, at);
    for _ in 0..HALVES {
        let mut order: Vec<usize> = (0..tags.len()).collect();
        let (half, _) = order.partial_shuffle(&mut rng, tags.len().div_ceil(2));
        half.sort_unstable();
        captions.push(half.iter().map(|i| tags[*i].as_str()).collect::<Vec<_>>().join(", "));
    }
    captions
}

/// The names that occur in `column`, in their order, and the map from old to new numbers.
fn compact(names: &[String], column: &[u32]) -> (Vec<String>, impl Fn(u32) -> Option<u32> + use<>) {
    let used: Vec<u32> = column.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let kept = used.iter().filter_map(|old| names.get(*old as usize).cloned()).collect();
    (kept, move |old| used.binary_search(&old).ok().map(|new| new as u32))
}

/// Covers what a run learns from: the concepts with their labels and splits, the first language, the views; not the
/// query sets, which may be loaded later. Checksums are the manifest's, so that it is the same with and without atlases.
fn fingerprint(manifest: &Manifest, len: usize, language: &str, views: &[View]) -> String {
    let mut source = format!("{} {} {len}\n", manifest.name, manifest.version);
    for i in 0..len {
        source += &format!(
            "{} {} {} {} {} {}\n",
            manifest.key[i],
            manifest.group[i],
            manifest.subgroup[i],
            manifest.family[i],
            manifest.fold[i],
            manifest.held_out[i]
        );
    }
    for block in manifest.blocks_of(len) {
        let texts = manifest.find(Kind::Texts, language, &block.name);
        let views = views
            .iter()
            .flat_map(|view| [Kind::Features, Kind::Atlas].map(|kind| manifest.find(kind, &view.name, &block.name)));
        for part in texts.into_iter().chain(views.flatten()) {
            source += &format!("{} {}\n", part.name, part.sha256);
        }
    }
    sha256_hex(source.as_bytes())
}
