//! Bytes of an image file (PNG, JPEG, WebP, GIF: its first frame) to a square RGB tile.
//!
//! The picture is turned as its EXIF data says, laid on white where it is transparent, fitted whole into the square, and
//! centred with white beside it. Transparency goes before resizing: the colour under transparent pixels, which is
//! arbitrary, would else bleed into the edges.

use crate::error::{Error, Result};
use image::imageops::FilterType;
use image::{DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, Rgb, RgbImage, RgbaImage};
use std::io::Cursor;

/// Longest side that is decoded, in pixels.
pub const MOST_SIDE: u32 = 16_384;
/// Most pixels that are decoded, in millions.
pub const MOST_MEGAPIXELS: u64 = 64;
/// Memory a decoder may ask for: the largest picture in 16-bit RGBA, and half as much again for its own tables.
const MOST_BYTES: u64 = MOST_MEGAPIXELS * 1_000_000 * 12;

/// Decodes `bytes` to `size × size` RGB (`size² · 3` bytes, on white). `name` is for the error message.
///
/// # Errors
/// [`Error::Image`]: not a PNG, JPEG, WebP or GIF file, damaged or truncated, without pixels, or more than 64 megapixels
/// or 16,384 pixels a side (told from the header, before anything is decoded).
pub fn decode(name: &str, bytes: &[u8], size: usize) -> Result<Vec<u8>> {
    let image = open(bytes).map_err(|problem| Error::Image { name: name.to_owned(), problem })?;
    Ok(fitted(&on_white(image), size as u32).into_raw())
}

/// As [`decode`], at several sizes at once; `None` for a kind that only a browser reads (AVIF, HEIC, BMP, SVG, ...).
///
/// # Errors
/// As [`decode`].
pub fn tiles(name: &str, bytes: &[u8], sizes: &[usize]) -> Result<Option<Vec<Vec<u8>>>> {
    let ours = |format| matches!(format, ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP | ImageFormat::Gif);
    let foreign = match image::guess_format(bytes) {
        Ok(format) => !ours(format),
        Err(_) => matches!(name.rsplit('.').next(), Some("avif" | "heic" | "bmp" | "svg")) && !bytes.is_empty(),
    };
    if foreign {
        return Ok(None);
    }
    let image = open(bytes).map_err(|problem| Error::Image { name: name.to_owned(), problem })?;
    Ok(Some(at_sizes(&on_white(image), sizes)))
}

/// Tiles of pixels that somebody else decoded (`width * height * 4` bytes); `None` if they are not that many.
pub fn from_rgba(width: u32, height: u32, rgba: Vec<u8>, sizes: &[usize]) -> Option<Vec<Vec<u8>>> {
    let image = RgbaImage::from_raw(width, height, rgba).filter(|_| width > 0 && height > 0)?;
    Some(at_sizes(&laid_on_white(&image), sizes))
}

fn at_sizes(image: &RgbImage, sizes: &[usize]) -> Vec<Vec<u8>> {
    sizes.iter().map(|&size| fitted(image, size as u32).into_raw()).collect()
}

fn open(bytes: &[u8]) -> std::result::Result<DynamicImage, String> {
    if bytes.is_empty() {
        return Err("the file is empty".into());
    }
    let damaged = |e: image::ImageError| match e {
        // Some decoders look at the header's numbers before we can.
        image::ImageError::Limits(_) => {
            format!("has more than {MOST_MEGAPIXELS} megapixels or {MOST_SIDE} pixels a side; scale it down")
        }
        e => format!("cannot be read ({e}); open it in an image program and save it again"),
    };
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| e.to_string())?;
    if reader.format().is_none() {
        return Err("not a PNG, JPEG, WebP or GIF file; convert it to one of these".into());
    }
    let mut limits = Limits::default();
    limits.max_alloc = Some(MOST_BYTES);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().map_err(damaged)?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err("has no pixels; remove it or replace it".into());
    }
    if width.max(height) > MOST_SIDE || u64::from(width) * u64::from(height) > MOST_MEGAPIXELS * 1_000_000 {
        return Err(format!(
            "{width} x {height} pixels is more than {MOST_MEGAPIXELS} megapixels or {MOST_SIDE} a side; scale it down"
        ));
    }
    // A broken EXIF block is no reason to refuse the picture.
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut image = DynamicImage::from_decoder(decoder).map_err(damaged)?;
    image.apply_orientation(orientation);
    Ok(image)
}

fn on_white(image: DynamicImage) -> RgbImage {
    if !image.color().has_alpha() {
        return image.into_rgb8();
    }
    laid_on_white(&image.into_rgba8())
}

