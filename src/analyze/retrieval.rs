//! Retrieval in both directions: recall, ranks and their mean (METHOD.md, "Evaluation").
//!
//! Shapes: images `v [G, d]`, texts `t [M, d]`, `image_of_text [M]`. The gallery of image→text is all texts, that of
//! text→image all images. The rank of a query is `1 + number of wrong candidates whose score reaches the best right
//! one`: ties, and scores that are not numbers, count against the model, so a collapsed model gets the worst rank.
//!
//! Scores are computed in blocks of texts and not kept: 6,248 × 6,248 of them would be 156 MB in a browser tab.

use crate::analyze::{Score, blocks, same_cols, similarities};
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;

/// Scores held at a time: 16 MB.
const SCORES: usize = 4 << 20;

/// Metrics of both directions. Recalls are in per cent, ranks start at 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Retrieval {
    /// Image→text: share of images with a right text ranked first.
    pub i2t_r1: f64,
    /// Image→text, within the first 5.
    pub i2t_r5: f64,
    /// Image→text, within the first 10.
    pub i2t_r10: f64,
    /// Text→image: share of texts with a right image ranked first.
    pub t2i_r1: f64,
    /// Text→image, within the first 5.
    pub t2i_r5: f64,
    /// Text→image, within the first 10.
    pub t2i_r10: f64,
    /// Mean of the six recalls.
    pub mr: f64,
    /// Image→text: median rank (mean of the middle two for an even number of queries).
    pub i2t_median_rank: f64,
    /// Image→text: mean rank.
    pub i2t_mean_rank: f64,
    /// Text→image: median rank.
    pub t2i_median_rank: f64,
    /// Text→image: mean rank.
    pub t2i_mean_rank: f64,
    /// Number of images.
    pub gallery: usize,
}

/// Which texts are right for which images: a text is right for an image when both carry the same group number.
/// Several texts per image, and several images per text, are groups of more than one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// Group of each image, `[G]`.
    pub images: Vec<usize>,
    /// Group of each text, `[M]`.
    pub texts: Vec<usize>,
}

impl Pairing {
    /// Every image is a group of its own; text `j` belongs to image `image_of_text[j]`.
    pub fn of(image_of_text: &[usize], gallery: usize) -> Self {
        Self { images: (0..gallery).collect(), texts: image_of_text.to_vec() }
    }

    /// As [`Pairing::of`], and images that share a caption string are right for each other's texts: nobody could tell
    /// them apart by the text. Sharing is transitive. `captions[j]` is the string of text `j`.
    pub fn merging_equal_captions(image_of_text: &[usize], gallery: usize, captions: &[impl AsRef<str>]) -> Self {
        let mut group: Vec<usize> = (0..gallery).collect();
        let root = |group: &[usize], mut i: usize| {
            while group[i] != i {
                i = group[i];
            }
            i
        };
        let mut first: HashMap<&str, usize> = HashMap::new();
        for (&image, caption) in image_of_text.iter().zip(captions) {
            if image < gallery {
                let other = *first.entry(caption.as_ref()).or_insert(image);
                let (a, b) = (root(&group, image), root(&group, other));
                group[a.max(b)] = a.min(b);
            }
        }
        let images: Vec<usize> = (0..gallery).map(|i| root(&group, i)).collect();
        let texts = image_of_text.iter().map(|&i| images.get(i).copied().unwrap_or(i)).collect();
        Self { images, texts }
    }
}

/// Both directions by cosine; rows need not be normalised. Each text belongs to one image.
pub fn retrieval(images: &Matrix, texts: &Matrix, image_of_text: &[usize]) -> Result<Retrieval> {
    retrieval_paired(images, texts, &Pairing::of(image_of_text, images.rows))
}

/// Both directions by cosine, with any [`Pairing`].
pub fn retrieval_paired(images: &Matrix, texts: &Matrix, pairing: &Pairing) -> Result<Retrieval> {
    same_cols(images.cols, texts.cols, "retrieval")?;
    if (images.rows, texts.rows) != (pairing.images.len(), pairing.texts.len()) {
        return Err(Error::Data(format!(
            "retrieval: {} images and {} texts, but the pairing is for {} and {}",
            images.rows,
            texts.rows,
            pairing.images.len(),
            pairing.texts.len()
        )));
    }
    let (images, texts) = (images.clone().normalised(), texts.clone().normalised());
    Ok(summary(pairing, ranks(pairing, |block| similarities(&texts.select(block), &images))?))
}

/// Both directions under any score of (image, text), higher is better.
///
/// Images without a text are distractors: candidates, but no queries. A text without an image, or no text at all, is
/// an error.
pub fn retrieval_by(pairing: &Pairing, score: impl Fn(usize, usize) -> f32) -> Result<Retrieval> {
    let gallery = pairing.images.len();
    let table = |block: Range<usize>| {
        let mut table = Matrix::zeros(block.len(), gallery);
        for (row, j) in block.enumerate() {
            table.row_mut(row).iter_mut().enumerate().for_each(|(i, s)| *s = score(i, j));
        }
        table
    };
    Ok(summary(pairing, ranks(pairing, table)?))
}

