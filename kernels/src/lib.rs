//! The loops that a training step spends its time in.
//!
//! They are a crate of their own because a browser loads them twice: in the bundle, and as a module of a few kilobytes
//! (feature `module`), with relaxed SIMD (fused multiply-add) where the browser has it. Instances of the module work on
//! the bundle's memory, one in each thread; so it has no memory, no data and no stack of its own. `cargo xtask` checks
//! that it needs none.

mod adam;
#[cfg(target_arch = "wasm32")]
mod product;
mod squares;

pub use adam::Adam;
pub use squares::{SQUARES_RUN, squares};
#[cfg(target_arch = "wasm32")]
pub use {
    adam::Arrays,
    product::{Operand, Product},
    squares::Runs,
};

/// Work that can be cut into parts, which different threads do at the same time.
#[cfg(target_arch = "wasm32")]
#[repr(C)]
#[derive(Debug)]
pub enum Job {
    /// A matrix product.
    Product(Product),
    /// An update of weights.
    Adam(Arrays),
    /// Sums of squares.
    Squares(Runs),
}

/// Numbers that one thread needs beside those of the job.
#[cfg(target_arch = "wasm32")]
pub const SCRATCH: usize = product::SCRATCH;

#[cfg(target_arch = "wasm32")]
impl Job {
    /// Does part `part` of `parts`; the result of all of them does not depend on how many they are.
    ///
    /// # Safety
    /// What the job points at must be valid, `scratch` at [`SCRATCH`] numbers that nobody else uses meanwhile.
    pub unsafe fn run(&self, part: usize, parts: usize, scratch: *mut f32) {
        // SAFETY: as for this function.
        unsafe {
            match self {
                Self::Product(product) => product.run(part, parts, scratch),
                Self::Adam(arrays) => arrays.run(part, parts),
                Self::Squares(runs) => runs.run(part, parts),
            }
        }
    }
}

/// What the module of its own exports.
#[cfg(all(target_arch = "wasm32", feature = "module"))]
mod module {
    use super::Job;

    /// See [`Job::run`].
    #[unsafe(no_mangle)]
    unsafe extern "C" fn run(job: &Job, part: usize, parts: usize, scratch: *mut f32) {
        // SAFETY: as for `Job::run`.
        unsafe { job.run(part, parts, scratch) }
    }
}

/// Place `part` of `parts` of `whole` places, cut at multiples of `unit`.
#[cfg(target_arch = "wasm32")]
fn share(whole: usize, unit: usize, part: usize, parts: usize) -> core::ops::Range<usize> {
    let units = whole.div_ceil(unit);
    let cut = |part: usize| (units * part / parts.max(1) * unit).min(whole); // No division that could panic.
    cut(part)..cut(part + 1)
}
