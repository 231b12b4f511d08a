//! What is to be said about a user's data before it is trained on, and remedies.
//!
//! A remedy is a [`Plan`]: differences that are applied when the data is looked at or put together, while what was read
//! stays as it is. So each can be taken back. Everything is by the number of a picture (see [`super::import`]).

use super::assemble::FEWEST_ITEMS;
use super::import::Import;
use super::language;
use super::metadata::Part;
use crate::features::without_words;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// From as many as can be trained up to here the numbers say little.
const FEW: usize = 100;
/// A class with fewer pictures than this is rare.
const RARE: usize = 3;
/// A class with more than this share of the pictures makes agreement with classes easy.
const DOMINANT: f64 = 0.8;

/// Remedies.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Pictures to leave out.
    pub drop: BTreeSet<usize>,
    /// Captions instead of those that were read.
    pub captions: Captions,
    /// Take the words of its label out of a picture's captions.
    pub strip_labels: bool,
    /// Train and test without labels.
    pub ignore_labels: bool,
    /// Draw the held-out part anew instead of taking the `split` column.
    pub ignore_split: bool,
}

/// Captions of pictures, by their numbers.
type Captions = BTreeMap<usize, Vec<String>>;

/// What kind of thing was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Rows with a problem: pictures that cannot be read, above all. In [`Check::problems`].
    Problems,
    /// Pictures without a caption; they are left out.
    NoCaption,
    /// Pictures that are the same file or the same pixels.
    SamePicture,
    /// Pictures that look nearly the same; they stay on one side of the split.
    NearDuplicates,
    /// Different pictures with the same caption.
    SameCaption,
    /// The caption names the label, so that clusters by words alone look good.
    LabelInCaption,
    /// Captions in another language than most.
    Languages,
    /// One label has most of the pictures.
    Dominant,
    /// Labels with fewer than three pictures.
    RareLabels,
    /// The `split` column puts the same caption or picture on both sides.
    Leak,
    /// Few pairs.
    Few,
}

/// Something to be said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// How many pictures (rows, for problems).
    pub count: usize,
    /// The pictures, in groups that belong together.
    pub groups: Vec<Vec<usize>>,
    /// The plan with the remedy; none where there is none in one step.
    pub remedy: Option<Plan>,
}

/// Everything that was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// Most serious first.
    pub findings: Vec<Finding>,
    /// Row number, file and sentence of every problem.
    pub problems: Vec<super::RowProblem>,
    /// Pictures that can be trained and tested with.
    pub usable: usize,
    /// Of them held out.
    pub held_out: usize,
    /// Families among them.
    pub families: usize,
    /// The held-out part is the user's own.
    pub own_split: bool,
    /// Labels with their number of pictures, largest first.
    pub labels: Vec<(String, usize)>,
    /// Languages (ISO 639-3) with their number of captions, largest first, as far as they can be told.
    pub languages: Vec<(String, usize)>,
}

/// The pictures with a plan applied; all lists run over the pictures in use.
pub(super) struct Settled {
    /// Numbers of the pictures in use, ascending.
    pub used: Vec<usize>,
    pub captions: Vec<Vec<String>>,
    pub labels: Vec<Option<String>>,
    /// Named by the place of its first member in these lists.
    pub families: Vec<u32>,
    /// The `split` column counts.
    pub marked: bool,
    /// Groups of places whose files or pixels are equal.
    same: Vec<Vec<usize>>,
    near: Vec<Vec<usize>>,
    same_caption: Vec<Vec<usize>>,
    without_caption: Vec<usize>,
}

/// Connected components.
struct Union(Vec<usize>);

impl Union {
    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, i: usize, j: usize) {
        let (a, b) = (self.root(i), self.root(j));
        self.0[a.max(b)] = a.min(b);
    }

    /// Components of two or more.
    fn groups(&mut self) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        (0..self.0.len()).for_each(|i| groups.entry(self.root(i)).or_default().push(i));
        groups.into_values().filter(|group| group.len() > 1).collect()
    }
}

