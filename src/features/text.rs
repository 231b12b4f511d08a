//! Text features: hashed TF-IDF of words and character n-grams, reduced by a truncated SVD.
//!
//! `x = normalise(tfidf(text) V)`, `y_i` of the method before the text tower; shapes `tfidf [m]`, `V [m, d_y]`, where `m`
//! counts the buckets that the training captions use (the only ones kept: a basis over all 32,768 buckets would be
//! 50 MB of zeros for the most part).
//!
//! - `tf = 1 + ln(count)`, `idf = ln((1 + n) / (1 + df)) + 1` over the `n` *distinct* training captions.
//! - Words and n-grams are two blocks, each L2-normalised before they are added up: a word of six letters makes 15
//!   n-grams and would drown among them; see [`WORD_WEIGHT`].
//! - A text of unseen words is placed by the n-grams it shares with seen ones. A text that shares none gets a direction
//!   drawn from the hashes of its terms: it means nothing, but it is the same for the same text and is not zero. An
//!   empty text is a zero row. [`TextFeatures::known`] tells the cases apart.

use super::svd::{self, Sparse};
use super::tokens::{self, Kind};
use crate::error::{Error, Result};
use crate::matrix::{Matrix, normalise};
use crate::rng::{Purpose, stream};
use rand::Rng as _;
use std::collections::{BTreeMap, HashSet};

/// Weight of the word block against 1 for the n-gram block.
pub const WORD_WEIGHT: f32 = 1.0;
/// Bucket numbers travel as `f32`, which holds integers up to here.
const MOST_BUCKETS: usize = 1 << 24;
/// A projection shorter than this share of the unit TF-IDF vector is rounding noise.
const NOISE: f32 = 1e-5;

/// The fitted map from texts to feature rows.
#[derive(Debug, Clone, PartialEq)]
pub struct TextFeatures {
    buckets: usize,
    explained: f32,
    /// Used buckets, ascending; entry `k` belongs to row `k` of `basis`.
    used: Vec<u32>,
    /// `[m]`.
    idf: Vec<f32>,
    /// `[m, dim]`.
    basis: Matrix,
}

impl TextFeatures {
    /// Fits idf and basis on the captions of the training part. Repeated captions count once. `dim` columns come back
    /// from [`Self::transform`] even where the captions have a lower rank (the rest is zero then).
    ///
    /// # Errors
    /// No caption with any text; `dim` 0; `buckets` 0 or above 2^24.
    pub fn fit(captions: &[&str], dim: usize, buckets: usize, seed: u64) -> Result<Self> {
        if dim == 0 || buckets == 0 || buckets > MOST_BUCKETS {
            return Err(Error::Config(format!(
                "text features need text_dim of at least 1 and text_buckets from 1 to {MOST_BUCKETS}, got {dim} and {buckets}"
            )));
        }
        let mut seen = HashSet::new();
        let counted: Vec<Vec<Term>> = captions
            .iter()
            .filter(|caption| seen.insert(**caption))
            .map(|caption| count(caption, buckets))
            .filter(|terms| !terms.is_empty())
            .collect();
        if counted.is_empty() {
            return Err(Error::Data("no training caption has any text".into()));
        }
        let mut frequency = BTreeMap::<u32, u32>::new();
        for terms in &counted {
            let mut last = None;
            for term in terms {
                // A word and an n-gram in one bucket are one document for that bucket.
                if last.replace(term.bucket) != Some(term.bucket) {
                    *frequency.entry(term.bucket).or_default() += 1;
                }
            }
        }
        let n = counted.len() as f64;
        let mut fitted = Self {
            buckets,
            explained: 0.0,
            used: frequency.keys().copied().collect(),
            idf: frequency.values().map(|&df| (((1.0 + n) / (1.0 + f64::from(df))).ln() + 1.0) as f32).collect(),
            basis: Matrix::default(),
        };
        let mut a = Sparse::new(fitted.used.len());
        for terms in &counted {
            a.push(fitted.weighted(terms));
        }
        let svd = svd::truncated(&a, dim, seed)?;
        fitted.explained = svd.explained;
        fitted.basis = svd.basis;
        Ok(fitted)
    }

    /// Columns of the result.
    pub fn dim(&self) -> usize {
        self.basis.cols
    }

    /// Share of the training captions' squared TF-IDF norm that the basis keeps, 0 to 1 (not centred).
    pub fn explained(&self) -> f32 {
        self.explained
    }

