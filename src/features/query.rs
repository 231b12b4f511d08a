//! A new picture as a query: the features that a run's own pictures have.

use crate::config::ImageFeatures;
use crate::data::{Pack, Tiles};
use crate::error::{Error, Result};
use crate::features::encoder::{ENCODER_SIZE, Encoder};
use crate::features::pca::Pca;
use crate::features::{decode, image};
use crate::matrix::Matrix;
use crate::tensor::Device;

/// Side of a thumbnail in pixels, as in the packs.
const TILE: usize = 64;

/// Raw features `[1, d_x]` of `kind` for a PNG, JPEG, WebP or GIF (first frame); `name` stands in the error.
///
/// `own`: the projection that data of one's own brings ([`Corpus::projection`](crate::data::Corpus::projection)).
///
/// # Errors
/// A picture that cannot be decoded; `Given` without the part `encoder` in `pack`, or without a projection in either.
pub async fn features(
    bytes: &[u8],
    name: &str,
    kind: ImageFeatures,
    pack: Option<&Pack>,
    own: Option<&Pca>,
    device: &Device,
) -> Result<Matrix> {
    let tiles = |size| -> Result<Tiles> { Ok(Tiles { size, rgb: decode::decode(name, bytes, size)? }) };
    match kind {
        ImageFeatures::Hog => Ok(image::hog_colour(&tiles(TILE)?)),
        ImageFeatures::Pixels32 => Ok(image::pixels(&tiles(TILE)?, 32)),
        ImageFeatures::Pixels64 => Ok(image::pixels(&tiles(TILE)?, 64)),
        ImageFeatures::Given => {
            let missing = |part| Error::Data(format!("a new picture needs the part {part} of the pack; load it first"));
            let part = pack.and_then(Pack::encoder_part).ok_or_else(|| missing("encoder"))?;
            let pca = own.or_else(|| pack.and_then(Pack::projection)).ok_or_else(|| missing("pca"))?;
            let encoder = Encoder::from_part(part, device)?;
            pca.project(&encoder.features(&tiles(ENCODER_SIZE)?).await?)
        }
    }
}
