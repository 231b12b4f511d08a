//! Operations of our own in WGSL, run on burn's device beside burn's own kernels.
//!
//! Each shader under `shaders/` can be read alone and has a plain-tensor oracle in a test.

pub mod triplets;
