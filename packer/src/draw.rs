//! Pictures of the concepts in one style: an Iconify package's SVG bodies, drawn on white.

use crate::concepts::{json, plain_key};
use crate::fetch::Package;
use mtls_lab::error::{Error, Result};
use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// SVG documents, one per key of `keys`, in that order.
pub fn documents(cache: &Path, package: &Package, keys: &[String]) -> Result<Vec<String>> {
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

/// `size * size * 3` RGB bytes: the whole picture, centred, on white.
pub fn draw(document: &str, size: usize) -> Result<Vec<u8>> {
    let tree = Tree::from_str(document, &Options::default()).map_err(|error| Error::Data(error.to_string()))?;
    let side = size as u32;
    let mut pixmap = Pixmap::new(side, side).ok_or_else(|| Error::Data("a picture without pixels".into()))?;
    pixmap.fill(Color::WHITE);
    let (width, height) = (tree.size().width(), tree.size().height());
    let scale = size as f32 / width.max(height);
    let (x, y) = ((size as f32 - width * scale) / 2.0, (size as f32 - height * scale) / 2.0);
    resvg::render(&tree, Transform::from_row(scale, 0.0, 0.0, scale, x, y), &mut pixmap.as_mut());
    Ok(pixmap.data().as_chunks::<4>().0.iter().flat_map(|[r, g, b, _]| [*r, *g, *b]).collect())
}
