//! Feature tables of a corpus: what the towers read.
//!
//! Image features of every view `[N, d_x]` and caption features `[C, d_y]`, both centred on the training part and
//! scaled by one number, so that their entries have unit variance on average. Everything fitted (TF-IDF, SVD, centre,
//! scale) is fitted on the training part only; what comes with the data (the pack's principal components) is not fitted here.

use crate::config::{Config, DataConfig, ImageFeatures};
use crate::data::{Corpus, Partition, View};
use crate::error::{Error, Result};
use crate::features::{TextFeatures, image, without_words};
use crate::matrix::Matrix;
use crate::rng::{Purpose, stream};
use rand::Rng as _;
use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

/// Tables and what they were fitted with.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Per view `[N, d_x]`.
    pub image: Vec<Matrix>,
    /// Views a batch may draw from.
    pub train_views: Vec<usize>,
    /// Captions of all items, `[C, d_y]`.
    pub captions: Matrix,
    /// Rows of `captions` that belong to each item.
    pub captions_of: Vec<Range<usize>>,
    /// Equal for rows of `captions` that are the same text, word for word, `[C]`.
    pub caption_id: Vec<u32>,
    text: TextFeatures,
    image_centre: Centre,
    text_centre: Centre,
    kind: ImageFeatures,
    /// The fixed teacher's rows, `[N, d_a]`; only where the run has one.
    pub fused: Option<Matrix>,
    generic: &'static [&'static str],
    asked: [OnceLock<Matrix>; 3],
}

/// Query texts of the data that a run embeds again and again while its weights change.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked {
    /// The first one of every item.
    Firsts,
    /// All of the held-out part.
    HeldOut,
    /// Those of the training items that are evaluated beside it.
    Trained,
}

/// Mean and one scale for all columns.
#[derive(Debug, Clone)]
struct Centre {
    mean: Vec<f32>,
    scale: f32,
}

impl Centre {
    fn fit<'a>(rows: impl Iterator<Item = &'a [f32]> + Clone, cols: usize) -> Self {
        let n = rows.clone().count().max(1) as f64;
        let mut mean = vec![0.0f64; cols];
        for row in rows.clone() {
            mean.iter_mut().zip(row).for_each(|(m, x)| *m += f64::from(*x) / n);
        }
        let variance =
            rows.map(|row| row.iter().zip(&mean).map(|(x, m)| (f64::from(*x) - m).powi(2)).sum::<f64>()).sum::<f64>()
                / (n * cols.max(1) as f64);
        let scale = if variance > 0.0 { 1.0 / variance.sqrt() } else { 1.0 };
        Self { mean: mean.into_iter().map(|m| m as f32).collect(), scale: scale as f32 }
    }

    fn apply(&self, mut m: Matrix) -> Matrix {
        for i in 0..m.rows {
            m.row_mut(i).iter_mut().zip(&self.mean).for_each(|(x, mean)| *x = (*x - mean) * self.scale);
        }
        m
    }
}

impl Inputs {
    /// Computes all tables. `text` reuses text features fitted before on the same training captions.
    pub fn new(corpus: &Corpus, partition: &Partition, config: &Config, text: Option<TextFeatures>) -> Result<Self> {
        let kind = effective(corpus, config.data.image_features);
        let raw = corpus.views.iter().map(|view| features(view, kind)).collect::<Result<Vec<_>>>()?;
        let d_x = raw.first().map_or(0, |m| m.cols);
        let rows = partition.train_views.iter().flat_map(|&v| partition.train_items.iter().map(move |&i| (v, i)));
        let image_centre = Centre::fit(rows.map(|(v, i)| raw[v].row(i)), d_x);
        let image = raw.into_iter().map(|m| image_centre.apply(m)).collect();

        let mut captions_of = Vec::with_capacity(corpus.len());
        let mut texts: Vec<&str> = Vec::new();
        for item in &corpus.items {
            let start = texts.len();
            texts.extend(item.captions.iter().map(String::as_str));
            captions_of.push(start..texts.len());
        }
        let text = match text {
            Some(text) => text,
            None => Self::fit_text(corpus, partition, config)?,
        };
        let generic = generic_words(config);
        let mut ids = HashMap::new();
        let caption_id = texts
            .iter()
            .map(|t| {
                let next = ids.len() as u32;
                *ids.entry(*t).or_insert(next)
            })
            .collect();
        let captions = without(&texts, generic, |texts| text.transform(texts));
        let train_rows = partition.train_items.iter().flat_map(|&i| captions_of[i].clone());
        let text_centre = Centre::fit(train_rows.map(|r| captions.row(r)), captions.cols);
        Ok(Self {
            image,
            train_views: partition.train_views.clone(),
            captions: text_centre.apply(captions),
            captions_of,
            caption_id,
            text,
            image_centre,
            text_centre,
            kind,
            fused: None,
            generic,
            asked: Default::default(),
        })
    }

    /// Fits the text features on the captions of the training part.
    pub fn fit_text(corpus: &Corpus, partition: &Partition, config: &Config) -> Result<TextFeatures> {
        let captions: Vec<&str> =
            partition.train_items.iter().flat_map(|&i| corpus.items[i].captions.iter().map(String::as_str)).collect();
        let seed = stream(config.seed, Purpose::Projection, 0).random();
        let DataConfig { text_dim, text_buckets, .. } = config.data;
        without(&captions, generic_words(config), |texts| TextFeatures::fit(texts, text_dim, text_buckets, seed))
    }

    /// Columns of the image tables.
    pub fn image_dim(&self) -> usize {
        self.image.first().map_or(0, |m| m.cols)
    }

    /// Columns of the caption table.
    pub fn text_dim(&self) -> usize {
        self.captions.cols
    }

