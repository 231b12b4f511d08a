//! Drawing on white: SVG documents, and those of an emoji style out of an Iconify package.

use crate::concepts::{json, plain_key};
use crate::fetch::Package;
use mtls_lab::error::{Error, Result};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::path::Path;

/// Drawings, one per key of `keys`, in that order.
pub fn drawings(cache: &Path, package: &Package, keys: &[String]) -> Result<Vec<Drawing>> {
    let icons = json(&package.read(cache, "icons.json")?, "icons.json")?;
    let chars = json(&package.read(cache, "chars.json")?, "chars.json")?;
    let names: HashMap<String, &str> = chars
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(hex, name)| Some((plain_key(hex), name.as_str()?)))
        .collect();
    keys.iter()
        .map(|key| {
            let name = names.get(key).copied();
            name.and_then(|name| document(&icons, name))
                .map(|document| Drawing { document, frame: None })
                .ok_or_else(|| Error::Data(format!("no picture of concept {key}")))
        })
        .collect()
}

fn document(icons: &Value, name: &str) -> Option<String> {
    let direct = &icons["icons"][name];
    let icon = if direct.is_object() { direct } else { &icons["icons"][icons["aliases"][name]["parent"].as_str()?] };
    let number = |field: &str, default: f64| icon[field].as_f64().or_else(|| icons[field].as_f64()).unwrap_or(default);
    let (left, top, width, height) =
        (number("left", 0.0), number("top", 0.0), number("width", 16.0), number("height", 16.0));
    let body = icon["body"].as_str()?;
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" \
         viewBox=\"{left} {top} {width} {height}\" width=\"{width}\" height=\"{height}\">{body}</svg>"
    ))
}

/// An SVG document and what of its page is drawn.
pub struct Drawing {
    pub document: String,
    /// Left, top, width and height in the page's pixels; the whole page where there is none.
    pub frame: Option<[f32; 4]>,
}

impl Drawing {
    /// `size * size * 3` RGB bytes: the frame, centred, on white.
    pub fn draw(&self, size: usize) -> Result<Vec<u8>> {
        let tree = parse(&self.document)?;
        let page = [0.0, 0.0, tree.size().width(), tree.size().height()];
        let [left, top, width, height] = self.frame.unwrap_or(page);
        let scale = size as f32 / width.max(height);
        let (x, y) = ((size as f32 - width * scale) / 2.0, (size as f32 - height * scale) / 2.0);
        let onto = Transform::from_row(scale, 0.0, 0.0, scale, x - left * scale, y - top * scale);
        rendered(&tree, onto, size)
    }

    /// Everything that its pixels depend on.
    pub fn digest(&self, digest: &mut Sha256) {
        digest.update(&self.document);
        self.frame.iter().flatten().for_each(|number| digest.update(number.to_le_bytes()));
    }
}

/// The part of the page that is not white, with a small margin; none where all of it is.
pub fn content(document: &str) -> Result<Option<[f32; 4]>> {
    const SIDE: usize = 512;
    let tree = parse(document)?;
    let scale = SIDE as f32 / tree.size().width().max(tree.size().height());
    let pixels = rendered(&tree, Transform::from_scale(scale, scale), SIDE)?;
    let dark = pixels.as_chunks::<3>().0.iter().enumerate().filter(|(_, pixel)| pixel.iter().any(|c| *c < 245));
    let bounds = dark.fold(None, |bounds: Option<[usize; 4]>, (at, _)| {
        let (x, y) = (at % SIDE, at / SIDE);
        let [left, top, right, bottom] = bounds.unwrap_or([x, y, x, y]);
        Some([left.min(x), top.min(y), right.max(x), bottom.max(y)])
    });
    Ok(bounds.map(|[left, top, right, bottom]| {
        let margin = 1.0 + 0.03 * (right - left).max(bottom - top) as f32;
        let (x, y) = (left as f32 - margin, top as f32 - margin);
        let (width, height) = ((right + 1 - left) as f32 + 2.0 * margin, (bottom + 1 - top) as f32 + 2.0 * margin);
        [x, y, width, height].map(|number| number / scale)
    }))
}

fn parse(document: &str) -> Result<Tree> {
    Tree::from_str(document, &Options::default()).map_err(|error| Error::Data(error.to_string()))
}

fn rendered(tree: &Tree, onto: Transform, size: usize) -> Result<Vec<u8>> {
    let side = size as u32;
    let mut pixmap = Pixmap::new(side, side).ok_or_else(|| Error::Data("a picture without pixels".into()))?;
    pixmap.fill(Color::WHITE);
    resvg::render(tree, onto, &mut pixmap.as_mut());
    Ok(pixmap.data().as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect())
}
