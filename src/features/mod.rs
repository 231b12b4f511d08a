//! What the towers are given: numbers computed from pictures and texts.

pub mod encoder;
pub mod int8;
pub mod pca;