    /// Buckets the training captions use, `m`.
    pub fn used_buckets(&self) -> usize {
        self.used.len()
    }

    /// Feature rows, `[texts.len(), dim]`, of unit length; the row of an empty text is zero.
    pub fn transform(&self, texts: &[&str]) -> Matrix {
        let mut out = Matrix::zeros(texts.len(), self.dim());
        texts.iter().enumerate().for_each(|(i, text)| self.transform_one(text, out.row_mut(i)));
        out
    }

    #[inline(never)] // As `dense.rs` says.
    fn transform_one(&self, text: &str, row: &mut [f32]) {
        let terms = count(text, self.buckets);
        for (k, weight) in self.weighted(&terms) {
            for (y, v) in row.iter_mut().zip(self.basis.row(k as usize)) {
                *y += weight * v;
            }
        }
        if row.iter().map(|v| v * v).sum::<f32>() < NOISE * NOISE {
            unseen(&terms, row);
        }
        normalise(row);
    }

    /// Mean vector of the known words of each text (n-grams left out), `[texts.len(), dim]`: the rows that the SVD gives
    /// to single words, each of unit length. Zero where no word is known.
    pub fn word_means(&self, texts: &[&str]) -> Matrix {
        let mut out = Matrix::zeros(texts.len(), self.dim());
        for (i, text) in texts.iter().enumerate() {
            let terms = count(text, self.buckets);
            let words = terms.iter().filter(|term| term.kind == Kind::Word);
            let known: Vec<(usize, u32)> =
                words.filter_map(|term| Some((self.used.binary_search(&term.bucket).ok()?, term.count))).collect();
            let total = known.iter().map(|(_, count)| count).sum::<u32>().max(1) as f32;
            for (k, count) in known {
                let vector = self.basis.row(k);
                let length = vector.iter().map(|v| v * v).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
                out.row_mut(i).iter_mut().zip(vector).for_each(|(y, v)| *y += count as f32 * v / (length * total));
            }
        }
        out
    }

    /// Share of the text's distinct terms (words and n-grams) that the training captions have, 0 to 1. At 0 the row of
    /// [`Self::transform`] carries no meaning.
    pub fn known(&self, text: &str) -> f32 {
        let terms = count(text, self.buckets);
        let known = terms.iter().filter(|term| self.used.binary_search(&term.bucket).is_ok()).count();
        if terms.is_empty() { 0.0 } else { known as f32 / terms.len() as f32 }
    }

    /// TF-IDF of the known terms as `(row of basis, weight)`: each block of unit length, their sum again.
    fn weighted(&self, terms: &[Term]) -> Vec<(u32, f32)> {
        let mut entries = Vec::with_capacity(terms.len());
        for term in terms {
            if let Ok(k) = self.used.binary_search(&term.bucket) {
                entries.push((term.kind, k as u32, (1.0 + f64::from(term.count).ln()) as f32 * self.idf[k]));
            }
        }
        let length = |kind| entries.iter().filter(|e| e.0 == kind).map(|e| e.2 * e.2).sum::<f32>().sqrt();
        let (words, grams) = (length(Kind::Word), length(Kind::Gram));
        let mut merged: Vec<(u32, f32)> = Vec::with_capacity(entries.len());
        for (kind, k, value) in entries {
            let value = if kind == Kind::Word { WORD_WEIGHT * value / words } else { value / grams };
            match merged.last_mut() {
                Some(last) if last.0 == k => last.1 += value,
                _ => merged.push((k, value)),
            }
        }
        let total = merged.iter().map(|e| e.1 * e.1).sum::<f32>().sqrt();
        merged.iter_mut().for_each(|e| e.1 /= total);
        merged
    }

    /// Everything needed to rebuild this, by name: `text/meta [1, 2]` (buckets, explained), `text/used [1, m]` (bucket
    /// numbers, exact in `f32`), `text/idf [1, m]`, `text/basis [m, dim]`.
    pub fn tensors(&self) -> Vec<(String, Matrix)> {
        let line = |data: Vec<f32>| Matrix { rows: 1, cols: data.len(), data };
        vec![
            ("text/meta".into(), line(vec![self.buckets as f32, self.explained])),
            ("text/used".into(), line(self.used.iter().map(|&b| b as f32).collect())),
            ("text/idf".into(), line(self.idf.clone())),
            ("text/basis".into(), self.basis.clone()),
        ]
    }

