//! Agreement of two labelings of the same items: AMI, NMI, ARI, equal to scikit-learn's.
//!
//! `n_ij` items carry label i in the first and j in the second labeling; `a_i`, `b_j` are the row and column sums, `n`
//! the number of items. Sources: Vinh, Epps & Bailey, JMLR 11 (2010) for the adjusted mutual information (AMI) and its
//! expectation under the hypergeometric model; Hubert & Arabie (1985) for the adjusted Rand index (ARI). Natural
//! logarithms. Labels are names only: any numbers, in any order.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How the two entropies are averaged into the normaliser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Average {
    /// `(H(a) + H(b)) / 2`, scikit-learn's default.
    Arithmetic,
    /// `max(H(a), H(b))`.
    Max,
}

/// The four scores that are reported. 1 = the same partition; AMI and ARI are 0 in expectation for random labels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClusterScores {
    /// Adjusted mutual information, arithmetic mean.
    pub ami: f64,
    /// Adjusted mutual information, maximum.
    pub ami_max: f64,
    /// Normalised mutual information, arithmetic mean.
    pub nmi: f64,
    /// Adjusted Rand index.
    pub ari: f64,
}

/// All scores of `predicted` against `truth`. An error when the lengths differ or there is no item.
pub fn scores(truth: &[usize], predicted: &[usize]) -> Result<ClusterScores> {
    let table = Contingency::new(truth, predicted)?;
    Ok(ClusterScores {
        ami: table.ami(Average::Arithmetic),
        ami_max: table.ami(Average::Max),
        nmi: table.nmi(Average::Arithmetic),
        ari: table.ari(),
    })
}

/// The contingency table of two labelings, stored sparsely.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contingency {
    /// Number of items `n`.
    pub n: usize,
    /// Items per label of the first labeling, in the order of the labels: `a_i`.
    pub a: Vec<usize>,
    /// Items per label of the second labeling: `b_j`.
    pub b: Vec<usize>,
    /// The cells that are not empty: `(i, j, n_ij)`, sorted; i and j index `a` and `b`.
    pub cells: Vec<(usize, usize, usize)>,
}

impl Contingency {
    /// Counts. An error when the lengths differ or there is no item.
    pub fn new(first: &[usize], second: &[usize]) -> Result<Self> {
        if first.len() != second.len() || first.is_empty() {
            return Err(Error::Data(format!(
                "cluster scores need one label per item on both sides and at least one item; got {} and {}",
                first.len(),
                second.len()
            )));
        }
        let (first, a) = ranked(first);
        let (second, b) = ranked(second);
        let mut cells = BTreeMap::new();
        for pair in first.iter().copied().zip(second) {
            *cells.entry(pair).or_insert(0) += 1;
        }
        Ok(Self { n: first.len(), a, b, cells: cells.into_iter().map(|((i, j), n)| (i, j, n)).collect() })
    }

    /// Mutual information in nats.
    pub fn mutual_information(&self) -> f64 {
        let n = self.n as f64;
        let sum: f64 = self
            .cells
            .iter()
            .map(|&(i, j, nij)| {
                let nij = nij as f64;
                nij / n * (nij * n / (self.a[i] as f64 * self.b[j] as f64)).ln()
            })
            .sum();
        sum.max(0.0)
    }

    /// Adjusted mutual information, `(MI − E[MI]) / (average − E[MI])`.
    pub fn ami(&self, average: Average) -> f64 {
        if self.same_partition() {
            return 1.0;
        }
        if self.a.len() == 1 || self.b.len() == 1 {
            return 0.0;
        }
        let expected = self.expected_mutual_information();
        // Rounding may leave either difference at 0 or with the wrong sign; both are kept away from 0.
        let away = |x: f64| if x < 0.0 { x.min(-f64::EPSILON) } else { x.max(f64::EPSILON) };
        away(self.mutual_information() - expected) / away(self.normaliser(average) - expected)
    }

