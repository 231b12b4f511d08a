//! Eight-bit numbers with a scale per row or per column, as packs store features, components and weights.
//!
//! In a safetensors file a tensor `x` is `x` (I8, any shape) and `x.scale` (F32): value = integer x scale.

use crate::error::{Error, Result};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use std::collections::HashMap;

/// Along which axis the scales run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scaled {
    /// One scale per index of the first axis (weights: per output channel; components: per component).
    Rows,
    /// One scale per index of the last axis (features: per dimension).
    Columns,
}

/// A quantised tensor.
#[derive(Debug, Clone, PartialEq)]
pub struct Int8 {
    /// Row-major shape.
    pub shape: Vec<usize>,
    /// The integers, -127 to 127.
    pub values: Vec<i8>,
    /// One scale per row or column.
    pub scale: Vec<f32>,
    /// Which of the two.
    pub scaled: Scaled,
}

/// Opens the safetensors file that `part` consists of.
pub fn open<'a>(part: &str, bytes: &'a [u8]) -> Result<SafeTensors<'a>> {
    SafeTensors::deserialize(bytes).map_err(|error| bad(part, error))
}

/// Tensor `name` of `part` as `f32`.
pub fn read_f32(file: &SafeTensors, part: &str, name: &str) -> Result<Vec<f32>> {
    let view = file.tensor(name).map_err(|error| bad(part, format!("{name}: {error}")))?;
    if view.dtype() != Dtype::F32 {
        return Err(bad(part, format!("{name} is {:?}, not F32", view.dtype())));
    }
    let values: Vec<f32> = view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
    if values.iter().any(|value| !value.is_finite()) {
        return Err(bad(part, format!("{name} holds a number that is not finite")));
    }
    Ok(values)
}

/// An [`Error::Format`] about `part`.
pub(crate) fn bad(part: &str, problem: impl std::fmt::Display) -> Error {
    Error::format(
        format!("pack part {part}"),
        format!("{problem}; load it again, or rebuild the pack with `cargo xtask pack NAME`"),
    )
}

impl Int8 {
    /// Rounds `values` (row-major, of `shape`) to the nearest multiple of the scale that maps the largest to 127.
    ///
    /// # Panics
    /// When `values` does not have the shape's length; for the builder, which makes both.
    pub fn quantise(values: &[f32], shape: &[usize], scaled: Scaled) -> Self {
        assert_eq!(values.len(), shape.iter().product::<usize>(), "values of another shape");
        let (count, group) = groups(shape, scaled, values.len());
        let mut scale = vec![0.0f32; count];
        for (i, value) in values.iter().enumerate() {
            let at = group(i);
            scale[at] = scale[at].max(value.abs() / 127.0);
        }
        let round = |(i, value): (usize, &f32)| {
            let scale = scale[group(i)];
            if scale == 0.0 { 0 } else { (value / scale).round().clamp(-127.0, 127.0) as i8 }
        };
        Self { shape: shape.to_vec(), values: values.iter().enumerate().map(round).collect(), scale, scaled }
    }

    /// The numbers that are meant.
    pub fn dequantise(&self) -> Vec<f32> {
        let (_, group) = groups(&self.shape, self.scaled, self.values.len());
        self.values.iter().enumerate().map(|(i, value)| f32::from(*value) * self.scale[group(i)]).collect()
    }

    /// Reads tensor `name` and its scales from a part.
    pub fn read(file: &SafeTensors, part: &str, name: &str, scaled: Scaled) -> Result<Self> {
        let view = file.tensor(name).map_err(|error| bad(part, format!("{name}: {error}")))?;
        if view.dtype() != Dtype::I8 || view.shape().is_empty() {
            return Err(bad(part, format!("{name} is not a table of 8-bit integers")));
        }
        let scale = read_f32(file, part, &format!("{name}.scale"))?;
        let (count, _) = groups(view.shape(), scaled, view.data().len());
        if scale.len() != count {
            return Err(bad(part, format!("{name} has {} scales instead of {count}", scale.len())));
        }
        let values = view.data().iter().map(|byte| *byte as i8).collect();
        Ok(Self { shape: view.shape().to_vec(), values, scale, scaled })
    }

