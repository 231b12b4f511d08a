//! A session with what a face asks of it: search, clusters, projection. The page and the command line share it.
//!
//! Embeddings of the display view and of the first query texts are computed once per state of the weights.

use crate::analyze::kmeans::{RESTARTS, kmeans};
use crate::analyze::projection::Projector;
use crate::analyze::report::{classes_of, fused};
use crate::analyze::{ClusterScores, Hit, clustering, top_k, top_k_by};
use crate::error::{Error, Result};
use crate::matrix::Matrix;
use crate::model::Side;
use crate::train::{Event, Session};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// A session and its current embeddings.
pub struct Lab {
    session: Session,
    projector: Projector,
    embedded: Option<Rc<Embedded>>,
}

/// Both modalities of all items under the current weights.
pub struct Embedded {
    /// Pictures of the display view, `[N, d]`.
    pub image: Matrix,
    /// First query texts, `[N, d]`.
    pub text: Matrix,
}

/// Which embeddings are clustered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Space {
    /// Images alone, as the paper does.
    Image,
    /// Texts alone.
    Text,
    /// Image and text side by side.
    Fused,
}

/// Clusters of all items, scored on the held-out part.
#[derive(Debug, Clone, Serialize)]
pub struct Clusters {
    /// Cluster of each item, `[N]`.
    pub labels: Vec<usize>,
    /// Agreement with the classes on the held-out part; none when the data has no classes.
    pub scores: Option<ClusterScores>,
}

/// Hits of both modalities.
#[derive(Debug, Clone, Serialize)]
pub struct Found {
    /// Pictures, best first; the index is the item.
    pub images: Vec<Hit>,
    /// Texts (first query text of an item), best first.
    pub texts: Vec<Hit>,
}

impl Lab {
    /// Wraps a session.
    pub fn new(session: Session) -> Result<Self> {
        let projector = Projector::new(2, session.config().seed)?;
        Ok(Self { session, projector, embedded: None })
    }

    /// The session.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The session alone again.
    pub fn into_session(self) -> Session {
        self.session
    }

    /// See [`Session::step`].
    pub async fn step(&mut self, n: usize) -> Result<Vec<Event>> {
        self.embedded = None;
        self.session.step(n).await
    }

    /// Current embeddings of all items.
    pub async fn embedded(&mut self) -> Result<Rc<Embedded>> {
        if let Some(embedded) = &self.embedded {
            return Ok(embedded.clone());
        }
        let view = self.session.partition().test_view;
        let image = self.session.embed_view(view).await?;
        let text = self.session.embed_queries().await?;
        let embedded = Rc::new(Embedded { image, text });
        self.embedded = Some(embedded.clone());
        Ok(embedded)
    }

    /// Coordinates of all pictures and all texts, `[2N, 2]`: pictures first. Stays put between calls.
    pub async fn projection(&mut self) -> Result<Matrix> {
        let embedded = self.embedded().await?;
        let mut rows = embedded.image.clone();
        rows.data.extend_from_slice(&embedded.text.data);
        rows.rows += embedded.text.rows;
        self.projector.project(&rows)
    }

    /// k-means over all items in `space`.
    pub async fn clusters(&mut self, k: usize, space: Space) -> Result<Clusters> {
        let embedded = self.embedded().await?;
        let rows = match space {
            Space::Image => embedded.image.clone(),
            Space::Text => embedded.text.clone(),
            Space::Fused => fused(&embedded.image, &embedded.text),
        };
        let labels = kmeans(&rows, k, RESTARTS, self.session.config().seed)?.labels;
        let held_out = &self.session.partition().test_items;
        let scores = classes_of(self.session.corpus(), held_out)
            .map(|truth| {
                let found: Vec<usize> = held_out.iter().map(|&i| labels[i]).collect();
                clustering::scores(&truth, &found)
            })
            .transpose()?;
        Ok(Clusters { labels, scores })
    }

    /// The `k` best pictures and texts for any text.
    pub async fn search_text(&mut self, text: &str, k: usize) -> Result<Found> {
        if text.trim().is_empty() {
            return Err(Error::Data("the query is empty; type a word".to_owned()));
        }
        let query = self.session.embed_texts(&[text]).await?;
        self.search(query.row(0), Side::Text, k).await
    }

    /// The `k` best pictures and texts for the picture of an item; the item itself is not among the pictures.
    pub async fn search_item(&mut self, item: usize, k: usize) -> Result<Found> {
        let embedded = self.embedded().await?;
        if item >= embedded.image.rows {
            return Err(Error::Data(format!("there is no item {item}; the last is {}", embedded.image.rows - 1)));
        }
        let mut found = self.search(embedded.image.row(item), Side::Image, k + 1).await?;
        found.images.retain(|hit| hit.index != item);
        found.images.truncate(k);
        found.texts.truncate(k);
        Ok(found)
    }

    /// The `k` best pictures and texts for raw image features of the kind the run uses, `[1, d_x]`.
    pub async fn search_features(&mut self, raw: Matrix, k: usize) -> Result<Found> {
        let query = self.session.embed_images(raw).await?;
        self.search(query.row(0), Side::Image, k).await
    }

    /// Across the modalities by the score that the run trains, inside one by the cosine.
    async fn search(&mut self, query: &[f32], side: Side, k: usize) -> Result<Found> {
        let Embedded { image, text } = &*self.embedded().await?;
        let score = self.session.score();
        Ok(match side {
            Side::Text => Found {
                images: top_k_by(image.rows, k, |i| score.pair(image.row(i), query)),
                texts: top_k(query, text, k)?,
            },
            Side::Image => Found {
                images: top_k(query, image, k)?,
                texts: top_k_by(text.rows, k, |j| score.pair(query, text.row(j))),
            },
        })
    }
}