/// Rank (1 is first) of its own text for each image, and of its own image for each text: pair i is image i and text i.
/// Equal `captions` are right for each other's images.
pub fn pair_ranks(
    images: &Matrix,
    texts: &Matrix,
    captions: &[impl AsRef<str>],
    score: Score,
) -> Result<(Vec<usize>, Vec<usize>)> {
    let all: Vec<usize> = (0..images.rows).collect();
    let pairing = Pairing::merging_equal_captions(&all, images.rows, captions);
    ranks(&pairing, |block| match score {
        Score::Cosine => similarities(&texts.select(block), images),
        Score::Order => {
            let pairs = block.clone().flat_map(|j| (0..images.rows).map(move |i| (i, j)));
            let data = pairs.map(|(i, j)| score.pair(images.row(i), texts.row(j))).collect();
            Matrix { rows: block.len(), cols: images.rows, data }
        }
    })
}

fn summary(pairing: &Pairing, (i2t, t2i): (Vec<usize>, Vec<usize>)) -> Retrieval {
    let (i, t) = (Summary::of(i2t), Summary::of(t2i));
    Retrieval {
        i2t_r1: i.r1,
        i2t_r5: i.r5,
        i2t_r10: i.r10,
        t2i_r1: t.r1,
        t2i_r5: t.r5,
        t2i_r10: t.r10,
        mr: (i.r1 + i.r5 + i.r10 + t.r1 + t.r5 + t.r10) / 6.0,
        i2t_median_rank: i.median,
        i2t_mean_rank: i.mean,
        t2i_median_rank: t.median,
        t2i_mean_rank: t.mean,
        gallery: pairing.images.len(),
    }
}

/// Ranks of the image queries (those that have a text) and of the text queries. `scores` gives, for a range of texts,
/// their scores with all images, `[texts, G]`.
#[expect(
    clippy::neg_cmp_op_on_partial_ord,
    reason = "a NaN on either side must count as reached, which >= would not say"
)]
fn ranks(pairing: &Pairing, scores: impl Fn(Range<usize>) -> Matrix) -> Result<(Vec<usize>, Vec<usize>)> {
    let Pairing { images, texts } = pairing;
    if texts.is_empty() {
        return Err(Error::Data("retrieval: there is no text to search with".into()));
    }
    let mut members: HashMap<usize, Vec<usize>> = HashMap::new();
    for (i, group) in images.iter().enumerate() {
        members.entry(*group).or_default().push(i);
    }
    let blocks = blocks(texts.len(), SCORES / images.len().max(1));

    // First the best right score of each query; NaN when there is none (`f32::max` passes over NaN).
    let mut best_i = vec![f32::NAN; images.len()];
    let mut best_t = vec![f32::NAN; texts.len()];
    let mut has_text = vec![false; images.len()];
    let mut only_block = None;
    for block in &blocks {
        let s = scores(block.clone());
        for (row, j) in block.clone().enumerate() {
            let own = members.get(&texts[j]).ok_or_else(|| {
                Error::Data(format!("retrieval: text {j} belongs to image {}, which is not in the gallery", texts[j]))
            })?;
            for &i in own {
                best_i[i] = best_i[i].max(s.row(row)[i]);
                best_t[j] = best_t[j].max(s.row(row)[i]);
                has_text[i] = true;
            }
        }
        only_block = (blocks.len() == 1).then_some(s);
    }

    // Then a second pass counts the wrong candidates that reach it.
    let mut rank_i = vec![1usize; images.len()];
    let mut rank_t = vec![1usize; texts.len()];
    for block in &blocks {
        let s = only_block.take().unwrap_or_else(|| scores(block.clone()));
        for (row, j) in block.clone().enumerate() {
            for (i, s) in s.row(row).iter().enumerate() {
                let wrong = images[i] != texts[j];
                rank_i[i] += usize::from(wrong & !(*s < best_i[i]));
                rank_t[j] += usize::from(wrong & !(*s < best_t[j]));
            }
        }
    }
    let rank_i = rank_i.into_iter().zip(has_text).filter_map(|(rank, has)| has.then_some(rank)).collect();
    Ok((rank_i, rank_t))
}

struct Summary {
    r1: f64,
    r5: f64,
    r10: f64,
    median: f64,
    mean: f64,
}

impl Summary {
    fn of(mut ranks: Vec<usize>) -> Self {
        ranks.sort_unstable();
        let n = ranks.len();
        let within = |k: usize| 100.0 * ranks.partition_point(|&r| r <= k) as f64 / n as f64;
        Self {
            r1: within(1),
            r5: within(5),
            r10: within(10),
            median: (ranks[(n - 1) / 2] + ranks[n / 2]) as f64 / 2.0,
            mean: ranks.iter().sum::<usize>() as f64 / n as f64,
        }
    }
}

#[cfg(test)]
#[path = "retrieval_tests.rs"]
mod tests;
