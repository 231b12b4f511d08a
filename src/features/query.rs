//! A new picture as a query: the features that a run's own pictures have.

use crate::config::ImageFeatures;
use crate::data::{Pack, Tiles};
use crate::error::{Error, Result};
use crate::features::encoder::{ENCODER_SIZE, Encoder};
use crate::features::image;
use crate::features::pca::Pca;
use crate::matrix::Matrix;
use crate::tensor::Device;

/// Side of a thumbnail in pixels, as in the packs.
const TILE: usize = 64;

/// Side of the tile that features of `kind` are taken from.
pub fn side(kind: ImageFeatures) -> usize {
    if kind == ImageFeatures::Given { ENCODER_SIZE } else { TILE }
}

/// Raw features `[1, d_x]` of `kind` for a picture as an RGB tile of [`side`] pixels.
///
/// `own`: the projection that data of one's own brings ([`Corpus::projection`](crate::data::Corpus::projection)).
///
/// # Errors
/// `Given` without the part `encoder` in `pack`, or without a projection in either.
pub async fn features(
    tile: Vec<u8>,
    kind: ImageFeatures,
    pack: Option<&Pack>,
    own: Option<&Pca>,
    device: &Device,
) -> Result<Matrix> {
    let tiles = Tiles { size: side(kind), rgb: tile };
    match kind {
        ImageFeatures::Hog => Ok(image::hog_colour(&tiles)),
        ImageFeatures::Pixels32 => Ok(image::pixels(&tiles, 32)),
        ImageFeatures::Pixels64 => Ok(image::pixels(&tiles, 64)),
        ImageFeatures::Given => {
            let missing = |part| Error::Data(format!("a new picture needs the part {part} of the pack; load it first"));
            let part = pack.and_then(Pack::encoder_part).ok_or_else(|| missing("encoder"))?;
            let pca = own.or_else(|| pack.and_then(Pack::projection)).ok_or_else(|| missing("pca"))?;
            let encoder = Encoder::from_part(part, device)?;
            pca.project(&encoder.features(&tiles).await?)
        }
    }
}
