//! AdamW in a single pass over memory: as many passes as it has operations take longer than the whole backward pass.

use super::Array;
use crate::tensor::Adam;

/// Weights, first and second moments, moved in place where nobody else holds them. `scale` multiplies the gradient.
pub fn adam(state: [Array; 3], gradient: &Array, scale: f32, numbers: &Adam) -> [Array; 3] {
    let shape = gradient.shape().to_vec();
    let [mut w, mut m, mut v] = state.map(Array::into_values);
    let update = |w: &mut [f32], m: &mut [f32], v: &mut [f32], g: &[f32]| {
        let &Adam { rate, keep, beta, correct, epsilon } = numbers;
        let (kept, new) = (beta.map(|beta| beta as f32), beta.map(|beta| (1.0 - beta) as f32));
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(g) {
            let g = g * scale;
            *m = *m * kept[0] + g * new[0];
            *v = *v * kept[1] + g * g * new[1];
            let direction = (*m / correct[0]) / ((*v / correct[1]).sqrt() + epsilon);
            *w = *w * keep - direction * rate;
        }
    };
    #[cfg(feature = "cli")]
    {
        use rayon::prelude::*;
        /// Below this a second thread costs more than it does.
        const CHUNK: usize = 1 << 15;
        (w.par_chunks_mut(CHUNK).zip(m.par_chunks_mut(CHUNK)))
            .zip(v.par_chunks_mut(CHUNK).zip(gradient.values().par_chunks(CHUNK)))
            .for_each(|((w, m), (v, g))| update(w, m, v, g));
    }
    #[cfg(not(feature = "cli"))]
    update(&mut w, &mut m, &mut v, gradient.values());
    [w, m, v].map(|values| Array::new(values, shape.clone()))
}
