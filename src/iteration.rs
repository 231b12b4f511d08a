//! One iteration, slowly: what a step reads, what it compares, what each term pulls at, and where the update takes it.
//!
//! Everything is of the very batch that the next step of the run takes, with its noise and dropout; a step afterwards
//! comes to the same numbers. Shapes: `B` rows of the batch, `n` of them shown in full; points `[B, 2]` as `x y x y …`.

use crate::analyze::Projector;
use crate::error::{Error, Result};
use crate::matrix::{Matrix, dot};
use crate::train::Session;
use crate::train::trainer::STATISTICS;
use serde::Serialize;

/// A step taken apart.
#[derive(Debug, Clone, Serialize)]
pub struct Iteration {
    /// The step it is, counted from 1.
    pub step: usize,
    /// Rows of the batch.
    pub batch: usize,
    /// Learning rate of the update.
    pub learning_rate: f64,
    /// Length of the gradient over all weights, before clipping.
    pub gradient_norm: f32,
    /// Temperature after the update.
    pub temperature: f32,
    /// Item of each row, `[B]`.
    pub items: Vec<usize>,
    /// Rows shown in full, the anchor first.
    pub rows: Vec<Row>,
    /// Scores of the shown pictures (rows) and the shown texts (columns), `[n, n]`.
    pub similarities: Vec<f32>,
    /// The terms of the loss.
    pub terms: Vec<Term>,
    /// Pictures and texts before the update.
    pub before: [Vec<f32>; 2],
    /// After it.
    pub after: [Vec<f32>; 2],
}

/// A pair of the batch.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its row in the batch.
    pub row: usize,
    /// Its item.
    pub item: usize,
    /// The caption that was drawn.
    pub caption: String,
    /// Input of the image tower, `[d_x]`.
    pub image_features: Vec<f32>,
    /// Input of the text tower, `[d_y]`.
    pub text_features: Vec<f32>,
    /// Output of the image tower, `[d]`.
    pub image: Vec<f32>,
    /// Output of the text tower, `[d]`.
    pub text: Vec<f32>,
    /// Score of the pair.
    pub score: f32,
    /// Rank of its text for the picture among the texts of the batch.
    pub rank: usize,
    /// Row of the wrong text that scores highest.
    pub rival: usize,
    /// Its score.
    pub rival_score: f32,
}

/// A term of the loss.
#[derive(Debug, Clone, Serialize)]
pub struct Term {
    /// Its name among [`STATISTICS`].
    pub name: &'static str,
    /// Its value, unweighted.
    pub value: f32,
    /// Its weight in the total.
    pub weight: f64,
    /// Minus its weighted gradient by the pictures and by the texts, seen flat, `[B, 2]`; none where it has none.
    pub pulls: [Option<Vec<f32>>; 2],
    /// Mean length of that gradient in the full space, by modality.
    pub lengths: [f32; 2],
}