/// Words of a label, as they stand in captions.
fn label_words(label: &str) -> Vec<String> {
    label.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

fn without_label(caption: &str, label: &str) -> String {
    let words = label_words(label);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    without_words(caption, &words).trim().to_owned()
}

impl Settled {
    pub(super) fn new(import: &Import, plan: &Plan) -> Self {
        let mut settled = Self {
            used: Vec::new(),
            captions: Vec::new(),
            labels: Vec::new(),
            families: Vec::new(),
            marked: false,
            same: Vec::new(),
            near: Vec::new(),
            same_caption: Vec::new(),
            without_caption: Vec::new(),
        };
        for (at, picture) in import.pictures.iter().enumerate().filter(|(at, _)| !plan.drop.contains(at)) {
            let given = plan.captions.get(&at).unwrap_or(&picture.captions);
            let label = picture.label.clone().filter(|_| !plan.ignore_labels);
            let stripped = given.iter().map(|caption| match (&picture.label, plan.strip_labels) {
                (Some(label), true) => without_label(caption, label),
                _ => caption.trim().to_owned(),
            });
            let mut captions: Vec<String> = Vec::new();
            for caption in stripped.filter(|caption| !caption.is_empty()) {
                if !captions.contains(&caption) {
                    captions.push(caption);
                }
            }
            if captions.is_empty() {
                settled.without_caption.push(at);
            } else {
                settled.used.push(at);
                settled.captions.push(captions);
                settled.labels.push(label);
            }
        }
        let held_out = |&at: &usize| import.pictures[at].part == Some(Part::HeldOut);
        settled.marked = import.has_split && !plan.ignore_split && settled.used.iter().any(held_out);
        settled.find_families(import);
        settled
    }

    fn find_families(&mut self, import: &Import) {
        let n = self.used.len();
        let union = || Union((0..n).collect());
        let (mut all, mut same, mut near, mut words) = (union(), union(), union(), union());
        let (mut by_caption, mut by_digest, mut by_tile) = (HashMap::new(), HashMap::new(), HashMap::new());
        for i in 0..n {
            let at = self.used[i];
            for caption in &self.captions[i] {
                let other = *by_caption.entry(caption.as_str()).or_insert(i);
                all.join(i, other);
                words.join(i, other);
            }
            for other in [
                *by_digest.entry(import.pictures[at].digest).or_insert(i),
                *by_tile.entry(import.tiles.tile(at)).or_insert(i),
            ] {
                all.join(i, other);
                same.join(i, other);
            }
        }
        let place: HashMap<usize, usize> = self.used.iter().enumerate().map(|(i, &at)| (at, i)).collect();
        for (a, b) in import.near_pairs() {
            if let (Some(&i), Some(&j)) = (place.get(a), place.get(b)) {
                all.join(i, j);
                // Copies are said once, as copies.
                let (a, b) = (same.root(i), same.root(j));
                if a != b {
                    near.join(a, b);
                }
            }
        }
        self.families = (0..n).map(|i| all.root(i) as u32).collect();
        self.same = same.groups();
        self.near = near.groups();
        self.same_caption = words.groups();
    }

    /// Groups of places as groups of pictures.
    fn pictures(&self, groups: &[Vec<usize>]) -> Vec<Vec<usize>> {
        groups.iter().map(|group| group.iter().map(|&i| self.used[i]).collect()).collect()
    }
}

impl Check {
    pub(super) fn of(import: &Import, plan: &Plan) -> Self {
        let settled = Settled::new(import, plan);
        let held = held_out(import, &settled);
        let labels = counted(settled.labels.iter().flatten().map(String::as_str));
        let captions = settled.captions.iter().flatten().map(|caption| (caption.as_str(), import.guess(caption)));
        let told = language::languages(&captions.collect::<Vec<_>>());
        let languages = counted(told.iter().copied().flatten());
        let others = other_languages(&settled, &told, &languages);
        let mut problems = import.problems.clone();
        problems.sort_by_key(|p| p.row);
        let families: BTreeSet<u32> = settled.families.iter().copied().collect();
        Self {
            findings: findings(import, plan, &settled, &held, (&labels, &others)),
            problems,
            usable: settled.used.len(),
            held_out: held.iter().filter(|held| **held).count(),
            families: families.len(),
            own_split: settled.marked,
            labels,
            languages,
        }
    }
}

/// How often each is there, most frequent first.
fn counted<'a>(all: impl Iterator<Item = &'a str>) -> Vec<(String, usize)> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    all.for_each(|one| *counts.entry(one).or_default() += 1);
    let mut counts: Vec<_> = counts.into_iter().map(|(one, n)| (one.to_owned(), n)).collect();
    counts.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    counts
}

/// Pictures that have a caption in another language than most, and their captions without those.
fn other_languages(settled: &Settled, told: &[Option<&str>], languages: &[(String, usize)]) -> Captions {
    let Some((most, _)) = languages.first() else { return BTreeMap::new() };
    let mut told = told.iter();
    let pairs = settled.used.iter().zip(&settled.captions).map(|(&at, captions)| {
        let own = captions.iter().zip(told.by_ref()).filter(|(_, code)| code.is_none_or(|code| code == most));
        (at, own.map(|(caption, _)| caption.clone()).collect::<Vec<_>>(), captions.len())
    });
    pairs.filter(|(_, own, all)| own.len() < *all).map(|(at, own, _)| (at, own)).collect()
}

