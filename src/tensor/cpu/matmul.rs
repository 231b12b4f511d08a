//! Matrix products: the `gemm` crate natively, a kernel of our own in a browser.

use super::Array;
use super::elementwise::gathered;
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
        // SAFETY: all three lie inside their slices.
        unsafe { product(Out(out.as_mut_ptr()), [m, k, n], a, b, add) };
    } else if !add {
        out.fill(0.0);
    }
}

/// `a b` in memory of its own. A product writes to every place: zeros first would take as long as the update of a weight.
fn multiplied([m, k, n]: [usize; 3], a: Operand, b: Operand) -> Vec<f32> {
    assert!(a.covers(m, k) && b.covers(k, n), "{m} x {k} by {k} x {n}");
    if m * k * n == 0 {
        return vec![0.0; m * n];
    }
    let mut out = Vec::with_capacity(m * n);
    // SAFETY: the operands lie inside their slices, and there is room for the result, of which every number is written.
    unsafe {
        product(Out(out.as_mut_ptr()), [m, k, n], a, b, false);
        out.set_len(m * n);
    }
    out
}

/// Multiplications that a thread should have for itself: fewer take less time than to wake it.
#[cfg(feature = "cli")]
const WORTH_SHARING: usize = 1 << 19;

/// Parts side by side, each with all of the other operand: the crate's own threads meet after every panel.
///
/// Every place of the result is written; without `add` none is read.
///
/// # Safety
/// All three must lie inside what they point at; with `add` the result must be initialised.
#[cfg(all(not(target_arch = "wasm32"), feature = "cli"))]
unsafe fn product(out: Out, sizes @ [m, k, n]: [usize; 3], a: Operand, b: Operand, add: bool) {
    use rayon::prelude::*;
    /// Rows or columns of a tile in registers divide this.
    const UNIT: usize = 16;
    let (threads, longer) = (rayon::current_num_threads(), m.max(n));
    let parts = threads.min(m * k * n / WORTH_SHARING).min(longer / UNIT);
    if parts < 2 {
        // SAFETY: as for this function.
        return unsafe { part(out, sizes, n, a, b, add) };
    }
    let width = longer.div_ceil(parts).next_multiple_of(UNIT);
    (0..longer.div_ceil(width)).into_par_iter().for_each(|p| {
        let (from, size) = (p * width, width.min(longer - p * width));
        // SAFETY: as for this function; the parts share no number of the result.
        unsafe {
            if m >= n {
                part(out.behind(from * n), [size, k, n], n, a.behind(from * a.row), b, add);
            } else {
                part(out.behind(from), [m, k, size], n, a, b.behind(from * b.column), add);
            }
        }
    });
}

/// On one thread. As with several, every place of the result is written, and without `add` none is read.
///
/// # Safety
/// All three must lie inside what they point at; with `add` the result must be initialised.
#[cfg(all(not(target_arch = "wasm32"), not(feature = "cli")))]
unsafe fn product(out: Out, sizes: [usize; 3], a: Operand, b: Operand, add: bool) {
    // SAFETY: as for this function.
    unsafe { part(out, sizes, sizes[2], a, b, add) }
}

/// Where a part of the result begins.
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

/// One thread's product; `width` numbers from a row of the result to the next. Every place of it is written; without `add`
/// none is read (a test holds the `gemm` crate to it).
///
/// # Safety
/// All three must lie inside what they point at; with `add` the result must be initialised.
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

/// By the kernels. As natively, every place of the result is written, and without `add` none is read.
///
/// # Safety
/// All three must lie inside what they point at; with `add` the result must be initialised.
#[cfg(target_arch = "wasm32")]
unsafe fn product(out: Out, sizes: [usize; 3], a: Operand, b: Operand, add: bool) {
    use mtls_kernels::{Job, Operand as Place, Product};
    let [a, b] = [a, b].map(|x| Place { values: x.values.as_ptr(), row: x.row, column: x.column });
    let job = Job::Product(Product { sizes, a, b, out: out.0, add });
    // SAFETY: as for this function.
    unsafe { super::team::run(&job, sizes.iter().product()) }
}

