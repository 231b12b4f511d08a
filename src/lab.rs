//! A session with what a face asks of it: search, clusters, projection. The page and the command line share it.
//!
//! Embeddings of the display view and of the first query texts are computed once per state of the weights.

use crate::analyze::kmeans::{RESTARTS, kmeans};
use crate::analyze::projection::Projector;
use crate::analyze::report::{Metrics, classes_of, fused};
use crate::analyze::retrieval::pair_ranks;
use crate::analyze::{ClusterScores, Hit, Score, clustering, hdbscan, top_k, top_k_by};
use crate::error::{Error, Result};
use crate::iteration::Iteration;
use crate::matrix::Matrix;
use crate::model::Side;
use crate::neighbourhood::{Lesson, Neighbourhood, lessons, neighbourhood};
use crate::train::{Event, Session};
use serde::{Deserialize, Serialize};
use std::rc::Rc;

/// A session and its current embeddings.
pub struct Lab {
    session: Session,
    projector: Projector,
    embedded: Option<Rc<Embedded>>,
    /// Before the first step.
    beginning: Option<Rc<Embedded>>,
    /// The run before its first step, once a query had to be embedded by it.
    fresh: Option<Session>,
}

/// A state of the weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before the first step.
    Beginning,
    /// The current one.
    Now,
}

/// Both modalities of all items under the current weights.
pub struct Embedded {
    /// Pictures of the display view, `[N, d]`.
    pub image: Matrix,
    /// First query texts, `[N, d]`.
    pub text: Matrix,
}

impl Embedded {
    async fn of(session: &Session) -> Result<Self> {
        let image = session.embed_view(session.partition().test_view).await?;
        Ok(Self { image, text: session.embed_queries().await? })
    }
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

/// How items are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grouping {
    /// k-means with this many clusters.
    Kmeans(usize),
    /// HDBSCAN with groups of at least this many members.
    Hdbscan(usize),
}

/// Clusters of all items, scored on the held-out part.
#[derive(Debug, Clone, Serialize)]
pub struct Clusters {
    /// Cluster of each item, `[N]`; none for noise.
    pub labels: Vec<Option<usize>>,
    /// Agreement with the classes on the held-out part, noise counted as a group of its own; none when the data has no
    /// classes.
    pub scores: Option<ClusterScores>,
}