    /// Normalised mutual information, `MI / average`.
    pub fn nmi(&self, average: Average) -> f64 {
        if self.same_partition() {
            return 1.0;
        }
        let mi = self.mutual_information();
        if mi <= f64::EPSILON { 0.0 } else { mi / self.normaliser(average) }
    }

    /// Adjusted Rand index, from the numbers of pairs that are together in both, one or none of the labelings.
    pub fn ari(&self) -> f64 {
        if self.same_partition() {
            return 1.0;
        }
        let squares = |counts: &mut dyn Iterator<Item = usize>| counts.map(|c| (c as f64).powi(2)).sum::<f64>();
        let n = self.n as f64;
        let both = squares(&mut self.cells.iter().map(|c| c.2));
        let (in_a, in_b) = (squares(&mut self.a.iter().copied()), squares(&mut self.b.iter().copied()));
        // Ordered pairs: together in both; only in b; only in a; in neither.
        let (tp, fp, fn_) = (both - n, in_b - both, in_a - both);
        let tn = n * n - both - fp - fn_;
        2.0 * (tp * tn - fn_ * fp) / ((tp + fn_) * (fn_ + tn) + (tp + fp) * (fp + tn))
    }

    /// `E[MI]` over all pairs of labelings with the same sums, in nats.
    ///
    /// Clusters of equal size give equal terms, so only distinct sizes are visited: O(sizes_a · sizes_b · n) at worst,
    /// and a labeling of 6,248 singletons costs one size.
    pub fn expected_mutual_information(&self) -> f64 {
        let n = self.n;
        let ln_factorial = ln_factorials(n);
        let f = |k: usize| ln_factorial[k];
        let ln_n = (n as f64).ln();
        let mut expected = 0.0;
        for (&a, &times_a) in &multiplicity(&self.a) {
            for (&b, &times_b) in &multiplicity(&self.b) {
                let mut term = 0.0;
                let fixed = f(a) + f(b) + f(n - a) + f(n - b) - f(n);
                let ln_ab = (a as f64).ln() + (b as f64).ln();
                for k in (a + b).saturating_sub(n).max(1)..=a.min(b) {
                    // Probability that the two clusters share k items, written so that n + k − a − b ≥ 0.
                    let ln_p = fixed - f(k) - f(a - k) - f(b - k) - f(n + k - a - b);
                    term += k as f64 / n as f64 * (ln_n + (k as f64).ln() - ln_ab) * ln_p.exp();
                }
                expected += (times_a * times_b) as f64 * term;
            }
        }
        expected
    }

    /// Both labelings make the same clusters, whatever they are called. Scores are then exactly 1, also where the
    /// formulas say 0/0 (one cluster, all singletons, one item).
    fn same_partition(&self) -> bool {
        self.cells.len() == self.a.len() && self.cells.len() == self.b.len()
    }

    fn normaliser(&self, average: Average) -> f64 {
        let entropy = |sums: &[usize]| {
            let n = self.n as f64;
            sums.iter().map(|&c| c as f64 / n * (n / c as f64).ln()).sum::<f64>()
        };
        let (a, b) = (entropy(&self.a), entropy(&self.b));
        match average {
            Average::Arithmetic => (a + b) / 2.0,
            Average::Max => a.max(b),
        }
    }
}

/// Labels replaced by their rank (0, 1, 2 …), and how often each occurs.
fn ranked(labels: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let counts = multiplicity(labels);
    let rank: BTreeMap<usize, usize> = counts.keys().enumerate().map(|(rank, label)| (*label, rank)).collect();
    (labels.iter().map(|label| rank[label]).collect(), counts.into_values().collect())
}

/// Each distinct value and how often it occurs.
fn multiplicity(values: &[usize]) -> BTreeMap<usize, usize> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(*value).or_insert(0) += 1;
    }
    counts
}

