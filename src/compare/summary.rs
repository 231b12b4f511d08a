//! From records to tables: mean and spread, change against the twin and the best rival, sign test.

use super::{Job, Part, Record};
use crate::objectives::{self, Role};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Columns of the tables: metric, title, digits.
const COLUMNS: [(&str, &str, usize); 10] = [
    ("i2t_r1", "i→t R@1", 1),
    ("i2t_r10", "i→t R@10", 1),
    ("t2i_r1", "t→i R@1", 1),
    ("t2i_r10", "t→i R@10", 1),
    ("mr", "mR", 1),
    ("ami_image", "AMI image", 3),
    ("ami_text", "AMI text", 3),
    ("ami_fused", "AMI fused", 3),
    ("ami_subgroup", "AMI subgroup", 3),
    ("order_agreement", "order", 3),
];
/// Columns of the table of structure.
const STRUCTURE: [(&str, &str, usize); 8] = [
    ("order_agreement", "order agreement", 3),
    ("overlap_10", "overlap@10", 3),
    ("modality_gap", "modality gap", 3),
    ("alignment", "alignment", 3),
    ("uniformity_image", "uniformity of images", 2),
    ("uniformity_text", "uniformity of texts", 2),
    ("clusters", "clusters by silhouette", 1),
    ("ari_image", "ARI image", 3),
];
/// Metrics by which the default is compared with its twin and with the best rival.
const CLAIMS: [(&str, &str); 6] = [
    ("ami_image", "AMI image"),
    ("ami_fused", "AMI fused"),
    ("ami_subgroup", "AMI subgroup"),
    ("mr", "mR"),
    ("i2t_r1", "i→t R@1"),
    ("t2i_r1", "t→i R@1"),
];

/// Values of a metric by (fold, seed).
type Series = BTreeMap<(Option<u8>, u64), f64>;

/// The records of a comparison, ready to be asked.
pub struct Summary<'a> {
    records: &'a [Record],
}

/// One objective against another, paired by fold and seed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Paired {
    /// Mean of the first over mean of the second.
    pub ratio: f64,
    /// Pairs in which the first is larger.
    pub wins: usize,
    /// Pairs that differ.
    pub pairs: usize,
    /// Two-sided sign test: probability of a result at least as one-sided by chance.
    pub p: f64,
}

impl<'a> Summary<'a> {
    /// Over these records.
    pub fn new(records: &'a [Record]) -> Self {
        Self { records }
    }

    fn series(&self, objective: &str, part: Part, without_generic_words: bool, metric: &str) -> Series {
        let found = self.records.iter().filter(|r| here(&r.job, objective, part, without_generic_words));
        found.filter_map(|r| Some(((r.job.fold, r.job.seed), r.metrics.get(metric).copied().flatten()?))).collect()
    }

    /// `first` against `second`; none where they share no cell. One cell of a closed form stands for every seed.
    pub fn paired(&self, first: &str, second: &str, part: Part, metric: &str) -> Option<Paired> {
        let (a, b) = (self.series(first, part, false, metric), self.series(second, part, false, metric));
        let closed = objectives::find(second).is_ok_and(|o| o.role == Role::Closed);
        let of = |series: &Series, key: &(Option<u8>, u64)| {
            series.get(key).or(series.get(&(key.0, 1)).filter(|_| closed)).copied()
        };
        let pairs: Vec<(f64, f64)> = a.iter().filter_map(|(key, x)| Some((*x, of(&b, key)?))).collect();
        if pairs.is_empty() {
            return None;
        }
        let sum = |f: fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>();
        let wins = pairs.iter().filter(|(x, y)| x > y).count();
        let differ = pairs.iter().filter(|(x, y)| x != y).count();
        Some(Paired { ratio: sum(|p| p.0) / sum(|p| p.1), wins, pairs: differ, p: sign_test(wins, differ) })
    }

