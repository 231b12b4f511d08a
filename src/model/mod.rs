//! The two towers, `f_v` and `f_t`, and the weights they share a file with.

pub mod stem;
pub mod tower;
pub mod weights;

pub use tower::{Side, embed};
pub use weights::Weights;
