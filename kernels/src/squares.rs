//! Sums of squares: the norm of a gradient looks at as many numbers as an update does.

/// Numbers whose squares are summed together: the sum does not depend on who takes which of them.
pub const SQUARES_RUN: usize = 1024;

/// The sum of the squares. Sixteen partial sums: SIMD lanes, and less rounding than one.
pub fn squares(values: &[f32]) -> f32 {
    let (chunks, rest) = values.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for chunk in chunks {
        sums.iter_mut().zip(chunk).for_each(|(sum, x)| *sum += x * x);
    }
    sums.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>()
}

/// An array, and where the sum of each of its runs goes.
#[cfg(target_arch = "wasm32")]
#[repr(C)]
#[derive(Debug)]
pub struct Runs {
    /// The numbers.
    pub values: *const f32,
    /// How many.
    pub len: usize,
    /// A sum for every [`SQUARES_RUN`] numbers, and one for what is left.
    pub sums: *mut f32,
}

#[cfg(target_arch = "wasm32")]
impl Runs {
    /// # Safety
    /// The numbers must be valid, and so must the sums, which nobody else touches meanwhile.
    pub(crate) unsafe fn run(&self, part: usize, parts: usize) {
        for run in crate::share(self.len.div_ceil(SQUARES_RUN), 1, part, parts) {
            let start = run * SQUARES_RUN;
            // SAFETY: the run lies inside the array, and no other part has its sum.
            unsafe {
                let values = core::slice::from_raw_parts(self.values.add(start), SQUARES_RUN.min(self.len - start));
                *self.sums.add(run) = squares(values);
            }
        }
    }
}