    /// The inverse of [`Self::tensors`]; other names are ignored.
    ///
    /// # Errors
    /// A tensor is missing, has the wrong shape, or holds values that cannot be right.
    pub fn from_tensors(tensors: &[(String, Matrix)]) -> Result<Self> {
        let get = |name: &str| super::tensor(tensors, name);
        let (meta, used, idf, basis) = (get("text/meta")?, get("text/used")?, get("text/idf")?, get("text/basis")?);
        let wrong = |problem: &str| Error::format("text features", format!("{problem}; export the run again"));
        let [buckets, explained] = meta.data[..] else { return Err(wrong("text/meta does not hold two values")) };
        if !(1.0..=MOST_BUCKETS as f32).contains(&buckets) || buckets.fract() != 0.0 {
            return Err(wrong("the number of buckets is out of range"));
        }
        if used.data.len() != basis.rows || idf.data.len() != basis.rows || basis.cols == 0 {
            return Err(wrong("text/used, text/idf and text/basis differ in length"));
        }
        let ascending = used.data.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || used.data.iter().any(|b| !(0.0..buckets).contains(b) || b.fract() != 0.0) {
            return Err(wrong("text/used is not an ascending list of buckets"));
        }
        if !explained.is_finite() || idf.data.iter().chain(&basis.data).any(|v| !v.is_finite()) {
            return Err(wrong("a value is not finite"));
        }
        Ok(Self {
            buckets: buckets as usize,
            explained,
            used: used.data.iter().map(|&b| b as u32).collect(),
            idf: idf.data.clone(),
            basis: basis.clone(),
        })
    }
}

/// A term's bucket and how often the text has it.
#[derive(Debug, Clone, Copy)]
struct Term {
    bucket: u32,
    kind: Kind,
    count: u32,
}

/// The terms of a text, ascending by bucket, then kind.
fn count(text: &str, buckets: usize) -> Vec<Term> {
    let mut hashed = Vec::new();
    tokens::terms(text, |kind, term| {
        let hash = tokens::hash(kind, term);
        // FNV's high bits are its better ones: fold them in before the remainder.
        hashed.push((((hash ^ (hash >> 32)) % buckets as u64) as u32, kind));
    });
    hashed.sort_unstable();
    hashed
        .chunk_by(|a, b| a == b)
        .map(|run| Term { bucket: run[0].0, kind: run[0].1, count: run.len() as u32 })
        .collect()
}