    /// The text features in use.
    pub fn text_features(&self) -> &TextFeatures {
        &self.text
    }

    /// Which image features are in use after falling back.
    pub fn image_features(&self) -> ImageFeatures {
        self.kind
    }

    /// What was fitted on the training part, by name: mean and scale of both modalities (`features/image/mean [1, d_x]`,
    /// `features/image/scale [1, 1]`, the same for `text`) and the text features (see [`TextFeatures::tensors`]).
    pub fn fitted(&self) -> Vec<(String, Matrix)> {
        let line = |data: Vec<f32>| Matrix { rows: 1, cols: data.len(), data };
        let mut tensors = Vec::new();
        for (side, centre) in [("image", &self.image_centre), ("text", &self.text_centre)] {
            tensors.push((format!("features/{side}/mean"), line(centre.mean.clone())));
            tensors.push((format!("features/{side}/scale"), line(vec![centre.scale])));
        }
        tensors.extend(self.text.tensors().into_iter().map(|(name, matrix)| (format!("features/{name}"), matrix)));
        tensors
    }

    /// The words that are taken out of every text, in lower case.
    pub fn dropped_words(&self) -> &'static [&'static str] {
        self.generic
    }

    /// Features of the pictures of `view` as [`Self::images`] takes them, `[N, d_x]`.
    pub fn raw_images(&self, view: &View) -> Result<Matrix> {
        features(view, self.kind)
    }

    /// Features of texts before they are centred, `[n, d_y]`.
    pub fn raw_texts(&self, texts: &[&str]) -> Matrix {
        without(texts, self.generic, |texts| self.text.transform(texts))
    }

    /// Inputs of any texts, `[n, d_y]`.
    pub fn texts(&self, texts: &[&str]) -> Matrix {
        self.text_centre.apply(self.raw_texts(texts))
    }

    /// The same of query texts of the data, kept from the first time on: the texts of a part do not change in a run, and
    /// counting their words again took a fifth of the time of a run that is looked at.
    pub(super) fn asked(&self, part: Asked, texts: &[&str]) -> &Matrix {
        let inputs = self.asked[part as usize].get_or_init(|| self.texts(texts));
        debug_assert!(
            inputs.rows == texts.len()
                && texts.last().is_none_or(|last| self.texts(&[last]).data == inputs.row(texts.len() - 1))
        );
        inputs
    }

    /// Mean of the word vectors of texts, `[n, d_y]`: the rows that the SVD gives to single words.
    pub fn word_means(&self, texts: &[&str]) -> Matrix {
        without(texts, self.generic, |texts| self.text.word_means(texts))
    }

    /// Mean input of the pictures of each item over the training views, `[n, d_x]`.
    pub fn image_means(&self, items: &[usize]) -> Matrix {
        let rows = |item| self.train_views.iter().map(move |&view| self.image[view].row(item));
        means(items, self.image_dim(), rows)
    }

    /// Mean input of the captions of each item, `[n, d_y]`.
    pub fn caption_means(&self, items: &[usize]) -> Matrix {
        let rows = |item: usize| self.captions_of[item].clone().map(|row| self.captions.row(row));
        means(items, self.text_dim(), rows)
    }

    /// Inputs of raw image features of the kind in use, `[n, d_x]`.
    pub fn images(&self, raw: Matrix) -> Result<Matrix> {
        if raw.cols == self.image_dim() {
            Ok(self.image_centre.apply(raw))
        } else {
            Err(Error::Data(format!(
                "image features of {} values do not fit a run trained on {}",
                raw.cols,
                self.image_dim()
            )))
        }
    }
}

/// The mean of `rows(item)` for each item, `[n, cols]`.
pub(super) fn means<'a, R: Iterator<Item = &'a [f32]>>(
    items: &[usize],
    cols: usize,
    rows: impl Fn(usize) -> R,
) -> Matrix {
    let mut out = Matrix::zeros(items.len(), cols);
    for (n, &item) in items.iter().enumerate() {
        let count = rows(item).count().max(1) as f32;
        for row in rows(item) {
            out.row_mut(n).iter_mut().zip(row).for_each(|(m, v)| *m += v / count);
        }
    }
    out
}

/// The words that `config` takes out of every text.
fn generic_words(config: &Config) -> &'static [&'static str] {
    static WORDS: LazyLock<Vec<&str>> = LazyLock::new(|| include_str!("../data/generic_words.txt").lines().collect());
    if config.data.drop_generic_words { &WORDS } else { &[] }
}

/// `f` of the texts without `words`.
fn without<R>(texts: &[&str], words: &[&str], f: impl FnOnce(&[&str]) -> R) -> R {
    let kept: Vec<Cow<str>> = texts.iter().map(|text| without_words(text, words)).collect();
    f(&kept.iter().map(AsRef::as_ref).collect::<Vec<_>>())
}

/// `Given` where the corpus brings features for every view, else HOG and colour.
fn effective(corpus: &Corpus, wanted: ImageFeatures) -> ImageFeatures {
    match wanted {
        ImageFeatures::Given if corpus.views.iter().any(|v| v.features.is_none()) => ImageFeatures::Hog,
        wanted => wanted,
    }
}

fn features(view: &View, kind: ImageFeatures) -> Result<Matrix> {
    match kind {
        ImageFeatures::Given => view
            .features
            .clone()
            .ok_or_else(|| Error::Data(format!("view {} brings no features; choose hog or pixels", view.name))),
        ImageFeatures::Hog => Ok(image::hog_colour(&view.tiles)),
        ImageFeatures::Pixels32 => Ok(image::pixels(&view.tiles, 32)),
        ImageFeatures::Pixels64 => Ok(image::pixels(&view.tiles, 64)),
    }
}