impl Array {
    /// `x W + b`, `[m, k] x [k, n] + [1, n] -> [m, n]`.
    pub fn affine(self, weight: &Self, bias: &Self) -> Self {
        let sizes @ [m, k, n] = self.sizes(weight.table());
        assert_eq!(bias.table(), [1, n], "a bias for every column");
        let mut data = bias.values().repeat(m);
        matmul(&mut data, sizes, Operand::rows(self.values(), k), Operand::rows(weight.values(), n), true);
        let (x, w) = (self.clone().inner(), weight.clone().inner());
        let edges = [
            self.edge(move |g| multiplied([m, n, k], Operand::rows(g, n), Operand::columns(w.values(), n))),
            weight.edge(move |g| multiplied([k, m, n], Operand::columns(x.values(), k), Operand::rows(g, n))),
            bias.edge(move |g| gathered(g, &[m, n], &[1, n])),
        ];
        Self::derived(data, [m, n], edges)
    }

    /// `self other^T`, `[m, k] x [n, k] -> [m, n]`.
    pub fn matmul_transposed(self, other: Self) -> Self {
        let [n, depth] = other.table();
        let sizes @ [m, k, _] = self.sizes([depth, n]);
        let data = multiplied(sizes, Operand::rows(self.values(), k), Operand::columns(other.values(), k));
        let (a, b) = (self.clone().inner(), other.clone().inner());
        let edges = [
            self.edge(move |g| multiplied([m, n, k], Operand::rows(g, n), Operand::rows(b.values(), k))),
            other.edge(move |g| multiplied([n, m, k], Operand::columns(g, n), Operand::rows(a.values(), k))),
        ];
        Self::derived(data, [m, n], edges)
    }

    /// `[m, k, n]` of a product with a table of this shape.
    fn sizes(&self, [depth, n]: [usize; 2]) -> [usize; 3] {
        let [m, k] = self.table();
        assert_eq!(k, depth, "{:?} by {depth} x {n}", self.shape());
        [m, k, n]
    }

    /// `2 - 2 e e^T`, `[n, d] -> [n, n]`. Both operands are one: its gradient is a single product, by `g + g^T`.
    pub fn unit_distances(self) -> Self {
        let [n, d] = self.table();
        let mut data = multiplied([n, d, n], Operand::rows(self.values(), d), Operand::columns(self.values(), d));
        data.iter_mut().for_each(|s| *s = 2.0 - 2.0 * *s);
        let e = self.clone().inner();
        let edge = self.edge(move |g| {
            let mut both = transposed(g, n, n);
            both.iter_mut().zip(g).for_each(|(sum, g)| *sum = -2.0 * (*sum + g));
            multiplied([n, n, d], Operand::rows(&both, n), Operand::rows(e.values(), d))
        });
        Self::derived(data, [n, n], [edge])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_product_reads_nothing_of_its_result_and_writes_all() {
        // Vectors, shallow and deep ones, and sizes that the crate multiplies in other ways.
        for [m, k, n] in [[1, 7, 9], [9, 7, 1], [1, 5, 1], [30, 1, 20], [30, 2, 20], [5, 40, 6], [70, 1300, 40]] {
            let (a, b) = (vec![1.0; m * k], vec![2.0; k * n]);
            for (left, right) in
                [(Operand::rows(&a, k), Operand::rows(&b, n)), (Operand::columns(&a, m), Operand::columns(&b, k))]
            {
                let mut out = vec![f32::NAN; m * n];
                matmul(&mut out, [m, k, n], left, right, false);
                assert!(out.iter().all(|x| *x == 2.0 * k as f32), "{m} x {k} x {n}");
            }
        }
    }
}