/// Which places are held out.
fn held_out(import: &Import, settled: &Settled) -> Vec<bool> {
    if settled.marked {
        return settled.used.iter().map(|&at| import.pictures[at].part == Some(Part::HeldOut)).collect();
    }
    let families: BTreeSet<u32> = settled.families.iter().copied().collect();
    let drawn = super::split::fifth_of(&families, 0);
    settled.families.iter().map(|family| drawn.contains(family)).collect()
}

fn findings(
    import: &Import,
    plan: &Plan,
    settled: &Settled,
    held: &[bool],
    (labels, others): (&[(String, usize)], &Captions),
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |kind, groups: Vec<Vec<usize>>, remedy: Option<Plan>| {
        let count: usize = groups.iter().map(Vec::len).sum();
        if count > 0 {
            found.push(Finding { kind, count, groups, remedy: remedy.filter(|remedy| remedy != plan) });
        }
    };
    let with = |change: &dyn Fn(&mut Plan)| {
        let mut plan = plan.clone();
        change(&mut plan);
        Some(plan)
    };
    say(Kind::NoCaption, vec![settled.without_caption.clone()], None);
    let leaking: Vec<usize> = if settled.marked {
        let trained: BTreeSet<u32> =
            settled.families.iter().zip(held).filter(|(_, held)| !**held).map(|(f, _)| *f).collect();
        (0..held.len())
            .filter(|&i| held[i] && trained.contains(&settled.families[i]))
            .map(|i| settled.used[i])
            .collect()
    } else {
        Vec::new()
    };
    say(Kind::Leak, vec![leaking], with(&|plan| plan.ignore_split = true));
    let merged = with(&|plan| merge(settled, &settled.same, plan));
    say(Kind::SamePicture, settled.pictures(&settled.same), merged);
    let thinned = with(&|plan| merge(settled, &settled.near, plan));
    say(Kind::NearDuplicates, settled.pictures(&settled.near), thinned);
    say(Kind::SameCaption, settled.pictures(&settled.same_caption), None);
    let named = (0..settled.used.len()).filter(|&i| {
        let label = import.pictures[settled.used[i]].label.as_deref().filter(|_| settled.labels[i].is_some());
        label.is_some_and(|label| {
            settled.captions[i].iter().any(|caption| without_label(caption, label) != caption.trim())
        })
    });
    let named = named.map(|i| settled.used[i]).collect();
    say(Kind::LabelInCaption, vec![named], with(&|plan| plan.strip_labels = true));
    say(Kind::Languages, vec![others.keys().copied().collect()], with(&|plan| plan.captions.extend(others.clone())));
    let of_label = |label: &str| -> Vec<usize> {
        let own = (0..settled.used.len()).filter(|&i| settled.labels[i].as_deref() == Some(label));
        own.map(|i| settled.used[i]).collect()
    };
    let labelled: usize = labels.iter().map(|(_, n)| n).sum();
    let dominant = labels.first().filter(|(_, n)| *n as f64 > DOMINANT * labelled as f64);
    let groups = dominant.map(|(label, _)| of_label(label)).into_iter().collect();
    say(Kind::Dominant, groups, with(&|plan| plan.ignore_labels = true));
    let rare = labels.iter().filter(|(_, n)| *n < RARE).map(|(label, _)| of_label(label)).collect();
    say(Kind::RareLabels, rare, with(&|plan| plan.ignore_labels = true));
    if (FEWEST_ITEMS..FEW).contains(&settled.used.len()) {
        found.push(Finding { kind: Kind::Few, count: settled.used.len(), groups: Vec::new(), remedy: None });
    }
    if !import.problems.is_empty() {
        found.insert(
            0,
            Finding { kind: Kind::Problems, count: import.problems.len(), groups: Vec::new(), remedy: None },
        );
    }
    found
}

/// Leaves one picture of each group, with the captions of all.
fn merge(settled: &Settled, groups: &[Vec<usize>], plan: &mut Plan) {
    for group in groups {
        let Some((&first, others)) = group.split_first() else { continue };
        let mut captions = settled.captions[first].clone();
        for &other in others {
            plan.drop.insert(settled.used[other]);
            captions
                .extend(settled.captions[other].iter().filter(|c| !captions.contains(c)).cloned().collect::<Vec<_>>());
        }
        plan.captions.insert(settled.used[first], captions);
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "check_tests.rs"]
mod tests;
