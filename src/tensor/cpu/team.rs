//! Who does the heavy loops in a browser.
//!
//! The bundle has them itself, for one thread and for the SIMD that every browser has. The page may bring others that do the
//! same work in the same memory: instances of the module that `kernels/` is compiled to, with fused multiply-add where the
//! browser has it, one in each thread where memory may be shared (`www/src/worker/team.ts`).

use mtls_kernels::{Job, SCRATCH};
use std::cell::RefCell;
use wasm_bindgen::prelude::*;

#[wasm_bindgen]
extern "C" {
    /// Those who do the work, from JavaScript.
    pub type Team;

    /// How many threads they are.
    #[wasm_bindgen(method, getter)]
    fn threads(this: &Team) -> usize;

    /// Does a job in `parts`; `scratch` has room for each thread.
    #[wasm_bindgen(method)]
    fn run(this: &Team, job: *const Job, parts: usize, scratch: *mut f32);
}

/// Multiplications below which a second thread costs more than it does (some 20 microseconds' work).
const WORTH_SHARING: usize = 1 << 18;
/// A thread that is held up leaves its other parts to those that are not; more parts would copy more.
const PARTS: usize = 2;

thread_local! {
    static TEAM: RefCell<(Option<Team>, Vec<f32>)> = const { RefCell::new((None, Vec::new())) };
}

/// From now on `team` does what is to be done.
pub fn join(team: Team) {
    TEAM.with_borrow_mut(|place| place.0 = Some(team));
}

/// Does `job`, which takes about `work` multiplications.
///
/// # Safety
/// As for [`Job::run`].
pub unsafe fn run(job: &Job, work: usize) {
    TEAM.with_borrow_mut(|(team, scratch)| {
        let threads = team.as_ref().map_or(1, |team| team.threads().max(1));
        if scratch.len() < threads * SCRATCH {
            scratch.resize(threads * SCRATCH, 0.0);
        }
        let scratch = scratch.as_mut_ptr();
        match team {
            Some(team) if work < WORTH_SHARING || threads == 1 => team.run(job, 1, scratch),
            Some(team) => team.run(job, PARTS * threads, scratch),
            // SAFETY: the job as for this function, the scratch is as large as one thread needs.
            None => unsafe { job.run(0, 1, scratch) },
        }
    });
}
