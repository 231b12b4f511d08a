//! What a run trains on and what it reports on.
//!
//! | split | trained on | tested on |
//! |---|---|---|
//! | concept | items of the families that are not held out, in all views | held-out items in the test view |
//! | style | all items, in all views but the test view | all items in the test view |
//! | both | items that are not held out, in all views but the test view | held-out items in the test view |
//!
//! Held out are the items that the corpus marks, or those of one family fold.
//!
//! **Validation** (for choosing settings) leaves the test part alone: held-out items and, for style and both, the test
//! view do not appear at all. A fifth of the remaining families, drawn once and for all, takes the place of the held-out
//! items; for style and both, the last remaining view takes the place of the test view. In the style split the validation
//! items stay in training, in the other views: a style is unseen there, not an item.

use crate::config::{DataConfig, Split};
use crate::data::corpus::Corpus;
use crate::error::{Error, Result};
use crate::rng::{Purpose, stream};
use rand::seq::SliceRandom as _;
use std::collections::{BTreeSet, HashSet};

/// Seed of the families held out where the data or the validation needs a draw: every run holds out the same ones.
const SPLIT_SEED: u64 = 0;
/// A batch of fewer items has no triplet.
const FEWEST_TRAINING_ITEMS: usize = 3;

/// Item and view indices of a run, ascending; all index the corpus's own tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Items trained on.
    pub train_items: Vec<usize>,
    /// Items reported on: the gallery.
    pub test_items: Vec<usize>,
    /// Views trained on.
    pub train_views: Vec<usize>,
    /// View reported on.
    pub test_view: usize,
}

impl Partition {
    /// Resolves the split that `config` asks for.
    ///
    /// # Errors
    /// The corpus has no such view, no such fold, marks nothing as held out, has too few views to leave one out, or too
    /// few items are left on one side.
    pub fn new(corpus: &Corpus, config: &DataConfig) -> Result<Self> {
        let mut test_view = test_view(corpus, config)?;
        let mut train_views: Vec<usize> = (0..corpus.views.len()).collect();
        let leaves_view_out = config.split != Split::Concept;
        if leaves_view_out {
            let needed = if config.validation { 3 } else { 2 };
            if corpus.views.len() < needed {
                return Err(Error::Config(format!(
                    "this split leaves a view out{} and needs {needed} views, but {} has {}; use split = concept",
                    if config.validation { ", and another for validation," } else { "" },
                    corpus.name,
                    corpus.views.len()
                )));
            }
            train_views.retain(|&view| view != test_view);
            if config.validation {
                test_view = train_views.pop().unwrap_or(test_view);
            }
        }

        // The style split itself knows no held-out items; its validation does, so as to choose nothing on them.
        let items = 0..corpus.len();
        let mut held_out = vec![false; corpus.len()];
        if config.split != Split::Style || config.validation {
            for (flag, item) in held_out.iter_mut().zip(&corpus.items) {
                *flag = config.fold.map_or(item.held_out, |fold| item.fold == Some(fold));
            }
        }
        let (mut test_items, mut train_items): (Vec<usize>, Vec<usize>) = items.partition(|&i| held_out[i]);
        match (config.split, config.validation) {
            (Split::Style, false) => test_items.clone_from(&train_items),
            (_, true) => {
                let families: BTreeSet<u32> = train_items.iter().map(|&i| corpus.items[i].family).collect();
                let drawn = fifth_of(&families, config.validation_part.into());
                test_items = train_items.iter().copied().filter(|&i| drawn.contains(&corpus.items[i].family)).collect();
                if config.split != Split::Style {
                    train_items.retain(|&i| !drawn.contains(&corpus.items[i].family));
                }
            }
            (Split::Concept | Split::Both, false) => {}
        }

        if test_items.is_empty() {
            return Err(Error::Data(match config.fold {
                Some(fold) => {
                    format!("{} has no items of fold {fold}; leave fold out or choose one it has", corpus.name)
                }
                None => format!("{} holds no items out; give fold, or use split = style", corpus.name),
            }));
        }
        if train_items.len() < FEWEST_TRAINING_ITEMS {
            return Err(Error::Data(format!(
                "{} leaves {} items to train on; at least {FEWEST_TRAINING_ITEMS} are needed: add pairs or hold out fewer",
                corpus.name,
                train_items.len()
            )));
        }
        Ok(Self { train_items, test_items, train_views, test_view })
    }