/// Adds a direction that depends on the terms alone: one pseudo-random vector per term.
fn unseen(terms: &[Term], row: &mut [f32]) {
    for term in terms {
        let mut rng = stream(u64::from(term.bucket), Purpose::Projection, 1 + term.kind as u64);
        row.iter_mut().for_each(|y| *y += rng.random::<f32>() - 0.5);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::dot;

    const CAPTIONS: [&str; 8] = [
        "red apple",
        "green apple",
        "red fire engine",
        "grinning cat face",
        "crying cat face",
        "dog face",
        "green salad",
        "red apple",
    ];

    fn fitted(dim: usize) -> TextFeatures {
        TextFeatures::fit(&CAPTIONS, dim, 1 << 15, 1).unwrap()
    }

    #[test]
    fn rows_have_unit_length_and_order_by_shared_words() {
        let x = fitted(6).transform(&["red apple", "Green APPLE!", "dog face", "red apple"]);
        assert_eq!((x.rows, x.cols), (4, 6));
        for i in 0..4 {
            assert!((dot(x.row(i), x.row(i)) - 1.0).abs() < 1e-5);
        }
        assert_eq!(x.row(0), x.row(3));
        assert!(dot(x.row(0), x.row(1)) > dot(x.row(0), x.row(2)) + 0.2);
    }

    #[test]
    fn full_rank_keeps_the_inner_products_of_tfidf() {
        // Seven distinct captions: with seven dimensions nothing is lost, so cosines equal those of plain TF-IDF,
        // here computed by hand for two captions that share the word "green" and its n-grams only.
        let f = fitted(7);
        assert!((f.explained() - 1.0).abs() < 1e-4, "{}", f.explained());
        let x = f.transform(&["green salad", "green apple"]);
        // df: green 2, apple 2, salad 1 of n = 7; apple and salad have no common n-gram. Every term occurs once.
        let idf = |df: f64| (8.0 / (1.0 + df)).ln() + 1.0;
        let (two, one) = (idf(2.0).powi(2), idf(1.0).powi(2));
        // Each of the three words has 5 + 4 + 3 = 12 n-grams; of those of "green", " gr" is also in "grinning".
        let green = 11.0 * two + idf(3.0).powi(2);
        let word = two / ((two + one) * (two + two)).sqrt();
        let gram = green / ((green + 12.0 * one) * (green + 12.0 * two)).sqrt();
        let want = (word + gram) / 2.0;
        let got = f64::from(dot(x.row(0), x.row(1)));
        assert!((got - want).abs() < 1e-3, "{got} {want}");
    }

    #[test]
    fn unseen_words_empty_text_and_their_measure() {
        let f = fitted(6);
        let x = f.transform(&["apples", "zzz", "", "🍎", "zzz", "qqq", " \n"]);
        // By its n-grams "apples" is nearer to apple than to anything else.
        let seen = f.transform(&["red apple", "dog face"]);
        assert!(dot(x.row(0), seen.row(0)) > 0.5 && dot(x.row(0), seen.row(1)).abs() < 0.3);
        for i in [1, 3, 5] {
            assert!((dot(x.row(i), x.row(i)) - 1.0).abs() < 1e-5, "row {i}");
        }
        assert_eq!(x.row(1), x.row(4));
        assert_ne!(x.row(1), x.row(5));
        assert!(x.row(2).iter().chain(x.row(6)).all(|v| *v == 0.0));
        assert_eq!((f.known("zzz"), f.known(""), f.known("red apple")), (0.0, 0.0, 1.0));
        assert!((0.01..1.0).contains(&f.known("apples")));
    }

    #[test]
    fn a_mean_of_words_by_hand() {
        let f = fitted(6);
        let x = f.word_means(&["red", "apple", "red apple", "zzz", "Red, red apple"]);
        for j in 0..6 {
            let (red, apple) = (x.row(0)[j], x.row(1)[j]);
            assert!((x.row(2)[j] - (red + apple) / 2.0).abs() < 1e-6);
            assert!((x.row(4)[j] - (2.0 * red + apple) / 3.0).abs() < 1e-6);
            assert_eq!(x.row(3)[j], 0.0);
        }
        assert!((dot(x.row(0), x.row(0)) - 1.0).abs() < 1e-5);
    }

    #[test]
    fn repeated_captions_do_not_count_twice() {
        assert_eq!(fitted(6), TextFeatures::fit(&CAPTIONS[..7], 6, 1 << 15, 1).unwrap());
    }

    #[test]
    fn more_dimensions_than_captions_and_few_buckets() {
        let f = TextFeatures::fit(&["a", "b"], 10, 3, 1).unwrap();
        assert!(f.used_buckets() <= 3);
        let x = f.transform(&["a", "b", "c d e"]);
        assert_eq!(x.cols, 10);
        assert!(x.data.iter().all(|v| v.is_finite()));
        let one = TextFeatures::fit(&["only"], 4, 64, 1).unwrap().transform(&["only"]);
        assert!((one.row(0)[0].abs() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn refuses_what_cannot_be_fitted() {
        assert!(TextFeatures::fit(&[], 4, 64, 1).is_err());
        assert!(TextFeatures::fit(&["", "  "], 4, 64, 1).is_err());
        assert!(TextFeatures::fit(&["a"], 0, 64, 1).is_err());
        assert!(TextFeatures::fit(&["a"], 4, 0, 1).is_err());
        assert!(TextFeatures::fit(&["a"], 4, (1 << 24) + 1, 1).is_err());
    }

    #[test]
    fn tensors_round_trip_and_damaged_ones_are_refused() {
        let f = fitted(6);
        let tensors = f.tensors();
        assert_eq!(TextFeatures::from_tensors(&tensors).unwrap(), f);
        for i in 0..tensors.len() {
            let mut missing = tensors.clone();
            missing.remove(i);
            assert!(TextFeatures::from_tensors(&missing).is_err());
            let mut infinite = tensors.clone();
            infinite[i].1.data[0] = f32::INFINITY;
            assert!(TextFeatures::from_tensors(&infinite).is_err(), "{}", infinite[i].0);
        }
        let mut unsorted = tensors;
        unsorted[1].1.data.swap(0, 1);
        assert!(TextFeatures::from_tensors(&unsorted).is_err());
    }

    #[test]
    fn hostile_texts() {
        let long = "x".repeat(20_000);
        let odd = ["\u{0}\u{202e}", "ﷺ", "İ", "\u{300}\u{301}", long.as_str(), "'; DROP TABLE", "<script>"];
        let f = TextFeatures::fit(&odd, 4, 256, 1).unwrap();
        assert!(f.transform(&odd).data.iter().all(|v| v.is_finite()));
    }
}