fn laid_on_white(rgba: &RgbaImage) -> RgbImage {
    let mut out = RgbImage::new(rgba.width(), rgba.height());
    for (to, from) in out.pixels_mut().zip(rgba.pixels()) {
        let [r, g, b, a] = from.0.map(u32::from);
        *to = Rgb([r, g, b].map(|c| ((c * a + 255 * (255 - a) + 127) / 255) as u8));
    }
    out
}

fn fitted(image: &RgbImage, size: u32) -> RgbImage {
    let (width, height) = image.dimensions();
    let scale = f64::from(size) / f64::from(width.max(height));
    let side = |length: u32| ((f64::from(length) * scale).round() as u32).clamp(1, size.max(1));
    let (w, h) = (side(width), side(height));
    let mut out = RgbImage::from_pixel(size, size, Rgb([255; 3]));
    let (left, top) = (i64::from(size.saturating_sub(w) / 2), i64::from(size.saturating_sub(h) / 2));
    let at = |picture: &RgbImage, out: &mut RgbImage| image::imageops::replace(out, picture, left, top);
    if (w, h) == (width, height) {
        at(image, &mut out);
        return out;
    }
    // A photograph is first shrunk by a whole number to about twice the size: the filter, which is slow, then has few
    // pixels to look at, and what it would have made of the rest is the mean as well.
    let by = width.max(height) / (2 * size.max(1));
    let shrunk = (by > 1).then(|| shrunk(image, by as usize));
    at(&image::imageops::resize(shrunk.as_ref().unwrap_or(image), w, h, FilterType::CatmullRom), &mut out);
    out
}

