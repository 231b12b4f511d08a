//! AdamW, where the weights lie, and the norm that it is told.

use super::Array;
use crate::tensor::Adam;
use mtls_kernels::SQUARES_RUN;

/// Weights, first and second moments, moved in place where nobody else holds them. `scale` multiplies the gradient.
pub fn adam(state: [Array; 3], gradient: &Array, scale: f32, numbers: &Adam) -> [Array; 3] {
    let shape = gradient.shape().to_vec();
    let mut state = state.map(Array::into_values);
    assert!(state.iter().all(|values| values.len() == gradient.len()), "a moment for every weight");
    update(state.each_mut().map(Vec::as_mut_slice), gradient.values(), scale, numbers);
    state.map(|values| Array::new(values, shape.clone()))
}

#[cfg(target_arch = "wasm32")]
fn update(state: [&mut [f32]; 3], gradient: &[f32], scale: f32, &numbers: &Adam) {
    use mtls_kernels::{Arrays, Job};
    let state = state.map(<[f32]>::as_mut_ptr);
    let arrays = Arrays { state, gradient: gradient.as_ptr(), scale, len: gradient.len(), numbers };
    // A weight is read, and written, as fast as memory goes: some ten multiplications.
    // SAFETY: `adam` has checked that all are of this length.
    unsafe { super::team::run(&Job::Adam(arrays), 10 * gradient.len()) }
}

#[cfg(not(target_arch = "wasm32"))]
fn update([w, m, v]: [&mut [f32]; 3], gradient: &[f32], scale: f32, numbers: &Adam) {
    #[cfg(feature = "cli")]
    {
        use rayon::prelude::*;
        /// Below this a second thread costs more than it does.
        const CHUNK: usize = 1 << 15;
        (w.par_chunks_mut(CHUNK).zip(m.par_chunks_mut(CHUNK)))
            .zip(v.par_chunks_mut(CHUNK).zip(gradient.par_chunks(CHUNK)))
            .for_each(|((w, m), (v, g))| numbers.update([w, m, v], g, scale));
    }
    #[cfg(not(feature = "cli"))]
    numbers.update([w, m, v], gradient, scale);
}

impl Array {
    /// The sum of all squares.
    pub fn square_sum(&self) -> f64 {
        let mut sums = vec![0.0; self.len().div_ceil(SQUARES_RUN)];
        squares(self.values(), &mut sums);
        sums.into_iter().map(f64::from).sum()
    }
}

/// The sum of each run.
#[cfg(target_arch = "wasm32")]
fn squares(values: &[f32], sums: &mut [f32]) {
    use mtls_kernels::{Job, Runs};
    let runs = Runs { values: values.as_ptr(), len: values.len(), sums: sums.as_mut_ptr() };
    // SAFETY: there is a sum for each run. A number is read as fast as memory goes: some two multiplications.
    unsafe { super::team::run(&Job::Squares(runs), 2 * values.len()) }
}

#[cfg(not(target_arch = "wasm32"))]
fn squares(values: &[f32], sums: &mut [f32]) {
    #[cfg(feature = "cli")]
    {
        use rayon::prelude::*;
        let each = sums.par_iter_mut().zip(values.par_chunks(SQUARES_RUN)).with_min_len(64);
        each.for_each(|(sum, run)| *sum = mtls_kernels::squares(run));
    }
    #[cfg(not(feature = "cli"))]
    sums.iter_mut().zip(values.chunks(SQUARES_RUN)).for_each(|(sum, run)| *sum = mtls_kernels::squares(run));
}
