//! Sheets of thumbnails: PNG to RGB and back.
//!
//! By the PNG decoder alone. The `image` crate's own loading knows every format and colour space, and would bring all of
//! them into the browser bundle that only ever reads its own sheets.

use png::{BitDepth, ColorType, Compression, Decoder, Encoder, Filter, Transformations};
use std::io::Cursor;

/// A picture, `width * height * 3` bytes row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sheet {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Colours.
    pub rgb: Vec<u8>,
}

/// Decodes a PNG; transparency is left out of account.
///
/// # Errors
/// A sentence: the file is damaged, or larger than `most` (width, height), which is told before anything is unpacked.
pub fn read(bytes: &[u8], most: (usize, usize)) -> Result<Sheet, String> {
    let mut decoder = Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(Transformations::EXPAND | Transformations::STRIP_16);
    let mut reader = decoder.read_info().map_err(|error| error.to_string())?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    if width > most.0 || height > most.1 {
        return Err(format!("{width} x {height} pixels where at most {} x {} are expected", most.0, most.1));
    }
    let mut pixels = vec![0; reader.output_buffer_size().ok_or("too large")?];
    let frame = reader.next_frame(&mut pixels).map_err(|error| error.to_string())?;
    pixels.truncate(frame.buffer_size());
    let rgb = match frame.color_type {
        ColorType::Rgb => pixels,
        ColorType::Rgba => pixels.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect(),
        ColorType::Grayscale => pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        ColorType::GrayscaleAlpha => pixels.as_chunks::<2>().0.iter().flat_map(|&[grey, _]| [grey; 3]).collect(),
        // `EXPAND` makes colours of them.
        ColorType::Indexed => return Err("a palette that cannot be read".into()),
    };
    Ok(Sheet { width, height, rgb })
}

/// Encodes as PNG.
///
/// # Errors
/// A sentence: the sides do not fit the colours.
pub fn write(sheet: &Sheet) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, sheet.width as u32, sheet.height as u32);
    encoder.set_color(ColorType::Rgb);
    encoder.set_depth(BitDepth::Eight);
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header().map_err(|error| error.to_string())?;
    writer.write_image_data(&sheet.rgb).map_err(|error| error.to_string())?;
    writer.finish().map_err(|error| error.to_string())?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{DynamicImage, ImageFormat, Luma, LumaA, Rgb, Rgba};

    fn png(image: impl Into<DynamicImage>) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.into().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn what_is_written_comes_back_and_other_colour_types_are_read_as_their_colours() {
        let sheet = Sheet { width: 5, height: 3, rgb: (0..45).map(|i| i * 5).collect() };
        assert_eq!(read(&write(&sheet).unwrap(), (5, 3)).unwrap(), sheet);
        let one = |bytes: &[u8]| read(bytes, (2, 1)).unwrap().rgb;
        assert_eq!(one(&png(image::RgbaImage::from_pixel(2, 1, Rgba([1, 2, 3, 9])))), [1, 2, 3, 1, 2, 3]);
        assert_eq!(one(&png(image::GrayImage::from_pixel(2, 1, Luma([7])))), [7; 6]);
        assert_eq!(one(&png(image::GrayAlphaImage::from_pixel(2, 1, LumaA([7, 0])))), [7; 6]);
        let deep = image::ImageBuffer::from_pixel(2, 1, Rgb([0x0102u16, 0x0304, 0x0506]));
        assert_eq!(one(&png(DynamicImage::ImageRgb16(deep))), [1, 3, 5, 1, 3, 5]);
        let mut palette = Vec::new();
        let mut encoder = Encoder::new(&mut palette, 2, 1);
        encoder.set_color(ColorType::Indexed);
        encoder.set_depth(BitDepth::One);
        encoder.set_palette(vec![1, 2, 3, 4, 5, 6]);
        encoder.write_header().unwrap().write_image_data(&[0b0100_0000]).unwrap();
        assert_eq!(one(&palette), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn damage_and_size_are_told() {
        let bytes = write(&Sheet { width: 40, height: 40, rgb: vec![3; 4800] }).unwrap();
        assert!(read(&bytes, (40, 39)).unwrap_err().contains("40 x 40 pixels"));
        for length in [0, 8, 30, bytes.len() / 2] {
            assert!(read(&bytes[..length], (40, 40)).is_err(), "cut at {length}");
        }
        assert!(write(&Sheet { width: 40, height: 40, rgb: vec![3; 47] }).is_err());
    }
}