/// Mean colours of `by × by` pixels; at the right and lower edge of those that are there.
fn shrunk(image: &RgbImage, by: usize) -> RgbImage {
    let (width, height) = (image.width() as usize, image.height() as usize);
    let (w, h) = (width.div_ceil(by), height.div_ceil(by));
    let mut out = Vec::with_capacity(w * h * 3);
    for band in image.as_raw().chunks(width * 3 * by) {
        let rows = band.len() / (width * 3);
        let mut sums = vec![0u32; w * 3];
        for row in band.chunks_exact(width * 3) {
            for (sum, block) in sums.chunks_exact_mut(3).zip(row.chunks(3 * by)) {
                for pixel in block.chunks_exact(3) {
                    sum.iter_mut().zip(pixel).for_each(|(sum, channel)| *sum += u32::from(*channel));
                }
            }
        }
        out.extend(sums.iter().enumerate().map(|(i, sum)| {
            let count = (rows * by.min(width - i / 3 * by)) as u32;
            ((sum + count / 2) / count) as u8
        }));
    }
    RgbImage::from_raw(w as u32, h as u32, out).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ExtendedColorType, ImageEncoder as _};

    #[test]
    fn a_photograph_comes_to_what_the_filter_alone_makes_of_it() {
        // A soft picture with an edge; its sides are no multiples of anything.
        let image = RgbImage::from_fn(1531, 1033, |x, y| {
            let edge = if x * 2 > y + 700 { 60 } else { 0 };
            Rgb([(x / 8) as u8, (y / 6) as u8, edge + ((x + y) / 20) as u8])
        });
        let (fast, slow) = (fitted(&image, 64), image::imageops::resize(&image, 64, 43, FilterType::CatmullRom));
        let pairs = slow.enumerate_pixels().map(|(x, y, pixel)| (pixel.0, fast.get_pixel(x, y + 10).0));
        let apart: Vec<u8> = pairs.flat_map(|(a, b)| [0, 1, 2].map(|c| a[c].abs_diff(b[c]))).collect();
        let mean = apart.iter().map(|&d| f64::from(d)).sum::<f64>() / apart.len() as f64;
        // By one where a mean is rounded twice; along the edge, which is 60 high, by more.
        assert!(mean < 0.5 && apart.iter().all(|&d| d <= 12), "{mean} {:?}", apart.iter().max());
        let corner = shrunk(&RgbImage::from_fn(5, 3, |x, y| Rgb([(10 * x + y) as u8; 3])), 2);
        assert_eq!(corner.into_raw(), [6, 6, 6, 26, 26, 26, 41, 41, 41, 7, 7, 7, 27, 27, 27, 42, 42, 42]);
    }

    fn png(image: &RgbaImage) -> Vec<u8> {
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    fn problem(bytes: &[u8]) -> String {
        let error = decode("pictures/cat.png", bytes, 64).unwrap_err().to_string();
        assert!(error.starts_with("image pictures/cat.png: "), "{error}");
        error
    }

    #[test]
    fn wide_picture_is_centred_on_white() {
        let red = RgbaImage::from_pixel(8, 4, image::Rgba([255, 0, 0, 255]));
        let tile = decode("red", &png(&red), 8).unwrap();
        for (y, row) in tile.chunks(24).enumerate() {
            let want = if (2..6).contains(&y) { [255, 0, 0] } else { [255; 3] };
            assert!(row.chunks(3).all(|p| p == want), "row {y}: {row:?}");
        }
    }

    #[test]
    fn hidden_colour_of_transparent_pixels_does_not_show() {
        // Left half transparent black, right half opaque white: white all over, also after resizing.
        let image = RgbaImage::from_fn(64, 64, |x, _| if x < 32 { [0, 0, 0, 0] } else { [255; 4] }.into());
        assert!(decode("white", &png(&image), 20).unwrap().iter().all(|v| *v == 255));
        let half = RgbaImage::from_pixel(2, 2, image::Rgba([0, 0, 0, 128]));
        assert!(decode("half", &png(&half), 2).unwrap().iter().all(|v| *v == 127));
    }

    #[test]
    fn all_four_formats_and_sixteen_bits() {
        let image = DynamicImage::from(RgbImage::from_pixel(30, 20, Rgb([10, 200, 30])));
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
            let mut bytes = Vec::new();
            image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
            let tile = decode("x", &bytes, 16).unwrap();
            let centre = &tile[(8 * 16 + 8) * 3..][..3];
            for (got, want) in centre.iter().zip([10u8, 200, 30]) {
                assert!(got.abs_diff(want) < 6, "{format:?}: {centre:?}");
            }
        }
        let mut bytes = Vec::new();
        let deep = DynamicImage::ImageLuma16(image::ImageBuffer::from_pixel(3, 3, image::Luma([0x8080])));
        deep.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        assert!(decode("x", &bytes, 3).unwrap().iter().all(|v| *v == 128));
    }

    #[test]
    fn extreme_shapes_keep_a_pixel() {
        let line = RgbaImage::from_pixel(5000, 1, image::Rgba([0, 0, 0, 255]));
        let tile = decode("line", &png(&line), 64).unwrap();
        assert_eq!(tile.len(), 64 * 64 * 3);
        assert_eq!(tile.iter().filter(|v| **v < 10).count(), 64 * 3);
        assert_eq!(decode("dot", &png(&RgbaImage::from_pixel(1, 1, [7, 7, 7, 255].into())), 64).unwrap()[0], 7);
    }

    #[test]
    fn exif_orientation_turns_the_picture() {
        // Orientation 3: turned by 180°. Left half black in the file, right half black as seen.
        let image = RgbImage::from_fn(16, 16, |x, _| if x < 8 { Rgb([0; 3]) } else { Rgb([255; 3]) });
        let mut bytes = Vec::new();
        let mut encoder = image::codecs::jpeg::JpegEncoder::new(&mut bytes);
        let exif = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0\0\0\0\0";
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder.write_image(&image, 16, 16, ExtendedColorType::Rgb8).unwrap();
        let tile = decode("turned", &bytes, 16).unwrap();
        assert!(tile[0] > 200 && tile[15 * 3] < 50, "{} {}", tile[0], tile[15 * 3]);
    }

    #[test]
    fn what_is_no_picture_is_refused_with_its_name() {
        assert!(problem(b"").contains("empty"));
        assert!(problem(b"<html>not a picture</html>").contains("PNG, JPEG, WebP or GIF"));
        let whole = png(&RgbaImage::from_fn(50, 50, |x, y| [x as u8, y as u8, (x * y) as u8, 255].into()));
        for length in [8, 20, 33, whole.len() / 2] {
            problem(&whole[..length]);
        }
        // Neither panics nor hangs on any single damaged byte of the header.
        for i in 0..whole.len().min(64) {
            let mut bytes = whole.clone();
            bytes[i] ^= 0xff;
            let _ = decode("x", &bytes, 8);
        }
    }

    #[test]
    fn huge_headers_are_refused_before_decoding() {
        // A GIF header may announce 65,535 x 65,535 in ten bytes; a PNG of 20,000 x 3 has a long side only.
        let gif = b"GIF89a\xff\xff\xff\xff\0\0\0,\0\0\0\0\xff\xff\xff\xff\0\x02\0\0;";
        assert!(problem(gif).contains("65535 x 65535"));
        assert!(problem(&png(&RgbaImage::new(20_000, 3))).contains("16384"));
        let square = RgbImage::new(8300, 8300);
        let mut bytes = Vec::new();
        let encoder = image::codecs::png::PngEncoder::new(&mut bytes);
        encoder.write_image(&square, 8300, 8300, ExtendedColorType::Rgb8).unwrap();
        assert!(problem(&bytes).contains("64 megapixels"));
    }
}
