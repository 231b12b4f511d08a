//! Decoding of the parts, each against what the manifest says about it.

use super::{Part, bad_part};
use crate::data::corpus::Tiles;
use crate::data::sheet;
use crate::error::Result;
use crate::features::int8::{Int8, Scaled, open};
use crate::matrix::Matrix;
use sha2::{Digest, Sha256};
use std::io::Read;

/// Texts of a block unpack to less than this; a longer stream is damage or malice.
const MAX_TEXT_BYTES: u64 = 32 << 20;

/// Lower-case hex SHA-256.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Length first, because "shorter than it should be" tells more than "wrong checksum".
pub(super) fn check_integrity(part: &Part, bytes: &[u8]) -> Result<()> {
    if bytes.len() < part.bytes {
        return Err(bad_part(&part.name, format!("truncated: {} of {} bytes", bytes.len(), part.bytes)));
    }
    if bytes.len() > part.bytes {
        return Err(bad_part(&part.name, format!("{} bytes instead of {}", bytes.len(), part.bytes)));
    }
    if sha256_hex(bytes) != part.sha256 {
        return Err(bad_part(&part.name, "its SHA-256 is not the manifest's: the file is damaged or of another pack"));
    }
    Ok(())
}

/// Cuts the atlas into tiles.
pub(super) fn atlas(part: &Part, bytes: &[u8]) -> Result<Tiles> {
    let (size, columns) = (part.tile, part.columns);
    let (width, height) = (columns * size, part.rows.div_ceil(columns) * size);
    let picture = sheet::read(bytes, (width, height)).map_err(|error| bad_part(&part.name, error))?;
    if (picture.width, picture.height) != (width, height) {
        return Err(bad_part(
            &part.name,
            format!("{} x {} pixels instead of {width} x {height}", picture.width, picture.height),
        ));
    }
    let pixels = picture.rgb;
    let stride = columns * size * 3;
    let mut rgb = Vec::with_capacity(part.rows * size * size * 3);
    for i in 0..part.rows {
        let corner = (i / columns) * size * stride + (i % columns) * size * 3;
        for y in 0..size {
            let from = corner + y * stride;
            rgb.extend_from_slice(&pixels[from..from + size * 3]);
        }
    }
    Ok(Tiles { size, rgb })
}

/// `[rows, columns]`, scaled per column.
pub(super) fn features(part: &Part, bytes: &[u8]) -> Result<Matrix> {
    let block = Int8::read(&open(&part.name, bytes)?, &part.name, "features", Scaled::Columns)?;
    if block.shape != [part.rows, part.columns] {
        return Err(bad_part(
            &part.name,
            format!("shape {:?} instead of [{}, {}]", block.shape, part.rows, part.columns),
        ));
    }
    Matrix::new(part.rows, part.columns, block.dequantise())
}

/// One list of texts per concept.
pub(super) fn texts(part: &Part, bytes: &[u8]) -> Result<Vec<Vec<String>>> {
    let mut json = String::new();
    flate2::read::GzDecoder::new(bytes)
        .take(MAX_TEXT_BYTES)
        .read_to_string(&mut json)
        .map_err(|error| bad_part(&part.name, error))?;
    let texts: Vec<Vec<String>> = serde_json::from_str(&json).map_err(|error| bad_part(&part.name, error))?;
    if texts.len() != part.rows {
        return Err(bad_part(&part.name, format!("texts of {} concepts instead of {}", texts.len(), part.rows)));
    }
    if part.kind == super::Kind::Texts
        && texts.iter().any(|texts| texts.first().is_none_or(|label| label.trim().is_empty()))
    {
        return Err(bad_part(&part.name, "a concept has no label"));
    }
    Ok(texts)
}
