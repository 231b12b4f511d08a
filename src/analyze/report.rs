//! All metrics of a held-out part in one place, under the names every face uses.
//!
//! Shapes: `G` images, `M` texts with `image_of_text: [M]`, both embedded in `d` dimensions. Recalls are in per cent.

use super::kmeans::{RESTARTS, kmeans};
use super::retrieval::{Pairing, Retrieval, retrieval_by, retrieval_paired};
use super::silhouette::{Number, number_of_clusters};
use super::structure::{Spread, alignment, modality_gap, order_agreement, overlap_at_k, spread, triplets, uniformity};
use super::{ClusterScores, Score, clustering};
use crate::data::Corpus;
use crate::error::Result;
use crate::matrix::Matrix;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Triplets on which the modalities are asked to agree; fixed, so that the number moves only when the embedding does.
const TRIPLETS: usize = 10_000;
/// Seed of those triplets and of k-means: part of the metric, not of the run.
const SEED: u64 = 0;
/// Neighbourhood of the overlap.
const OVERLAP: usize = 10;
/// Largest number of clusters that is tried.
const NUMBERS: usize = 20;

/// Metrics on a held-out part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Both directions of retrieval.
    #[serde(flatten)]
    pub retrieval: Retrieval,
    /// Clusters against the classes.
    #[serde(flatten)]
    pub clustering: Clustering,
    /// Share of fixed triplets on which both modalities agree who is nearer.
    pub order_agreement: f64,
    /// Share of the 10 nearest neighbours that both modalities name.
    pub overlap_10: f64,
    /// Distance between the two centroids.
    pub modality_gap: f64,
    /// Mean squared distance of the pairs.
    pub alignment: f64,
    /// Uniformity of the images; none for fewer than two.
    pub uniformity_image: Option<f64>,
    /// Of the texts.
    pub uniformity_text: Option<f64>,
    /// Standard deviation per dimension of the images: the least and the mean.
    pub spread_image: Spread,
    /// Of the texts.
    pub spread_text: Spread,
    /// Retrieval among as many training items; only where a session evaluates itself.
    #[serde(default)]
    pub trained: Option<Trained>,
}

/// The same of items that were trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Both directions of retrieval.
    #[serde(flatten)]
    pub retrieval: Retrieval,
    /// As [`Metrics::order_agreement`].
    pub order_agreement: f64,
    /// As [`Metrics::overlap_10`].
    pub overlap_10: f64,
    /// As [`Metrics::modality_gap`].
    pub modality_gap: f64,
}

/// Clusters of a held-out part against its classes; none where the data has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Clustering {
    /// AMI (arithmetic) of k-means on image embeddings alone, k = number of classes.
    pub ami_image: Option<f64>,
    /// The same, maximum form.
    pub ami_image_max: Option<f64>,
    /// NMI (arithmetic) of the same clusters.
    pub nmi_image: Option<f64>,
    /// ARI of the same clusters.
    pub ari_image: Option<f64>,
    /// AMI of k-means on text embeddings.
    pub ami_text: Option<f64>,
    /// NMI of the same clusters.
    #[serde(default)]
    pub nmi_text: Option<f64>,
    /// ARI of the same clusters.
    #[serde(default)]
    pub ari_text: Option<f64>,
    /// AMI of k-means on image and text side by side.
    pub ami_fused: Option<f64>,
    /// NMI of the same clusters.
    #[serde(default)]
    pub nmi_fused: Option<f64>,
    /// ARI of the same clusters.
    #[serde(default)]
    pub ari_fused: Option<f64>,
    /// AMI of k-means on image embeddings, k = number of subclasses, against them; only in a full report.
    #[serde(default)]
    pub ami_subgroup: Option<f64>,
    /// The number of clusters that k-means on image embeddings has by its silhouette; only in a full report.
    #[serde(default)]
    pub clusters: Option<Number>,
}

/// How much is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// What a curve shows: fast enough for every few epochs.
    Curve,
    /// Also subclasses and the number of clusters.
    Full,
}

/// Measures embeddings of `items` (image rows in that order; one or more texts each, the first stands for the item).
pub fn measure(
    corpus: &Corpus,
    items: &[usize],
    image: &Matrix,
    text: &Matrix,
    texts: &[&str],
    image_of_text: &[usize],
    how: (Score, Detail),
) -> Result<Metrics> {
    let (score, detail) = how;
    let retrieval = ranked(image, text, texts, image_of_text, score)?;
    // One text a picture for everything that compares the two spaces point by point.
    let mut first = vec![usize::MAX; items.len()];
    for (row, &image) in image_of_text.iter().enumerate().rev() {
        first[image] = row;
    }
    let paired: Vec<usize> = (0..items.len()).filter(|&i| first[i] != usize::MAX).collect();
    let image = image.select(paired.iter().copied());
    let text = text.select(paired.iter().map(|&i| first[i]));
    let kept: Vec<usize> = paired.iter().map(|&i| items[i]).collect();

    let (order_agreement, overlap_10, modality_gap) = agreement(&image, &text)?;
    Ok(Metrics {
        retrieval,
        clustering: clustering_of(corpus, &kept, &image, &text, detail)?,
        order_agreement,
        overlap_10,
        modality_gap,
        alignment: alignment(&image, &text)?.unwrap_or(0.0),
        uniformity_image: uniformity(&image),
        uniformity_text: uniformity(&text),
        spread_image: spread(&image),
        spread_text: spread(&text),
        trained: None,
    })
}

