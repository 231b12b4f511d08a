//! `embeddings.npz`: a zip of `.npy` arrays that `numpy.load` reads without pickle.
//!
//! Numbers are stored, texts deflated: numpy's texts have one width an array and consist mostly of zeros.

use super::{Sink, Table, Zip};
use crate::error::Result;
use crate::matrix::Matrix;
use std::io::{self, Seek, Write};

/// Longest text in characters: one text of a megabyte would make every row of its array four megabytes wide.
pub const LONGEST: usize = 2_000;

/// `image`, `text` `[N, d]`; `keys`, `titles`, `texts`, `labels`, `held_out` `[N]`; `captions`, `caption_item` `[C]`.
pub fn write(table: &Table, name: &str, sink: &mut dyn Sink) -> Result<()> {
    let mut zip = Zip::default();
    matrix(&mut zip, "image", table.image())?;
    matrix(&mut zip, "text", table.text())?;
    let n = table.len();
    let items = table.items();
    texts(&mut zip, "keys", n, || items.iter().map(|item| item.key.as_str()))?;
    texts(&mut zip, "titles", n, || items.iter().map(|item| item.title.as_str()))?;
    texts(&mut zip, "texts", n, || table.texts().iter().map(String::as_str))?;
    texts(&mut zip, "labels", n, || (0..n).map(|i| table.label(i).unwrap_or("")))?;
    array(&mut zip, "held_out", ("|b1", 1), &[n], true, |to| {
        table.held_out().iter().try_for_each(|&held_out| to.write_all(&[u8::from(held_out)]))
    })?;
    let captions = || items.iter().flat_map(|item| &item.captions).map(String::as_str);
    let count = captions().count();
    texts(&mut zip, "captions", count, captions)?;
    array(&mut zip, "caption_item", ("<i4", 4), &[count], true, |to| {
        let numbers = items.iter().enumerate().flat_map(|(i, item)| item.captions.iter().map(move |_| i as i32));
        numbers.into_iter().try_for_each(|number| to.write_all(&number.to_le_bytes()))
    })?;
    let bytes = zip.finish()?.into_inner();
    sink.file(name, &mut |to| to.write_all(&bytes))
}

/// A table of numbers, `[rows, cols]`, f32.
pub fn matrix(zip: &mut Zip, name: &str, m: &Matrix) -> Result<()> {
    array(zip, name, ("<f4", 4), &[m.rows, m.cols], false, |to| {
        m.data.iter().try_for_each(|value| to.write_all(&value.to_le_bytes()))
    })
}

/// Texts `[n]` as UTF-32, each cut after [`LONGEST`] characters.
pub fn texts<'a, I: Iterator<Item = &'a str>>(zip: &mut Zip, name: &str, n: usize, all: impl Fn() -> I) -> Result<()> {
    let width = all().map(width).max().unwrap_or(0).max(1);
    array(zip, name, (&format!("<U{width}"), 4 * width), &[n], true, |to| {
        all().try_for_each(|text| to.write_all(&utf32(text, width)))
    })
}

/// Characters of a text that an array keeps.
pub fn width(text: &str) -> usize {
    text.chars().take(LONGEST).count()
}

/// A row of an array of texts of `width` characters.
pub fn utf32(text: &str, width: usize) -> Vec<u8> {
    let mut row: Vec<u8> = text.chars().take(width).flat_map(|c| (c as u32).to_le_bytes()).collect();
    row.resize(4 * width, 0);
    row
}

/// One `.npy` member, format version 1.0: magic, length of the header, the header as a Python literal, padded so that the
/// numbers start at a multiple of 64. `kind`: numpy's name of the type, and its bytes.
///
/// # Errors
/// What `body` says, and a sink that cannot write.
pub fn array<W: Write + Seek>(
    zip: &mut Zip<W>,
    name: &str,
    (kind, bytes): (&str, usize),
    shape: &[usize],
    shrinks: bool,
    mut body: impl FnMut(&mut dyn Write) -> io::Result<()>,
) -> Result<()> {
    let sides: String = shape.iter().map(|side| format!("{side}, ")).collect();
    let mut header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({}), }}", sides.trim_end());
    const BEFORE: usize = 10;
    let padded = (BEFORE + header.len() + 1).next_multiple_of(64) - BEFORE;
    header += &" ".repeat(padded - header.len() - 1);
    header.push('\n');
    let most = (BEFORE + padded) as u64 + bytes as u64 * shape.iter().map(|&side| side as u64).product::<u64>();
    zip.add(&format!("{name}.npy"), shrinks, most, &mut |to| {
        to.write_all(b"\x93NUMPY\x01\x00")?;
        to.write_all(&(header.len() as u16).to_le_bytes())?;
        to.write_all(header.as_bytes())?;
        body(to)
    })
}
