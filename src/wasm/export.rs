//! The run as files.

use super::engine::Engine;
use super::{Js, put, to_js};
use crate::export::{Choice, Memory, Options, Zip, export, sheets, sizes};
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
impl Engine {
    /// About how many bytes each export takes: `{ weights, features, … }`.
    pub fn export_sizes(&self) -> Js<JsValue> {
        let sizes = sizes(self.lab()?).into_iter().map(|(choice, bytes)| (choice.name().to_owned(), bytes.into()));
        to_js(&serde_json::Map::from_iter(sizes))
    }

    /// How many sheets of thumbnails the search page has.
    pub fn export_sheets(&self) -> Js<usize> {
        Ok(sheets(self.tiles()?).count())
    }

    /// Sheet `n` as `{ width, height, rgba }`.
    pub fn export_sheet(&self, n: usize) -> Js<JsValue> {
        let sheet = sheets(self.tiles()?).nth(n).ok_or_else(|| JsError::new("there is no such sheet"))?;
        let object = to_js(&serde_json::json!({"width": sheet.width, "height": sheet.height}))?;
        let rgba: Vec<u8> = sheet.rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        put(&object, "rgba", &js_sys::Uint8ClampedArray::from(rgba.as_slice()).into())?;
        Ok(object)
    }

    /// An export as `[name, bytes, …]`; the search page as one zip. `sheets`: its sheets as JPEG files; `page`: `index.html`,
    /// `style.css` and `search.js`, which all such pages have.
    /// `attached`, as JSON: what an experiment is written with.
    pub async fn export_run(
        &mut self,
        what: String,
        sheets: Vec<js_sys::Uint8Array>,
        page: Vec<String>,
        attached: Option<String>,
    ) -> Js<js_sys::Array> {
        let choice: Choice = what.parse()?;
        let experiment = attached.as_deref().map(serde_json::from_str).transpose()?;
        let page = (!page.is_empty()).then(|| page.try_into()).transpose();
        let page = page.map_err(|_| JsError::new("a search page has index.html, style.css and search.js"))?;
        let sheets = sheets.iter().map(js_sys::Uint8Array::to_vec).collect();
        let options = Options { sheets, page, experiment, ..Default::default() };
        let files = if matches!(choice, Choice::Page | Choice::Tsv) {
            let mut zip = Zip::default();
            export(self.lab_mut()?, choice, &options, &mut zip).await?;
            vec![(format!("{what}.zip"), zip.finish()?.into_inner())]
        } else {
            let mut memory = Memory::default();
            export(self.lab_mut()?, choice, &options, &mut memory).await?;
            memory.0
        };
        let list = js_sys::Array::new();
        for (name, bytes) in files {
            list.push(&name.into());
            list.push(&js_sys::Uint8Array::from(bytes.as_slice()).into());
        }
        Ok(list)
    }

    pub(super) fn tiles(&self) -> crate::error::Result<&crate::data::Tiles> {
        let session = self.lab()?.session();
        Ok(&session.corpus().views[session.partition().test_view].tiles)
    }
}
