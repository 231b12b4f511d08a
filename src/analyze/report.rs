//! All metrics of a held-out part in one place, under the names every face uses.
//!
//! Shapes: `G` images, `M` texts with `image_of_text: [M]`, both embedded in `d` dimensions. Recalls are in per cent.

use super::kmeans::{RESTARTS, kmeans};
use super::retrieval::{Pairing, Retrieval, retrieval_paired};
use super::structure::{modality_gap, order_agreement, overlap_at_k, triplets};
use super::{ClusterScores, clustering};
use crate::data::Corpus;
use crate::error::Result;
use crate::matrix::Matrix;
use serde::{Deserialize, Serialize};

/// Triplets on which the modalities are asked to agree; fixed, so that the number moves only when the embedding does.
const TRIPLETS: usize = 10_000;
/// Seed of those triplets and of k-means: part of the metric, not of the run.
const SEED: u64 = 0;
/// Neighbourhood of the overlap.
const OVERLAP: usize = 10;

/// Metrics on a held-out part. Cluster scores are none when the data has no classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Both directions of retrieval.
    #[serde(flatten)]
    pub retrieval: Retrieval,
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
    /// AMI of k-means on image and text side by side.
    pub ami_fused: Option<f64>,
    /// Share of fixed triplets on which both modalities agree who is nearer.
    pub order_agreement: f64,
    /// Share of the 10 nearest neighbours that both modalities name.
    pub overlap_10: f64,
    /// Distance between the two centroids.
    pub modality_gap: f64,
}

/// Measures embeddings of `items` (image rows in that order; one or more texts each, the first stands for the item).
pub fn measure(
    corpus: &Corpus,
    items: &[usize],
    image: &Matrix,
    text: &Matrix,
    texts: &[&str],
    image_of_text: &[usize],
) -> Result<Metrics> {
    let pairing = Pairing::merging_equal_captions(image_of_text, items.len(), texts);
    let retrieval = retrieval_paired(image, text, &pairing)?;
    // One text a picture for everything that compares the two spaces point by point.
    let mut first = vec![usize::MAX; items.len()];
    for (row, &image) in image_of_text.iter().enumerate().rev() {
        first[image] = row;
    }
    let paired: Vec<usize> = (0..items.len()).filter(|&i| first[i] != usize::MAX).collect();
    let image = image.select(paired.iter().copied());
    let text = text.select(paired.iter().map(|&i| first[i]));
    let kept: Vec<usize> = paired.iter().map(|&i| items[i]).collect();

    let truth = classes_of(corpus, &kept);
    let score = |rows: &Matrix| -> Result<Option<ClusterScores>> {
        let Some(truth) = &truth else { return Ok(None) };
        let k = corpus.classes.len().min(rows.rows);
        Ok(Some(clustering::scores(truth, &kmeans(rows, k, RESTARTS, SEED)?.labels)?))
    };
    let clusters = score(&image)?;
    Ok(Metrics {
        retrieval,
        ami_image: clusters.map(|s| s.ami),
        ami_image_max: clusters.map(|s| s.ami_max),
        nmi_image: clusters.map(|s| s.nmi),
        ari_image: clusters.map(|s| s.ari),
        ami_text: score(&text)?.map(|s| s.ami),
        ami_fused: score(&fused(&image, &text))?.map(|s| s.ami),
        order_agreement: order_agreement(&image, &text, &triplets(image.rows, TRIPLETS, SEED))?.unwrap_or(0.0),
        overlap_10: overlap_at_k(&image, &text, OVERLAP)?.unwrap_or(0.0),
        modality_gap: modality_gap(&image, &text)?.unwrap_or(0.0),
    })
}

/// Classes of `items`; none when an item has none or there is only one class.
pub fn classes_of(corpus: &Corpus, items: &[usize]) -> Option<Vec<usize>> {
    if corpus.classes.len() < 2 || items.is_empty() {
        return None;
    }
    items.iter().map(|&i| corpus.items[i].class.map(|c| c as usize)).collect()
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