/// Order agreement, overlap of neighbourhoods and gap of the rows of `image` and the texts beside them.
pub fn agreement(image: &Matrix, text: &Matrix) -> Result<(f64, f64, f64)> {
    Ok((
        order_agreement(image, text, &triplets(image.rows, TRIPLETS, SEED))?.unwrap_or(0.0),
        overlap_at_k(image, text, OVERLAP)?.unwrap_or(0.0),
        modality_gap(image, text)?.unwrap_or(0.0),
    ))
}

/// Both directions of retrieval among `image` (one row an item) and `text`.
pub fn ranked(
    image: &Matrix,
    text: &Matrix,
    texts: &[&str],
    image_of_text: &[usize],
    score: Score,
) -> Result<Retrieval> {
    let pairing = Pairing::merging_equal_captions(image_of_text, image.rows, texts);
    match score {
        Score::Cosine => retrieval_paired(image, text, &pairing),
        Score::Order => retrieval_by(&pairing, |i, j| score.pair(image.row(i), text.row(j))),
    }
}

/// k-means on images, on texts and on both side by side against the classes of `items`; the rows may be of any lengths.
pub fn clustering_of(
    corpus: &Corpus,
    items: &[usize],
    image: &Matrix,
    text: &Matrix,
    detail: Detail,
) -> Result<Clustering> {
    let truth = classes_of(corpus, items);
    let against = |rows: &Matrix, truth: &Option<Vec<usize>>, k: usize| -> Result<Option<ClusterScores>> {
        let Some(truth) = truth else { return Ok(None) };
        Ok(Some(clustering::scores(truth, &kmeans(rows, k.min(rows.rows), RESTARTS, SEED)?.labels)?))
    };
    let present = |labels: &Option<Vec<usize>>| labels.as_ref().map_or(0, |l| l.iter().collect::<BTreeSet<_>>().len());
    // As many clusters as there are classes here: a held-out part may lack some.
    let score = |rows: &Matrix| against(rows, &truth, present(&truth));
    let (clusters, of_text, of_both) = (score(image)?, score(text)?, score(&fused(image, text))?);
    let full = detail == Detail::Full;
    let fine = if full { subclasses_of(corpus, items) } else { None };
    let number = if full { number_of_clusters(image, 2..=NUMBERS.min(items.len()), 3, SEED)? } else { None };
    Ok(Clustering {
        ami_image: clusters.map(|s| s.ami),
        ami_image_max: clusters.map(|s| s.ami_max),
        nmi_image: clusters.map(|s| s.nmi),
        ari_image: clusters.map(|s| s.ari),
        ami_text: of_text.map(|s| s.ami),
        nmi_text: of_text.map(|s| s.nmi),
        ari_text: of_text.map(|s| s.ari),
        ami_fused: of_both.map(|s| s.ami),
        nmi_fused: of_both.map(|s| s.nmi),
        ari_fused: of_both.map(|s| s.ari),
        ami_subgroup: against(image, &fine, present(&fine))?.map(|s| s.ami),
        clusters: number,
    })
}

/// Classes of `items`; none when an item has none or there is only one class.
pub fn classes_of(corpus: &Corpus, items: &[usize]) -> Option<Vec<usize>> {
    if corpus.classes.len() < 2 || items.is_empty() {
        return None;
    }
    items.iter().map(|&i| corpus.items[i].class.map(|c| c as usize)).collect()
}

/// Subclasses of `items`; none when an item has none.
fn subclasses_of(corpus: &Corpus, items: &[usize]) -> Option<Vec<usize>> {
    if corpus.subclasses.len() < 2 || items.is_empty() {
        return None;
    }
    items.iter().map(|&i| corpus.items[i].subclass.map(|c| c as usize)).collect()
}

/// Image and text side by side, `[N, d] x [N, d] -> [N, 2d]`.
pub fn fused(image: &Matrix, text: &Matrix) -> Matrix {
    let mut data = Vec::with_capacity(image.data.len() + text.data.len());
    for i in 0..image.rows {
        data.extend_from_slice(image.row(i));
        data.extend_from_slice(text.row(i));
    }
    Matrix { rows: image.rows, cols: image.cols + text.cols, data }
}