    /// Views that a report covers: all `views` where only items are unseen, else the one left out.
    pub fn reported(&self, views: usize) -> Vec<usize> {
        let unseen = !self.train_views.contains(&self.test_view);
        if unseen { vec![self.test_view] } else { (0..views).collect() }
    }
}

/// The view that `config` names, or the split's default.
fn test_view(corpus: &Corpus, config: &DataConfig) -> Result<usize> {
    let find = |name: &str| corpus.views.iter().position(|view| view.name == name);
    let last =
        corpus.views.len().checked_sub(1).ok_or_else(|| Error::Data(format!("{} has no pictures", corpus.name)))?;
    if config.test_view.is_empty() {
        return Ok(match config.split {
            Split::Concept => find("noto").unwrap_or(0),
            Split::Style | Split::Both => find("twemoji").unwrap_or(last),
        });
    }
    find(&config.test_view).ok_or_else(|| {
        let names: Vec<&str> = corpus.views.iter().map(|view| view.name.as_str()).collect();
        Error::Config(format!(
            "test_view {:?} is not a view of {}; it has {}",
            config.test_view,
            corpus.name,
            names.join(", ")
        ))
    })
}

/// The fifth number `part` of `families` (at least one and not all of them), the same at every call; the five parts of
/// five or more families are disjoint and cover them.
pub(crate) fn fifth_of(families: &BTreeSet<u32>, part: usize) -> HashSet<u32> {
    let mut order: Vec<u32> = families.iter().copied().collect();
    order.shuffle(&mut stream(SPLIT_SEED, Purpose::Split, 0));
    let n = order.len();
    let bound = |part: usize| (part as f64 * n as f64 / 5.0).round() as usize;
    let start = bound(part).min(n.saturating_sub(1));
    let end = bound(part + 1).max(start + 1).min(if start == 0 { n.saturating_sub(1) } else { n });
    order.drain(start..end).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::corpus::{Item, View};

    /// 60 items in 20 families of three; families 0-3 (12 items) held out; fold = family mod 5.
    fn corpus(views: &[&str]) -> Corpus {
        let item = |i: u32| Item {
            key: i.to_string(),
            captions: vec![i.to_string()],
            family: i / 3,
            fold: Some((i / 3 % 5) as u8),
            held_out: i < 12,
            ..Item::default()
        };
        let views = views.iter().map(|name| View { name: (*name).into(), ..View::default() }).collect();
        Corpus { name: "sample".into(), items: (0..60).map(item).collect(), views, ..Corpus::default() }
    }

    const STYLES: [&str; 4] = ["noto", "twemoji", "openmoji", "fluent"];

    fn resolve(config: &DataConfig) -> Partition {
        Partition::new(&corpus(&STYLES), config).unwrap()
    }

    fn families(items: &[usize]) -> HashSet<usize> {
        items.iter().map(|i| i / 3).collect()
    }

    #[test]
    fn concept() {
        let p = resolve(&DataConfig::default());
        assert_eq!(p.test_items, (0..12).collect::<Vec<_>>());
        assert_eq!(p.train_items, (12..60).collect::<Vec<_>>());
        assert_eq!((p.train_views, p.test_view), (vec![0, 1, 2, 3], 0));
        let p = resolve(&DataConfig { test_view: "fluent".into(), fold: Some(2), ..DataConfig::default() });
        assert_eq!(p.test_view, 3);
        assert_eq!(families(&p.test_items), [2, 7, 12, 17].into());
        assert!(families(&p.test_items).is_disjoint(&families(&p.train_items)));
        assert_eq!(p.train_items.len() + p.test_items.len(), 60);
    }

    #[test]
    fn style_and_both() {
        let p = resolve(&DataConfig { split: Split::Style, ..DataConfig::default() });
        assert_eq!((p.train_items.len(), p.test_items.len()), (60, 60));
        assert_eq!((p.train_views, p.test_view), (vec![0, 2, 3], 1));
        let p = resolve(&DataConfig { split: Split::Both, ..DataConfig::default() });
        assert_eq!((p.train_items.len(), p.test_items.len()), (48, 12));
        assert_eq!((p.train_views, p.test_view), (vec![0, 2, 3], 1));
    }

    #[test]
    fn validation_leaves_the_test_part_alone() {
        for split in [Split::Concept, Split::Style, Split::Both] {
            let p = resolve(&DataConfig { split, validation: true, ..DataConfig::default() });
            // 16 training families: a fifth is 3.2.
            assert_eq!(families(&p.test_items).len(), 3, "{split:?}");
            assert_eq!(p.test_items.len(), 9);
            assert!(p.train_items.iter().chain(&p.test_items).all(|&i| i >= 12), "{split:?}");
            let disjoint = families(&p.test_items).is_disjoint(&families(&p.train_items));
            assert_eq!(disjoint, split != Split::Style);
            let views = if split == Split::Concept { (vec![0, 1, 2, 3], 0) } else { (vec![0, 2], 3) };
            assert_eq!((p.train_views, p.test_view), views);
        }
        let one = DataConfig { validation: true, ..DataConfig::default() };
        let other = DataConfig { text_dim: 7, ..one.clone() };
        assert_eq!(resolve(&one), resolve(&other));
        // With a fold, that fold is the test part.
        let p = resolve(&DataConfig { fold: Some(4), ..one });
        assert!(families(&p.train_items).union(&families(&p.test_items)).all(|f| f % 5 != 4));
    }

    #[test]
    fn default_views_without_the_known_names() {
        let c = corpus(&["a", "b", "c"]);
        assert_eq!(Partition::new(&c, &DataConfig::default()).unwrap().test_view, 0);
        let style = DataConfig { split: Split::Style, ..DataConfig::default() };
        assert_eq!(Partition::new(&c, &style).unwrap().test_view, 2);
    }

    #[test]
    fn refusals_name_the_remedy() {
        let says = |corpus: &Corpus, config: DataConfig, what: &str| {
            let error = Partition::new(corpus, &config).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
        };
        let style = DataConfig { split: Split::Style, ..DataConfig::default() };
        says(&corpus(&["photo"]), style.clone(), "split = concept");
        says(&corpus(&["a", "b"]), DataConfig { validation: true, ..style }, "3 views");
        says(&corpus(&STYLES), DataConfig { test_view: "apple".into(), ..DataConfig::default() }, "noto, twemoji");
        says(&corpus(&STYLES), DataConfig { fold: Some(9), ..DataConfig::default() }, "fold 9");
        says(&corpus(&[]), DataConfig::default(), "no pictures");
        let mut none = corpus(&STYLES);
        none.items.iter_mut().for_each(|item| item.held_out = false);
        says(&none, DataConfig::default(), "holds no items out");
        none.items.iter_mut().skip(2).for_each(|item| item.held_out = true);
        says(&none, DataConfig::default(), "2 items to train on");
    }

    #[test]
    fn a_fifth_is_never_all_or_nothing() {
        let of = |n: u32| fifth_of(&(0..n).collect(), 0).len();
        assert_eq!([0, 1, 2, 4, 10, 100].map(of), [0, 0, 1, 1, 2, 20]);
        for n in [5, 12, 103] {
            let mut parts: Vec<u32> = (0..5).flat_map(|part| fifth_of(&(0..n).collect(), part)).collect();
            parts.sort_unstable();
            assert_eq!(parts, (0..n).collect::<Vec<_>>(), "five parts of {n}");
        }
    }
}