impl Iteration {
    /// The next step of `session`, seen through `projector`, which has a frame.
    pub(crate) async fn of(session: &mut Session, projector: &Projector, show: usize) -> Result<Self> {
        let (batch, learning_rate, walk) = session.walk().await?;
        let score = session.score();
        let [image, text] = &walk.before;
        let shown = chosen(image, text, show.clamp(3, batch.items.len()));
        let statistic = |name: &str| {
            let at = STATISTICS.iter().position(|s| *s == name);
            at.map_or(f32::NAN, |at| walk.statistics.row(0)[at])
        };
        let flat = |m: &Matrix| -> Result<Vec<f32>> { Ok(two(&projector.place(m)?)) };
        let config = session.config();
        let weight = |name: &str| match name {
            "transfer_v" => config.transfer.lambda_v,
            "transfer_t" => config.transfer.lambda_t,
            "within" => config.retrieval.within_image.max(config.retrieval.within_text),
            _ => config.retrieval.weight,
        };
        let mut terms = Vec::with_capacity(walk.pulls.len());
        for pull in &walk.pulls {
            let mut pulls = [None, None];
            let mut lengths = [0.0; 2];
            for (n, on) in pull.on.iter().enumerate() {
                let Some(on) = on else { continue };
                lengths[n] = (0..on.rows).map(|i| dot(on.row(i), on.row(i)).sqrt()).sum::<f32>() / on.rows as f32;
                // The map is linear but for its centre: the difference of two places is the direction seen flat.
                let mut moved = walk.before[n].clone();
                moved.data.iter_mut().zip(&on.data).for_each(|(x, g)| *x += g);
                let (from, to) = (flat(&walk.before[n])?, flat(&moved)?);
                pulls[n] = Some(to.iter().zip(from).map(|(to, from)| to - from).collect());
            }
            terms.push(Term {
                name: pull.term,
                value: statistic(pull.term),
                weight: weight(pull.term),
                pulls,
                lengths,
            });
        }
        let features = session.inputs();
        let rows = shown.iter().map(|&row| {
            let (item, caption) = (batch.items[row], batch.captions[row]);
            let at = caption - features.captions_of[item].start;
            let (rank, rival) = rivals(image, text, row, |v, t| score.pair(v, t));
            let words = session.corpus().items[item].captions.get(at).cloned();
            Ok(Row {
                row,
                item,
                caption: words.ok_or_else(|| Error::Data(format!("item {item} has no caption {at}")))?,
                image_features: walk.inputs[0].row(row).to_vec(),
                text_features: walk.inputs[1].row(row).to_vec(),
                image: image.row(row).to_vec(),
                text: text.row(row).to_vec(),
                score: score.pair(image.row(row), text.row(row)),
                rank,
                rival,
                rival_score: score.pair(image.row(row), text.row(rival)),
            })
        });
        let rows = rows.collect::<Result<Vec<_>>>()?;
        let pairs = shown.iter().flat_map(|&i| shown.iter().map(move |&j| (i, j)));
        Ok(Self {
            step: session.steps_done() + 1,
            batch: batch.items.len(),
            learning_rate,
            gradient_norm: statistic("gradient_norm"),
            temperature: statistic("temperature"),
            similarities: pairs.map(|(i, j)| score.pair(image.row(i), text.row(j))).collect(),
            rows,
            terms,
            before: [flat(image)?, flat(text)?],
            after: [flat(&walk.after[0])?, flat(&walk.after[1])?],
            items: batch.items,
        })
    }
}

/// The first two coordinates of each row.
fn two(points: &Matrix) -> Vec<f32> {
    (0..points.rows).flat_map(|i| [points.row(i)[0], points.row(i)[1]]).collect()
}

/// Rows that tell about the first: itself, its nearest texts (whom it is taught to be near), the wrong texts its picture
/// scores highest, and then the batch in its order.
fn chosen(image: &Matrix, text: &Matrix, count: usize) -> Vec<usize> {
    let by = |query: &[f32], n: usize| -> Vec<usize> {
        crate::analyze::top_k_by(text.rows, n + 1, |j| dot(query, text.row(j))).into_iter().map(|h| h.index).collect()
    };
    let mut rows = vec![0];
    let near = by(text.row(0), count / 3);
    let rivals = by(image.row(0), count / 3);
    for row in near.into_iter().chain(rivals).chain(0..image.rows) {
        if rows.len() < count && !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows
}

/// Rank of the own text for a picture in the batch, and the best of the others.
fn rivals(image: &Matrix, text: &Matrix, row: usize, score: impl Fn(&[f32], &[f32]) -> f32) -> (usize, usize) {
    let all = crate::analyze::top_k_by(text.rows, text.rows, |j| score(image.row(row), text.row(j)));
    let rank = all.iter().position(|h| h.index == row).map_or(all.len(), |at| at + 1);
    (rank, all.iter().find(|h| h.index != row).map_or(row, |h| h.index))
}