/// How each picture and its own text find each other among all items, `[N]` each.
#[derive(Debug, Clone, Serialize)]
pub struct Pairs {
    /// Rank of its own text for the picture, 1 is first.
    pub image_rank: Vec<usize>,
    /// Rank of its own picture for the text.
    pub text_rank: Vec<usize>,
    /// Score of the pair.
    pub score: Vec<f32>,
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
        Ok(Self { session, projector, embedded: None, beginning: None, fresh: None })
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
        let embedded = self.embedded.take();
        if self.session.steps_done() == 0 && self.beginning.is_none() {
            self.beginning = embedded;
        }
        self.session.step(n).await
    }

    /// Current embeddings of all items.
    pub async fn embedded(&mut self) -> Result<Rc<Embedded>> {
        if let Some(embedded) = &self.embedded {
            return Ok(embedded.clone());
        }
        let embedded = Rc::new(Embedded::of(&self.session).await?);
        self.embedded = Some(embedded.clone());
        Ok(embedded)
    }

    /// Embeddings of all items at a moment of the run.
    pub async fn embedded_at(&mut self, moment: Moment) -> Result<Rc<Embedded>> {
        if moment == Moment::Now || self.session.steps_done() == 0 {
            return self.embedded().await;
        }
        if self.beginning.is_none() {
            let embedded = Embedded::of(self.session_at(Moment::Beginning)?).await?;
            self.beginning = Some(Rc::new(embedded));
        }
        self.beginning.clone().ok_or_else(|| Error::Data("the beginning of the run is not known".to_owned()))
    }

    /// The `k` nearest pictures to the picture of `item` and the nearest texts to its text, at a moment of the run.
    pub async fn neighbourhood(&mut self, item: usize, k: usize, moment: Moment) -> Result<Neighbourhood> {
        let at = self.embedded_at(moment).await?;
        neighbourhood(&at.image, &at.text, item, k)
    }

    /// Scores of the pictures and the texts of `items`, `[n, n]`: row i, column j is picture i and text j.
    ///
    /// # Errors
    /// An item that the data does not have.
    pub async fn similarity(&mut self, items: &[usize]) -> Result<Matrix> {
        let at = self.embedded().await?;
        if let Some(item) = items.iter().find(|&&i| i >= at.image.rows) {
            return Err(Error::Data(format!("there is no item {item}; the last is {}", at.image.rows - 1)));
        }
        let score = self.session.score();
        let pairs = items.iter().flat_map(|&i| items.iter().map(move |&j| (i, j)));
        Matrix::new(items.len(), items.len(), pairs.map(|(i, j)| score.pair(at.image.row(i), at.text.row(j))).collect())
    }

    /// What `student` is taught about `item` now: `count` triplets with training items, the strongest first.
    pub async fn lessons(&mut self, item: usize, student: Side, count: usize) -> Result<Vec<Lesson>> {
        let n = self.session.corpus().len();
        if item >= n {
            return Err(Error::Data(format!("there is no item {item}; the last is {}", n - 1)));
        }
        let mut items = vec![item];
        items.extend(self.session.partition().train_items.iter().filter(|&&i| i != item));
        let (teacher, own) = self.session.classroom(student, &items).await?;
        let config = self.session.config();
        let found = lessons(&teacher, &own, 0, count, &config.transfer, config.seed ^ item as u64)?;
        Ok(found.into_iter().map(|l| Lesson { near: items[l.near], far: items[l.far], ..l }).collect())
    }

    /// Ranks and scores of all pairs now.
    pub async fn pairs(&mut self) -> Result<Pairs> {
        let at = self.embedded().await?;
        let score = self.session.score();
        let (image_rank, text_rank) = pair_ranks(&at.image, &at.text, &self.session.query_texts()?, score)?;
        let score = (0..at.image.rows).map(|i| score.pair(at.image.row(i), at.text.row(i))).collect();
        Ok(Pairs { image_rank, text_rank, score })
    }

    /// See [`Session::evaluate_start`].
    pub async fn evaluate_start(&mut self) -> Result<Metrics> {
        self.session.evaluate_start().await
    }

    /// Changes settings from the next step on, see [`Session::retune`].
    pub fn retune(&mut self, difference: &serde_json::Value) -> Result<()> {
        self.session.retune(difference)
    }

    /// The next step of the run, taken apart, with about `show` of its pairs in full. The run stays where it is.
    pub async fn iteration(&mut self, show: usize) -> Result<Iteration> {
        self.projection().await?;
        Iteration::of(&mut self.session, &self.projector, show).await
    }

    /// How many coordinates [`Self::projection`] has from now on: 2 or 3.
    pub fn project_to(&mut self, dims: usize) -> Result<()> {
        if !(2..=3).contains(&dims) {
            return Err(Error::Config(format!("the space is shown in 2 or 3 dimensions, not {dims}")));
        }
        self.projector = Projector::new(dims, self.session.config().seed)?;
        Ok(())
    }

    /// Coordinates of all pictures and all texts, `[2N, 2 or 3]`: pictures first. Stays put between calls.
    pub async fn projection(&mut self) -> Result<Matrix> {
        let embedded = self.embedded().await?;
        let mut rows = embedded.image.clone();
        rows.data.extend_from_slice(&embedded.text.data);
        rows.rows += embedded.text.rows;
        self.projector.project(&rows)
    }

    /// Groups of all items in `space`.
    pub async fn clusters(&mut self, how: Grouping, space: Space) -> Result<Clusters> {
        let embedded = self.embedded().await?;
        let rows = match space {
            Space::Image => embedded.image.clone(),
            Space::Text => embedded.text.clone(),
            Space::Fused => fused(&embedded.image, &embedded.text),
        };
        let seed = self.session.config().seed;
        let labels = match how {
            Grouping::Kmeans(k) => kmeans(&rows, k, RESTARTS, seed)?.labels.into_iter().map(Some).collect(),
            Grouping::Hdbscan(least) => hdbscan(&rows, least, seed)?,
        };
        let held_out = &self.session.partition().test_items;
        let scores = classes_of(self.session.corpus(), held_out)
            .map(|truth| {
                let noise = rows.rows;
                let found: Vec<usize> = held_out.iter().map(|&i| labels[i].unwrap_or(noise)).collect();
                clustering::scores(&truth, &found)
            })
            .transpose()?;
        Ok(Clusters { labels, scores })
    }

    /// The `k` best pictures and texts for any text, at a moment of the run.
    pub async fn search_text(&mut self, text: &str, k: usize, moment: Moment) -> Result<Found> {
        if text.trim().is_empty() {
            return Err(Error::Data("the query is empty; type a word".to_owned()));
        }
        let query = self.session_at(moment)?.embed_texts(&[text]).await?;
        self.search(query.row(0), Side::Text, k, moment).await
    }

    /// The `k` best pictures and texts for the picture of an item; the item itself is not among the pictures.
    pub async fn search_item(&mut self, item: usize, k: usize, moment: Moment) -> Result<Found> {
        let embedded = self.embedded_at(moment).await?;
        if item >= embedded.image.rows {
            return Err(Error::Data(format!("there is no item {item}; the last is {}", embedded.image.rows - 1)));
        }
        let mut found = self.search(embedded.image.row(item), Side::Image, k + 1, moment).await?;
        found.images.retain(|hit| hit.index != item);
        found.images.truncate(k);
        found.texts.truncate(k);
        Ok(found)
    }

    /// The `k` best pictures and texts for raw image features of the kind the run uses, `[1, d_x]`.
    pub async fn search_features(&mut self, raw: Matrix, k: usize, moment: Moment) -> Result<Found> {
        let query = self.session_at(moment)?.embed_images(raw).await?;
        self.search(query.row(0), Side::Image, k, moment).await
    }

    /// The session with the weights of a moment.
    fn session_at(&mut self, moment: Moment) -> Result<&Session> {
        if moment == Moment::Now || self.session.steps_done() == 0 {
            return Ok(&self.session);
        }
        if self.fresh.is_none() {
            self.fresh = Some(self.session.beginning()?);
        }
        self.fresh.as_ref().ok_or_else(|| Error::Data("the beginning of the run is not known".to_owned()))
    }

    /// Across the modalities by the score that the run trains, inside one by the cosine.
    async fn search(&mut self, query: &[f32], side: Side, k: usize, moment: Moment) -> Result<Found> {
        let Embedded { image, text } = &*self.embedded_at(moment).await?;
        let score = self.session.score();
        let across = |table: &Matrix| match (score, side) {
            (Score::Cosine, _) => top_k(query, table, k),
            (Score::Order, Side::Text) => Ok(top_k_by(table.rows, k, |i| score.pair(table.row(i), query))),
            (Score::Order, Side::Image) => Ok(top_k_by(table.rows, k, |j| score.pair(query, table.row(j)))),
        };
        Ok(match side {
            Side::Text => Found { images: across(image)?, texts: top_k(query, text, k)? },
            Side::Image => Found { images: top_k(query, image, k)?, texts: across(text)? },
        })
    }
}