    /// The rival (or closed form; the twin is InfoNCE on skip towers) with the largest mean of `metric`.
    pub fn best_rival(&self, part: Part, metric: &str) -> Option<(String, f64)> {
        let rivals =
            objectives::all().into_iter().filter(|o| matches!(o.role, Role::Rival | Role::Closed | Role::Twin));
        rivals
            .filter_map(|o| Some((mean_sd(&self.series(&o.id, part, false, metric))?.0, o.id)))
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(mean, id)| (id, mean))
    }

    /// Everything as Markdown.
    pub fn markdown(&self) -> String {
        let mut out = String::new();
        for part in Part::ALL {
            if self.records.iter().any(|r| r.job.split == part) {
                let _ = writeln!(out, "### {}\n\n{}", title(part), self.table(part, false));
                out += &self.claims(part);
                out += &self.added(part);
                out += &self.structure(part);
            }
        }
        if self.records.iter().any(|r| r.job.without_generic_words) {
            out += "### Without the words that name a class\n\nUnseen concepts; every text without face, animal, food and \
                    the like, so that clusters cannot follow a label that stands in the text.\n\n";
            out += &self.table(Part::Concept, true);
        }
        out
    }

    fn table(&self, part: Part, without_generic_words: bool) -> String {
        let titles: Vec<&str> = COLUMNS.iter().map(|c| c.1).collect();
        let head = format!("| objective | n | epochs | {} | AMI ÷ twin | mR ÷ twin |\n", titles.join(" | "));
        let mut out = format!("{head}|---|---|---|{}---|---|\n", "---|".repeat(COLUMNS.len()));
        for objective in objectives::all() {
            let rows = self.records.iter().filter(|r| here(&r.job, &objective.id, part, without_generic_words));
            let n = rows.clone().count();
            if n == 0 {
                continue;
            }
            let stops: Vec<usize> = rows.filter_map(|r| r.stop_epoch).collect();
            let epochs = match stops.len() {
                0 => "–".to_owned(),
                k => format!("{:.0}", stops.iter().sum::<usize>() as f64 / k as f64),
            };
            let cells = COLUMNS.map(|(metric, _, digits)| {
                shown(&self.series(&objective.id, part, without_generic_words, metric), digits)
            });
            let twin = ["ami_image", "mr"].map(|metric| {
                let twin = mean_sd(&self.series("twin", part, without_generic_words, metric));
                let own = mean_sd(&self.series(&objective.id, part, without_generic_words, metric));
                own.zip(twin).map_or("–".to_owned(), |(own, twin)| format!("{:.2}", own.0 / twin.0))
            });
            let name = if objective.id == "mtls" { "**mtls**" } else { &objective.id };
            let _ = writeln!(out, "| {name} | {n} | {epochs} | {} | {} |", cells.join(" | "), twin.join(" | "));
        }
        out + "\n± is the standard deviation over seeds or folds; it does not include the noise of a small test set (one \
               pair of 300 is 0.3 points). Epochs: the mean of those chosen.\n\n"
    }

    /// The structure of the spaces that matter most.
    fn structure(&self, part: Part) -> String {
        let titles: Vec<&str> = STRUCTURE.iter().map(|c| c.1).collect();
        let rows = objectives::all().into_iter().filter(|o| matches!(o.role, Role::Closed | Role::Mtls | Role::Twin));
        let mut out = format!("| objective | {} |\n|---|{}\n", titles.join(" | "), "---|".repeat(STRUCTURE.len()));
        for objective in rows {
            if self.records.iter().any(|r| here(&r.job, &objective.id, part, false)) {
                let cells = STRUCTURE
                    .map(|(metric, _, digits)| shown(&self.series(&objective.id, part, false, metric), digits));
                let _ = writeln!(out, "| {} | {} |", objective.id, cells.join(" | "));
            }
        }
        out + "\n"
    }

    /// What transfer does to each loss on the same towers.
    fn added(&self, part: Part) -> String {
        let mut rows = String::new();
        for objective in objectives::all().iter().filter(|o| o.role == Role::Added) {
            let loss = objective.id.trim_end_matches("+transfer");
            let cells = ["ami_image", "ami_fused", "mr", "i2t_r1", "t2i_r1"]
                .map(|metric| self.paired(&objective.id, &format!("{loss}/skip"), part, metric));
            if cells.iter().any(Option::is_some) {
                let cells = cells.map(|cell| cell.map_or("–".to_owned(), |p| p.shown()));
                let _ = writeln!(rows, "| {loss} | {} |", cells.join(" | "));
            }
        }
        if rows.is_empty() {
            return rows;
        }
        format!(
            "What transfer adds to each loss, skip towers (with it, as a ratio to without):\n\n\
             | loss | AMI image | AMI fused | mR | i→t R@1 | t→i R@1 |\n|---|---|---|---|---|---|\n{rows}\n"
        )
    }

    fn claims(&self, part: Part) -> String {
        let mut rows = String::new();
        for (metric, title) in CLAIMS {
            let Some(twin) = self.paired("mtls", "twin", part, metric) else { continue };
            let rival = self.best_rival(part, metric);
            let against = rival.and_then(|(id, _)| Some((self.paired("mtls", &id, part, metric)?, id)));
            let rival = against.map_or("–".to_owned(), |(p, id)| format!("{} ({id})", p.shown()));
            let _ = writeln!(rows, "| {title} | {} | {rival} |", twin.shown());
        }
        if rows.is_empty() {
            return rows;
        }
        format!(
            "The default against its twin without transfer and against the best rival of each metric (ratio of means; \
             wins of the pairs that differ; two-sided sign test, which cannot go below .063 with five pairs):\n\n\
             | metric | mtls / twin | mtls / best rival |\n|---|---|---|\n{rows}\n"
        )
    }
}

