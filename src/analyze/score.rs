//! What ranks a picture and a text: the objective decides, and evaluation and search follow it.

use crate::config::Retrieval;
use crate::loss::order;
use crate::matrix::dot;

/// How a picture and a text are compared; higher is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Score {
    /// The cosine of unit rows.
    Cosine,
    /// Order-embeddings: `-||[t - v]_+||^2`.
    Order,
}

impl Score {
    /// The score that `objective` trains.
    pub fn of(objective: Retrieval) -> Self {
        if objective == Retrieval::Order { Self::Order } else { Self::Cosine }
    }

    /// Of a picture and a text, `[d]` each.
    pub fn pair(self, image: &[f32], text: &[f32]) -> f32 {
        match self {
            Self::Cosine => dot(image, text),
            Self::Order => order::score(image, text),
        }
    }
}
