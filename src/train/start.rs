//! Where training starts from: random weights, or the regularised CCA of the training pairs on the linear path.

use super::inputs::Inputs;
use super::trainer::{BIAS, LOG_SCALE};
use crate::analyze::report::fused;
use crate::analyze::{Cca, CcaOptions};
use crate::config::{Config, Init, Tower};
use crate::data::Partition;
use crate::error::Result;
use crate::matrix::Matrix;
use crate::model::{Side, tower};
use crate::rng::{Purpose, stream};
use std::collections::BTreeMap;

/// Fresh weights of both towers and the temperature.
pub fn weights(inputs: &Inputs, partition: &Partition, config: &Config) -> Result<BTreeMap<String, Matrix>> {
    let mut rng = stream(config.seed, Purpose::Init, 0);
    let [image, text] = match config.model.init {
        Init::Cca if config.model.tower != Tower::Mlp => {
            let Cca { x_mean, y_mean, x_map, y_map, .. } = canonical(inputs, partition, config)?;
            [Some(linear(x_mean, x_map)), Some(linear(y_mean, y_map))]
        }
        _ => [None, None],
    };
    let mut weights = tower::init(Side::Image, inputs.image_dim(), &config.model, image, &mut rng);
    weights.append(&mut tower::init(Side::Text, inputs.text_dim(), &config.model, text, &mut rng));
    let log_scale = (1.0 / config.retrieval.temperature).ln() as f32;
    let bias = config.retrieval.bias as f32;
    for (name, value) in [(LOG_SCALE, log_scale), (BIAS, bias)] {
        weights.insert(name.to_owned(), Matrix { rows: 1, cols: 1, data: vec![value] });
    }
    Ok(weights)
}

/// CCA between the image (every training view) and the mean of the captions of each training item.
pub fn canonical(inputs: &Inputs, partition: &Partition, config: &Config) -> Result<Cca> {
    let y = inputs.caption_means(&partition.train_items);
    paired(inputs, partition, config, &y)
}

/// CCA between the image (every training view) and `texts`, a row for each training item.
pub fn paired(inputs: &Inputs, partition: &Partition, config: &Config, texts: &Matrix) -> Result<Cca> {
    let mut x = Matrix { rows: 0, cols: inputs.image_dim(), data: Vec::new() };
    let mut y = Matrix { rows: 0, cols: texts.cols, data: Vec::new() };
    for (row, &item) in partition.train_items.iter().enumerate() {
        for &view in &partition.train_views {
            x.data.extend_from_slice(inputs.image[view].row(item));
            y.data.extend_from_slice(texts.row(row));
            x.rows += 1;
            y.rows += 1;
        }
    }
    let model = &config.model;
    Cca::fit(&x, &y, &CcaOptions { dim: model.dim, ridge: model.cca_ridge, ..Default::default() })
}

/// The fixed teacher: image and text of each item side by side in the CCA space, `[N, 2 d]`, unit rows. Only the rows of
/// training items mean something: the space is fitted on them.
pub fn fused_teacher(inputs: &Inputs, partition: &Partition, config: &Config) -> Result<Matrix> {
    let cca = canonical(inputs, partition, config)?;
    let items: Vec<usize> = (0..inputs.captions_of.len()).collect();
    let image = cca.project_x(&inputs.image_means(&items))?.normalised();
    let text = cca.project_y(&inputs.caption_means(&items))?.normalised();
    Ok(fused(&image, &text).normalised())
}

/// `(x - mean) M` as weight and bias, scaled so that an output row has about unit length: the MLP beside it then
/// works on the same scale.
fn linear(mean: Vec<f32>, mut map: Matrix) -> (Matrix, Matrix) {
    // Canonical variates have unit variance each before their weighting, so a row's length is the map's weight.
    let norm = map.data.iter().map(|w| w * w).sum::<f32>().sqrt();
    let scale = if norm > 0.0 { (map.cols as f32).sqrt() / norm / (map.rows as f32).sqrt().max(1.0) } else { 1.0 };
    map.data.iter_mut().for_each(|w| *w *= scale);
    let mut bias = Matrix::zeros(1, map.cols);
    for (i, m) in mean.iter().enumerate() {
        bias.data.iter_mut().zip(map.row(i)).for_each(|(b, w)| *b -= m * w);
    }
    (map, bias)
}
