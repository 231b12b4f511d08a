//! Matrix products: the `gemm` crate natively, a kernel of our own in a browser.

use super::Array;
use super::shape::transposed;

/// A matrix somewhere in memory: steps from row to row and from column to column.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    values: &'a [f32],
    row: usize,
    column: usize,
}

impl<'a> Operand<'a> {
    /// Row-major, `width` numbers a row.
    pub fn rows(values: &'a [f32], width: usize) -> Self {
        Self { values, row: width, column: 1 }
    }

    /// The transpose of a row-major one with `width` numbers a row.
    pub fn columns(values: &'a [f32], width: usize) -> Self {
        Self { values, row: 1, column: width }
    }

    /// Without its first `numbers`.
    #[cfg(all(not(target_arch = "wasm32"), feature = "cli"))]
    fn behind(self, numbers: usize) -> Self {
        Self { values: &self.values[numbers..], ..self }
    }

    fn covers(&self, rows: usize, columns: usize) -> bool {
        rows == 0 || columns == 0 || (rows - 1) * self.row + (columns - 1) * self.column < self.values.len()
    }
}

/// `out = a b`, or `out += a b` with `add`; `a` is `[m, k]`, `b` `[k, n]`, `out` row-major.
pub fn matmul(out: &mut [f32], [m, k, n]: [usize; 3], a: Operand, b: Operand, add: bool) {
    assert!(out.len() == m * n && a.covers(m, k) && b.covers(k, n), "{m} x {k} by {k} x {n}");
    if m * k * n > 0 {
        product(out, [m, k, n], a, b, add);
    } else if !add {
        out.fill(0.0);
    }
}

/// Multiplications that a thread should have for itself: fewer take less time than to wake it.
#[cfg(feature = "cli")]
const WORTH_SHARING: usize = 1 << 19;

/// Parts side by side, each with all of the other operand: the crate's own threads meet after every panel.
#[cfg(all(not(target_arch = "wasm32"), feature = "cli"))]
fn product(out: &mut [f32], sizes @ [m, k, n]: [usize; 3], a: Operand, b: Operand, add: bool) {
    use rayon::prelude::*;
    /// Rows or columns of a tile in registers divide this.
    const UNIT: usize = 16;
    let (threads, longer) = (rayon::current_num_threads(), m.max(n));
    let parts = threads.min(m * k * n / WORTH_SHARING).min(longer / UNIT);
    let out = Out(out.as_mut_ptr());
    if parts < 2 {
        // SAFETY: `matmul` has checked that all three lie inside their slices.
        return unsafe { part(out, sizes, n, a, b, add) };
    }
    let width = longer.div_ceil(parts).next_multiple_of(UNIT);
    (0..longer.div_ceil(width)).into_par_iter().for_each(|p| {
        let (from, size) = (p * width, width.min(longer - p * width));
        // SAFETY: as above; the parts share no number of the result.
        unsafe {
            if m >= n {
                part(out.behind(from * n), [size, k, n], n, a.behind(from * a.row), b, add);
            } else {
                part(out.behind(from), [m, k, size], n, a, b.behind(from * b.column), add);
            }
        }
    });
}

#[cfg(all(not(target_arch = "wasm32"), not(feature = "cli")))]
fn product(out: &mut [f32], sizes: [usize; 3], a: Operand, b: Operand, add: bool) {
    // SAFETY: `matmul` has checked that all three lie inside their slices.
    unsafe { part(Out(out.as_mut_ptr()), sizes, sizes[2], a, b, add) }
}

/// Where a part of the result begins.
#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Copy)]
struct Out(*mut f32);

#[cfg(all(not(target_arch = "wasm32"), feature = "cli"))]
impl Out {
    /// # Safety
    /// So many numbers must follow.
    unsafe fn behind(self, numbers: usize) -> Self {
        // SAFETY: as for this function.
        Self(unsafe { self.0.add(numbers) })
    }
}

// SAFETY: whoever has one writes to places of its own.
#[cfg(not(target_arch = "wasm32"))]
unsafe impl Sync for Out {}

/// One thread's product; `width` numbers from a row of the result to the next.
///
/// # Safety
/// All three must lie inside what they point at.
#[cfg(not(target_arch = "wasm32"))]
unsafe fn part(out: Out, [m, k, n]: [usize; 3], width: usize, a: Operand, b: Operand, add: bool) {
    // SAFETY: as for this function.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.0,
            1,
            width as isize,
            add,
            a.values.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.values.as_ptr(),
            b.column as isize,
            b.row as isize,
            1.0f32,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(target_arch = "wasm32")]
fn product(out: &mut [f32], sizes: [usize; 3], a: Operand, b: Operand, add: bool) {
    use mtls_kernels::{Job, Operand as Place, Product};
    let [a, b] = [a, b].map(|x| Place { values: x.values.as_ptr(), row: x.row, column: x.column });
    let job = Job::Product(Product { sizes, a, b, out: out.as_mut_ptr(), add });
    // SAFETY: `matmul` has checked that all three lie inside their slices.
    unsafe { super::team::run(&job, sizes.iter().product()) }
}

impl Array {
    /// `[m, k] x [k, n] -> [m, n]`.
    pub fn matmul(self, other: Self) -> Self {
        let ([m, k], [depth, n]) = (self.table(), other.table());
        assert_eq!(k, depth, "{:?} by {:?}", self.shape(), other.shape());
        let mut data = vec![0.0; m * n];
        matmul(&mut data, [m, k, n], Operand::rows(self.values(), k), Operand::rows(other.values(), n), false);
        let (a, b) = (self.clone().inner(), other.clone().inner());
        let by_a = self.edge(move |g| {
            let mut out = vec![0.0; m * k];
            matmul(&mut out, [m, n, k], Operand::rows(g, n), Operand::columns(b.values(), n), false);
            out
        });
        let by_b = other.edge(move |g| {
            let mut out = vec![0.0; k * n];
            matmul(&mut out, [k, m, n], Operand::columns(a.values(), k), Operand::rows(g, n), false);
            out
        });
        Self::derived(data, [m, n], [by_a, by_b])
    }

    /// `2 - 2 e e^T`, `[n, d] -> [n, n]`. Both operands are one: its gradient is a single product, by `g + g^T`.
    pub fn unit_distances(self) -> Self {
        let [n, d] = self.table();
        let mut data = vec![0.0; n * n];
        matmul(&mut data, [n, d, n], Operand::rows(self.values(), d), Operand::columns(self.values(), d), false);
        data.iter_mut().for_each(|s| *s = 2.0 - 2.0 * *s);
        let e = self.clone().inner();
        let edge = self.edge(move |g| {
            let mut both = transposed(g, n, n);
            both.iter_mut().zip(g).for_each(|(sum, g)| *sum = -2.0 * (*sum + g));
            let mut out = vec![0.0; n * d];
            matmul(&mut out, [n, n, d], Operand::rows(&both, n), Operand::rows(e.values(), d), false);
            out
        });
        Self::derived(data, [n, n], [edge])
    }
}