/// `ln k!` for `k = 0..=n`. Compensated (Neumaier) sums: plain ones would lose the ninth digit of E[MI].
fn ln_factorials(n: usize) -> Vec<f64> {
    let (mut sum, mut lost) = (0.0f64, 0.0f64);
    let mut table = vec![0.0; n + 1];
    for (k, entry) in table.iter_mut().enumerate().skip(1) {
        let term = (k as f64).ln();
        let next = sum + term;
        lost += if sum >= term { (sum - next) + term } else { (term - next) + sum };
        sum = next;
        *entry = sum + lost;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Golden {
        name: String,
        truth: Vec<usize>,
        predicted: Vec<usize>,
        ami: f64,
        ami_max: f64,
        nmi: f64,
        ari: f64,
        mi: f64,
        emi: f64,
    }

    #[test]
    fn equal_to_scikit_learn() {
        let cases: Vec<Golden> =
            serde_json::from_str(include_str!("../../tests/golden/clustering.json")).expect("golden file");
        assert!(cases.len() >= 15);
        for c in cases {
            let s = scores(&c.truth, &c.predicted).unwrap();
            let table = Contingency::new(&c.truth, &c.predicted).unwrap();
            for (what, got, want) in [
                ("ami", s.ami, c.ami),
                ("ami_max", s.ami_max, c.ami_max),
                ("nmi", s.nmi, c.nmi),
                ("ari", s.ari, c.ari),
                ("mi", table.mutual_information(), c.mi),
                ("emi", table.expected_mutual_information(), c.emi),
            ] {
                assert!((got - want).abs() < 1e-9, "{} of {}: {got} instead of {want}", what, c.name);
            }
        }
    }

    #[test]
    fn names_of_the_labels_and_the_order_of_the_arguments_do_not_matter() {
        let (a, b) = ([0, 0, 1, 1, 2, 2, 2], [5, 5, 5, 9, 9, 7, 7]);
        let renamed: Vec<usize> = a.iter().map(|l| 1000 - 7 * l).collect();
        let (x, y, z) = (scores(&a, &b).unwrap(), scores(&renamed, &b).unwrap(), scores(&b, &a).unwrap());
        for (p, q) in [(x, y), (x, z)] {
            for (p, q) in [(p.ami, q.ami), (p.ami_max, q.ami_max), (p.nmi, q.nmi), (p.ari, q.ari)] {
                assert!((p - q).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn expectation_equals_the_mean_over_all_permutations() {
        // Ground truth by brute force: every arrangement of the second labeling, equally likely.
        fn permutations(items: Vec<usize>) -> Vec<Vec<usize>> {
            if items.is_empty() {
                return vec![vec![]];
            }
            (0..items.len())
                .flat_map(|i| {
                    let mut rest = items.clone();
                    let first = rest.remove(i);
                    permutations(rest).into_iter().map(move |mut p| {
                        p.push(first);
                        p
                    })
                })
                .collect()
        }
        let (a, b) = (vec![0, 0, 0, 1, 1, 2], vec![0, 0, 1, 1, 1, 1]);
        let all = permutations(b.clone());
        let mean =
            all.iter().map(|p| Contingency::new(&a, p).unwrap().mutual_information()).sum::<f64>() / all.len() as f64;
        let expected = Contingency::new(&a, &b).unwrap().expected_mutual_information();
        assert!((mean - expected).abs() < 1e-12, "{mean} {expected}");
    }

    #[test]
    fn contingency_counts() {
        let table = Contingency::new(&[7, 7, 3, 3], &[0, 1, 1, 1]).unwrap();
        assert_eq!((table.n, &table.a[..], &table.b[..]), (4, &[2, 2][..], &[1, 3][..]));
        assert_eq!(table.cells, [(0, 1, 2), (1, 0, 1), (1, 1, 1)]);
    }

    #[test]
    fn no_item_and_unequal_lengths_are_errors() {
        assert!(scores(&[], &[]).is_err());
        assert!(scores(&[1], &[1, 2]).is_err());
    }
}
