//! AdamW in a single pass over memory: as many passes as it has operations take longer than the whole backward pass.

/// The numbers of an update (Loshchilov & Hutter 2019).
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Adam {
    /// Learning rate.
    pub rate: f32,
    /// What is left of a weight before it moves: 1 without decay.
    pub keep: f32,
    /// Decay of the first and of the second moment.
    pub beta: [f64; 2],
    /// Their bias corrections, `1 - beta^t`.
    pub correct: [f32; 2],
    /// Keeps the direction finite where the second moment is zero.
    pub epsilon: f32,
}

impl Adam {
    /// Moves weights, first and second moments against `gradient`, which is multiplied by `scale` first.
    pub fn update(&self, [w, m, v]: [&mut [f32]; 3], gradient: &[f32], scale: f32) {
        let &Self { rate, keep, beta, correct, epsilon } = self;
        let (kept, new) = (beta.map(|beta| beta as f32), beta.map(|beta| (1.0 - beta) as f32));
        for (((w, m), v), g) in w.iter_mut().zip(m).zip(v).zip(gradient) {
            let g = g * scale;
            *m = *m * kept[0] + g * new[0];
            *v = *v * kept[1] + g * g * new[1];
            let direction = (*m / correct[0]) / ((*v / correct[1]).sqrt() + epsilon);
            *w = *w * keep - direction * rate;
        }
    }
}

/// Where the arrays of an update lie.
#[cfg(target_arch = "wasm32")]
#[repr(C)]
#[derive(Debug)]
pub struct Arrays {
    /// Weights, first and second moments.
    pub state: [*mut f32; 3],
    /// The gradient.
    pub gradient: *const f32,
    /// Multiplies it.
    pub scale: f32,
    /// Length of each.
    pub len: usize,
    /// The numbers of the update.
    pub numbers: Adam,
}

#[cfg(target_arch = "wasm32")]
impl Arrays {
    /// # Safety
    /// All four must point at `len` numbers each, which nobody else touches meanwhile.
    pub(crate) unsafe fn run(&self, part: usize, parts: usize) {
        use core::slice::{from_raw_parts, from_raw_parts_mut};
        let part = crate::share(self.len, 64, part, parts);
        // SAFETY: the part lies inside of each, and no other part reaches into it.
        unsafe {
            let state = self.state.map(|array| from_raw_parts_mut(array.add(part.start), part.len()));
            let gradient = from_raw_parts(self.gradient.add(part.start), part.len());
            self.numbers.update(state, gradient, self.scale);
        }
    }
}
