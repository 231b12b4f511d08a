//! One iteration taken apart: what each term of the loss asks of each embedding, and where the update takes them.

use super::{Pass, represent, step};
use crate::config::Config;
use crate::error::Result;
use crate::loss::transfer::Space;
use crate::matrix::Matrix;
use crate::model::Side;
use crate::model::weights::download;
use crate::tensor::Tensor;
use crate::train::batches::Batch;
use crate::train::index::Index;
use crate::train::optimiser::State;

/// The inside of an iteration on a batch of `B` pairs; matrices are `[B, d]`, images first.
pub struct Walk {
    /// Inputs of the towers, noise included, `[B, d_x]` and `[B, d_y]`.
    pub inputs: [Matrix; 2],
    /// Embeddings before the update, with the batch's noise and dropout.
    pub before: [Matrix; 2],
    /// The same rows after it.
    pub after: [Matrix; 2],
    /// Where the weighted terms pull them: minus their gradients by the embeddings; none for a side without a gradient.
    pub pulls: Vec<Pull>,
    /// [`super::STATISTICS`], `[1, 7]`.
    pub statistics: Matrix,
}

/// One term's pull on both modalities.
pub struct Pull {
    /// Its name among [`super::STATISTICS`].
    pub term: &'static str,
    /// On the images and on the texts.
    pub on: [Option<Matrix>; 2],
}

/// Walks through the iteration that [`step`] would make; `state` stays as it is.
pub async fn walk(
    state: &State,
    batch: &Batch,
    index: Option<&Index>,
    config: &Config,
    learning_rate: f64,
    structure: bool,
) -> Result<Walk> {
    let pass = Pass { batch, index, config, learning_rate, structure };
    let weights = state.weights.tracked();
    let embedded = pass.forward(&weights, &mut pass.training())?.map(Tensor::inner);
    let leaves = || embedded.clone().map(|e| e.tracked());
    let mut pulls = Vec::new();

    let [v, t] = leaves();
    let loss = pass.retrieval(&weights, v.clone(), t.clone())?.mul_scalar(config.retrieval.weight as f32);
    pulls.push(Pull { term: "retrieval", on: pulled(&[v, t], loss).await? });

    for (n, orders) in pass.orders(state, &embedded.clone().map(Space::new))?.into_iter().enumerate() {
        let Some(orders) = orders else { continue };
        let (side, term, weight) = [
            (Side::Image, "transfer_v", config.transfer.lambda_v),
            (Side::Text, "transfer_t", config.transfer.lambda_t),
        ][n];
        let e = leaves();
        let loss = pass.transfer(side, &e.clone().map(Space::new), &orders);
        pulls.push(Pull { term, on: pulled(&e, loss.mul_scalar(weight as f32)).await? });
    }
    let [v, t] = leaves();
    let within = pass.within(&[v.clone(), t.clone()].map(Space::new))?;
    let weights_of = [config.retrieval.within_image, config.retrieval.within_text];
    let terms = within.into_iter().zip(weights_of).filter_map(|(term, w)| term.map(|t| t.mul_scalar(w as f32)));
    if let Some(loss) = terms.reduce(|a, b| a + b) {
        pulls.push(Pull { term: "within", on: pulled(&[v, t], loss).await? });
    }

    let mut next = state.clone();
    let statistics = step(&mut next, batch, index, config, learning_rate, structure)?;
    let mut masks = pass.training();
    let [image, text] = &mut masks;
    let after = [
        represent(&next.weights, Side::Image, pass.input(Side::Image), config, Some(image))?,
        represent(&next.weights, Side::Text, pass.input(Side::Text), config, Some(text))?,
    ];
    let [v, t] = embedded;
    let [va, ta] = after;
    let read: Vec<Matrix> = download(vec![v, t, va, ta, statistics, batch.x.clone(), batch.y.clone()]).await?;
    let [v, t, va, ta, statistics, x, y] =
        read.try_into().unwrap_or_else(|_| unreachable!("as many matrices come back as were asked for"));
    Ok(Walk { inputs: [x, y], before: [v, t], after: [va, ta], pulls, statistics })
}

/// Minus the gradient of `loss` by each leaf.
async fn pulled(leaves: &[Tensor<2>; 2], loss: Tensor<1>) -> Result<[Option<Matrix>; 2]> {
    let gradients = loss.backward();
    let mut pulls = [None, None];
    for (pull, leaf) in pulls.iter_mut().zip(leaves) {
        if let Some(gradient) = leaf.grad(&gradients) {
            *pull = download(vec![gradient.mul_scalar(-1.0)]).await?.pop();
        }
    }
    Ok(pulls)
}
