//! What a table of vectors says: two rows an item, its picture and its text.

use crate::analyze::projection::Projector;
use crate::data::{Corpus, Item};
use crate::error::Result;
use crate::lab::{Embedded, Lab};
use crate::matrix::Matrix;
use serde::Serialize;
use std::rc::Rc;

/// The current embeddings of a run and what is known about its items.
pub struct Table {
    corpus: Rc<Corpus>,
    at: Rc<Embedded>,
    texts: Vec<String>,
    held_out: Vec<bool>,
    places: Matrix,
}

/// One vector.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Row<'a> {
    /// Number of the row, from 0.
    pub id: usize,
    /// Number of the item.
    pub item: usize,
    /// `image` or `text`.
    pub modality: &'static str,
    /// Stable name of the item.
    pub key: &'a str,
    /// Title of the item.
    pub title: &'a str,
    /// The text that was embedded.
    pub text: &'a str,
    /// Class, where the data has classes.
    pub label: Option<&'a str>,
    /// Not trained on.
    pub held_out: bool,
    /// Place in a plane (principal components of all vectors).
    pub x: f32,
    /// See `x`.
    pub y: f32,
    /// The embedding, `[d]`.
    pub vector: &'a [f32],
}

impl Table {
    /// Embeds all items as the run is now.
    pub async fn of(lab: &mut Lab) -> Result<Self> {
        let at = lab.embedded().await?;
        let session = lab.session();
        let texts = session.query_texts()?.into_iter().map(str::to_owned).collect();
        let mut held_out = vec![false; session.corpus().len()];
        session.partition().test_items.iter().for_each(|&i| held_out[i] = true);
        let mut both = at.image.clone();
        both.data.extend_from_slice(&at.text.data);
        both.rows += at.text.rows;
        let places = Projector::new(2, session.config().seed)?.project(&both)?;
        Ok(Self { corpus: session.corpus_handle(), at, texts, held_out, places })
    }

    /// Number of items, `N`.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Embeddings of the pictures, `[N, d]`.
    pub fn image(&self) -> &Matrix {
        &self.at.image
    }

    /// Embeddings of the texts, `[N, d]`.
    pub fn text(&self) -> &Matrix {
        &self.at.text
    }

    /// The items.
    pub fn items(&self) -> &[Item] {
        &self.corpus.items
    }

    /// The text of each item that was embedded.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Whether each item is held out.
    pub fn held_out(&self) -> &[bool] {
        &self.held_out
    }

    /// Class of an item; none where the data has no classes.
    pub fn label(&self, item: usize) -> Option<&str> {
        self.corpus.items[item].class.and_then(|class| self.corpus.classes.get(class as usize)).map(String::as_str)
    }

    /// All `2 N` rows: pictures first, then texts.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let n = self.len();
        (0..2 * n).map(move |id| {
            let (item, modality, of) =
                if id < n { (id, "image", &self.at.image) } else { (id - n, "text", &self.at.text) };
            let Item { key, title, .. } = &self.corpus.items[item];
            let &[x, y] = self.places.row(id) else { unreachable!("a plane has two axes") };
            let (text, label, held_out) = (self.texts[item].as_str(), self.label(item), self.held_out[item]);
            Row { id, item, modality, key, title, text, label, held_out, x, y, vector: of.row(item) }
        })
    }
}
