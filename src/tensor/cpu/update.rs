//! AdamW, where the weights lie.

use super::Array;
use crate::tensor::Adam;

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
