//! Ready features: a matrix from a NumPy file or a safetensors file.
//!
//! NumPy's format, versions 1 to 3: magic, version, length of the header, a Python dictionary, then the numbers.
//! <https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html>

use crate::error::{Error, Result};
use crate::matrix::Matrix;
use safetensors::{Dtype, SafeTensors};

/// Most numbers of a matrix: 1 GiB.
const MOST: usize = 1 << 28;

/// Reads `[N, d]` of `f4`, `f8` or `f2` in little-endian C order.
///
/// # Errors
/// Another type, order or rank, a truncated file, numbers that are not finite.
pub fn read(name: &str, bytes: &[u8]) -> Result<Matrix> {
    let bad = |problem: &str| Error::format(name, problem);
    let cut = || bad("ends in the middle; export it again");
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err(bad("is not a NumPy file; write it with numpy.save"));
    }
    let version = *bytes.get(6).ok_or_else(cut)?;
    let start = if version == 1 { 10 } else { 12 };
    let length = bytes.get(8..start).ok_or_else(cut)?.iter().rev().fold(0usize, |n, b| n << 8 | usize::from(*b));
    let header = bytes.get(start..start.saturating_add(length)).ok_or_else(cut)?;
    let header: String = String::from_utf8_lossy(header).chars().filter(|c| !c.is_whitespace() && *c != '"').collect();
    let header = header.replace('\'', "");
    let after = |key: &str| header.split_once(key).map(|(_, rest)| rest);
    if after("fortran_order:").is_none_or(|rest| !rest.starts_with("False")) {
        return Err(bad("is in Fortran order; save numpy.ascontiguousarray(features)"));
    }
    let shape: Vec<usize> = after("shape:(")
        .and_then(|rest| rest.split_once(')'))
        .map(|(inner, _)| inner.split(',').filter(|n| !n.is_empty()).map(|n| n.parse().unwrap_or(0)).collect())
        .unwrap_or_default();
    let data = &bytes[start + length..];
    let kind = after("descr:").and_then(|rest| rest.split(',').next()).unwrap_or_default();
    let dtype = match kind {
        "<f4" => Dtype::F32,
        "<f8" => Dtype::F64,
        "<f2" => Dtype::F16,
        other => return Err(bad(&format!("holds {other}; save features.astype(\"float32\")"))),
    };
    matrix(name, &shape, dtype, data)
}

/// The tensor `features`, or the only one, of a safetensors file: `[N, d]` in F32, F64 or F16.
///
/// # Errors
/// As [`read`]; several tensors of which none is called `features`.
pub fn from_safetensors(name: &str, bytes: &[u8]) -> Result<Matrix> {
    let file =
        SafeTensors::deserialize(bytes).map_err(|e| Error::format(name, format!("is not a safetensors file ({e})")))?;
    let tensors = file.tensors();
    let chosen = match tensors.as_slice() {
        [one] => Some(one),
        several => several.iter().find(|(own, _)| own == "features"),
    };
    let Some((_, view)) = chosen else {
        return Err(Error::format(name, "holds several tensors; call the one with the image features `features`"));
    };
    matrix(name, view.shape(), view.dtype(), view.data())
}

fn matrix(name: &str, shape: &[usize], dtype: Dtype, data: &[u8]) -> Result<Matrix> {
    let bad = |problem: String| Error::format(name, problem);
    let &[rows, cols] = shape else {
        return Err(bad(format!("has shape {shape:?}; features are [rows, numbers]")));
    };
    let count = rows.checked_mul(cols).filter(|&n| n > 0 && n <= MOST);
    let count =
        count.ok_or_else(|| bad(format!("has shape {shape:?}; at least one and at most {MOST} numbers are read")))?;
    let width = match dtype {
        Dtype::F32 => 4,
        Dtype::F64 => 8,
        Dtype::F16 => 2,
        other => return Err(bad(format!("holds {other:?}; save the features as float32"))),
    };
    if data.len() != count * width {
        return Err(bad(format!("has {} bytes of numbers, its shape {shape:?} needs {}", data.len(), count * width)));
    }
    let numbers: Vec<f32> = match dtype {
        Dtype::F32 => data.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect(),
        Dtype::F64 => data.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b) as f32).collect(),
        _ => data.as_chunks::<2>().0.iter().map(|b| half(u16::from_le_bytes(*b))).collect(),
    };
    match numbers.iter().position(|n| !n.is_finite()) {
        Some(at) => Err(bad(format!("row {} holds a number that is not finite; leave the row out", at / cols + 1))),
        None => Matrix::new(rows, cols, numbers),
    }
}

/// IEEE 754 binary16.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let fraction = f32::from(bits & 0x3ff);
    sign * match bits >> 10 & 0x1f {
        0 => fraction * 2f32.powi(-24),
        31 if fraction == 0.0 => f32::INFINITY,
        31 => f32::NAN,
        exponent => (1.0 + fraction / 1024.0) * 2f32.powi(i32::from(exponent) - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn reads_what_numpy_writes() {
        let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }      \n";
        let data: Vec<u8> = (0..6).flat_map(|i| (i as f32 / 2.0).to_le_bytes()).collect();
        let matrix = read("x.npy", &file(header, &data)).unwrap();
        assert_eq!((matrix.rows, matrix.cols, matrix.data[5]), (2, 3, 2.5));
        let halves: Vec<u8> =
            [0x3c00u16, 0xc000, 0x3555, 0x0001, 0x7bff, 0].iter().flat_map(|h| h.to_le_bytes()).collect();
        let matrix = read("x.npy", &file(&header.replace("<f4", "<f2"), &halves)).unwrap();
        assert_eq!(matrix.data[..2], [1.0, -2.0]);
        assert!(
            (matrix.data[2] - 1.0 / 3.0).abs() < 1e-3 && matrix.data[3] == 2f32.powi(-24) && matrix.data[4] == 65_504.0
        );
    }

    #[test]
    fn what_is_not_a_matrix_is_refused_by_name() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), }";
        let says = |bytes: &[u8], what: &str| {
            let error = read("x.npy", bytes).unwrap_err().to_string();
            assert!(error.starts_with("x.npy: ") && error.contains(what), "{error}");
        };
        says(b"", "numpy.save");
        says(&file(good, &[0; 8])[..9], "middle");
        says(&file(good, &[0; 7]), "7 bytes");
        says(&file(&good.replace("False", "True"), &[0; 8]), "Fortran");
        says(&file(&good.replace("<f4", "<i8"), &[0; 8]), "astype");
        says(&file(&good.replace("(1, 2)", "(2,)"), &[0; 8]), "shape");
        says(&file(&good.replace("(1, 2)", "(99999999999, 99999999999)"), &[0; 8]), "shape");
        says(&file(good, &[0, 0, 0xc0, 0x7f, 0, 0, 0, 0]), "row 1");
    }
}