    /// The entries of a safetensors file for this tensor under `name`: integers and scales.
    pub fn entries(&self, name: &str) -> [Entry; 2] {
        [
            Entry {
                name: name.into(),
                dtype: Dtype::I8,
                shape: self.shape.clone(),
                bytes: self.values.iter().map(|value| *value as u8).collect(),
            },
            Entry::f32(&format!("{name}.scale"), &[self.scale.len()], &self.scale),
        ]
    }
}

/// How many scales there are, and which one element `i` of the row-major tensor takes.
fn groups(shape: &[usize], scaled: Scaled, len: usize) -> (usize, impl Fn(usize) -> usize + use<>) {
    let (rows, columns) = (shape.first().copied().unwrap_or(1), shape.last().copied().unwrap_or(1));
    // Element i is in row i / per_row and in column i % columns; the other operation is made an identity.
    let (count, divisor, modulus) = match scaled {
        Scaled::Rows => (rows, len.checked_div(rows).unwrap_or(1).max(1), usize::MAX),
        Scaled::Columns => (columns, 1, columns.max(1)),
    };
    (count, move |i| i / divisor % modulus)
}

/// One tensor to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Entry {
    /// An `f32` tensor.
    pub fn f32(name: &str, shape: &[usize], values: &[f32]) -> Self {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        Self { name: name.into(), dtype: Dtype::F32, shape: shape.to_vec(), bytes }
    }
}

/// A pack part as a safetensors file of these tensors; the same tensors give the same bytes.
pub fn write(part: &str, entries: &[Entry]) -> Result<Vec<u8>> {
    write_tensors(entries, None).map_err(|error| bad(part, error))
}

/// A safetensors file of these tensors, and `about` as the one entry `mtls-lab` of its metadata: the library writes several
/// in a random order, and equal tensors must give equal bytes. The error is the library's sentence.
pub(crate) fn write_tensors(entries: &[Entry], about: Option<String>) -> std::result::Result<Vec<u8>, String> {
    let views = entries
        .iter()
        .map(|entry| Ok((entry.name.as_str(), TensorView::new(entry.dtype, entry.shape.clone(), &entry.bytes)?)))
        .collect::<std::result::Result<Vec<_>, safetensors::SafeTensorError>>();
    let metadata = about.map(|about| HashMap::from([("mtls-lab".to_owned(), about)]));
    views.and_then(|views| safetensors::serialize(views, metadata)).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_is_within_half_a_step_and_the_largest_is_exact() {
        let values = [1.0f32, -0.3, 0.004, 200.0, 0.0, -50.0];
        let rows = Int8::quantise(&values, &[2, 3], Scaled::Rows);
        assert_eq!(rows.values, [127, -38, 1, 127, 0, -32]);
        assert_eq!(rows.scale, [1.0 / 127.0, 200.0 / 127.0]);
        let columns = Int8::quantise(&values, &[2, 3], Scaled::Columns);
        assert_eq!(columns.scale, [200.0 / 127.0, 0.3 / 127.0, 50.0 / 127.0]);
        for (found, wanted) in columns.dequantise().iter().zip(values) {
            assert!((found - wanted).abs() <= 100.0 / 127.0);
        }
        assert_eq!(Int8::quantise(&[0.0; 4], &[2, 2], Scaled::Rows).dequantise(), [0.0; 4]);
    }

    #[test]
    fn files_are_reproducible_and_read_back() {
        let tensor = Int8::quantise(&[1.0, 2.0, 3.0, 4.0], &[2, 2], Scaled::Rows);
        let bytes = write("p", &tensor.entries("x")).unwrap();
        assert_eq!(bytes, write("p", &tensor.entries("x")).unwrap());
        let file = open("p", &bytes).unwrap();
        assert_eq!(Int8::read(&file, "p", "x", Scaled::Rows).unwrap(), tensor);
        assert!(Int8::read(&file, "p", "y", Scaled::Rows).unwrap_err().to_string().contains("pack part p"));
        assert!(read_f32(&file, "p", "x").is_err());
        assert!(open("p", &bytes[..bytes.len() - 1]).is_err());
    }

    #[test]
    fn a_scale_that_is_not_finite_is_refused() {
        let mut tensor = Int8::quantise(&[1.0], &[1, 1], Scaled::Rows);
        tensor.scale[0] = f32::NAN;
        let bytes = write("p", &tensor.entries("x")).unwrap();
        assert!(Int8::read(&open("p", &bytes).unwrap(), "p", "x", Scaled::Rows).is_err());
    }
}