fn here(job: &Job, objective: &str, part: Part, without_generic_words: bool) -> bool {
    (job.objective.as_str(), job.split, job.without_generic_words) == (objective, part, without_generic_words)
}

impl Paired {
    fn shown(&self) -> String {
        format!("{:.2}×, {} of {}, p {:.3}", self.ratio, self.wins, self.pairs, self.p)
    }
}

fn title(part: Part) -> &'static str {
    match part {
        Part::Concept => "Unseen concepts (the held-out families, mean of the styles)",
        Part::ConceptFold => "Unseen concepts, five family folds (every concept tested once, mean of the styles)",
        Part::Style => "Unseen style (all concepts, one style held out)",
        Part::Both => "Unseen concepts in an unseen style",
    }
}

/// Mean and sample standard deviation; none of nothing.
fn mean_sd(series: &Series) -> Option<(f64, f64)> {
    let n = series.len() as f64;
    if series.is_empty() {
        return None;
    }
    let mean = series.values().sum::<f64>() / n;
    let squares: f64 = series.values().map(|v| (v - mean).powi(2)).sum();
    Some((mean, (squares / (n - 1.0).max(1.0)).sqrt()))
}

fn shown(series: &Series, digits: usize) -> String {
    match mean_sd(series) {
        Some((mean, sd)) if series.len() > 1 => format!("{mean:.digits$} ± {sd:.digits$}"),
        Some((mean, _)) => format!("{mean:.digits$}"),
        None => "–".to_owned(),
    }
}

/// Two-sided: twice the smaller tail of a fair coin, at most 1.
fn sign_test(wins: usize, pairs: usize) -> f64 {
    let tail = wins.min(pairs - wins);
    let mut term = 0.5f64.powi(pairs as i32); // choose(n, 0) / 2^n
    let mut sum = 0.0;
    for k in 0..=tail {
        sum += term;
        term *= (pairs - k) as f64 / (k + 1) as f64;
    }
    (2.0 * sum).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(objective: &str, fold: u8, mr: f64) -> Record {
        Record {
            job: Job {
                objective: objective.into(),
                split: Part::ConceptFold,
                fold: Some(fold),
                seed: 1,
                without_generic_words: false,
            },
            data: "emoji-4".into(),
            metrics: [("mr".to_owned(), Some(mr)), ("ami_image".to_owned(), Some(mr / 100.0))].into(),
            views: BTreeMap::new(),
            stop_epoch: None,
            configuration: String::new(),
            seconds: 0.0,
        }
    }

    #[test]
    fn sign_test_by_hand() {
        // scipy.stats.binomtest(k, n).pvalue
        for (wins, pairs, p) in [(5, 5, 0.0625), (0, 5, 0.0625), (4, 5, 0.375), (8, 10, 0.109375), (3, 6, 1.0)] {
            assert!((sign_test(wins, pairs) - p).abs() < 1e-12, "{wins} of {pairs}");
        }
        assert_eq!(sign_test(0, 0), 1.0);
    }

    #[test]
    fn pairs_are_matched_by_fold_and_the_best_rival_is_found() {
        let records: Vec<Record> = (0..5)
            .flat_map(|f| {
                let x = f64::from(f);
                [
                    record("mtls", f, 36.0 + x),
                    record("twin", f, 35.0 + x),
                    record("cca", f, 30.0),
                    record("vse/mlp", f, 9.0),
                    record("vse/skip", f, 9.0),
                    record("vse+transfer", f, 10.0),
                ]
            })
            .collect();
        let summary = Summary::new(&records);
        let paired = summary.paired("mtls", "twin", Part::ConceptFold, "mr").unwrap();
        assert_eq!((paired.wins, paired.pairs), (5, 5));
        assert!((paired.ratio - 38.0 / 37.0).abs() < 1e-12);
        // The twin is InfoNCE on skip towers, a rival like the others.
        assert_eq!(summary.best_rival(Part::ConceptFold, "mr").unwrap().0, "twin");
        let text = summary.markdown();
        assert!(text.contains("| **mtls** | 5 | – |") && text.contains("38.0 ± 1.6"), "{text}");
        assert!(text.contains("| 1.03 | 1.03 |"), "AMI and mR over the twin's: {text}");
        assert!(text.contains("| vse | 1.11×, 5 of 5, p 0.062 |"), "{text}");
        assert!(text.contains("1.03×, 5 of 5, p 0.062"), "{text}");
        assert!(summary.paired("mtls", "twin", Part::Style, "mr").is_none());
    }
}
