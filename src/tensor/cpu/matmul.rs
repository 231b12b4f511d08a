//! Matrix products: the `gemm` crate natively, and a kernel of our own for WebAssembly's 128-bit lanes.

use super::Array;

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

#[cfg(not(target_arch = "wasm32"))]
fn product(out: &mut [f32], [m, k, n]: [usize; 3], a: Operand, b: Operand, add: bool) {
    #[cfg(feature = "cli")]
    let threads = gemm::Parallelism::Rayon(0);
    #[cfg(not(feature = "cli"))]
    let threads = gemm::Parallelism::None;
    // SAFETY: `matmul` has checked that all three lie inside their slices.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            n as isize,
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
            threads,
        );
    }
}

#[cfg(target_arch = "wasm32")]
use lanes::product;

/// Panels of the operands are copied so that the innermost loop reads them in order (Goto & van de Geijn 2008); a tile of
/// the result stays in registers: 4 rows of two vectors, as engines have 16 registers and need some themselves.
#[cfg(target_arch = "wasm32")]
mod lanes {
    use super::Operand;
    use core::arch::wasm32::{f32x4_splat, v128, v128_load, v128_load32_splat, v128_store};

    const ROWS: usize = 4;
    const COLUMNS: usize = 8;
    /// Depth of a panel: one of `b` (8 KiB) stays in the first cache.
    const DEPTH: usize = 256;

    #[cfg(target_feature = "relaxed-simd")]
    use core::arch::wasm32::f32x4_relaxed_madd as multiply_add;

    #[cfg(not(target_feature = "relaxed-simd"))]
    fn multiply_add(a: v128, b: v128, c: v128) -> v128 {
        use core::arch::wasm32::{f32x4_add, f32x4_mul};
        f32x4_add(f32x4_mul(a, b), c)
    }

    pub fn product(out: &mut [f32], [m, k, n]: [usize; 3], a: Operand, b: Operand, add: bool) {
        if !add {
            out.fill(0.0);
        }
        let mut left = vec![0.0; m.next_multiple_of(ROWS) * DEPTH.min(k)];
        let mut right = [0.0; COLUMNS * DEPTH];
        for start in (0..k).step_by(DEPTH) {
            let depth = DEPTH.min(k - start);
            for (panel, i) in left.chunks_exact_mut(ROWS * depth).zip((0..m).step_by(ROWS)) {
                let step = |i, p| a.values[i * a.row + (start + p) * a.column];
                pack::<ROWS>(panel, i, m, step);
            }
            for j in (0..n).step_by(COLUMNS) {
                let panel = &mut right[..COLUMNS * depth];
                pack::<COLUMNS>(panel, j, n, |j, p| b.values[(start + p) * b.row + j * b.column]);
                for (rows, i) in left.chunks_exact(ROWS * depth).zip((0..m).step_by(ROWS)) {
                    let tile = tile(rows, panel);
                    for (r, row) in tile.iter().enumerate().take(m - i) {
                        let width = COLUMNS.min(n - j);
                        let out = &mut out[(i + r) * n + j..][..width];
                        out.iter_mut().zip(row).for_each(|(out, x)| *out += x);
                    }
                }
            }
        }
    }

    /// `W` rows (or columns) from `first` side by side, zeros beyond `end`.
    fn pack<const W: usize>(panel: &mut [f32], first: usize, end: usize, value: impl Fn(usize, usize) -> f32) {
        for (p, lane) in panel.as_chunks_mut::<W>().0.iter_mut().enumerate() {
            for (w, x) in lane.iter_mut().enumerate() {
                *x = if first + w < end { value(first + w, p) } else { 0.0 };
            }
        }
    }

    fn tile(left: &[f32], right: &[f32]) -> [[f32; COLUMNS]; ROWS] {
        let mut sums = [[f32x4_splat(0.0); 2]; ROWS];
        let (left, right) = (left.as_chunks::<ROWS>().0, right.as_chunks::<COLUMNS>().0);
        for (a, b) in left.iter().zip(right) {
            // SAFETY: both loads lie inside the eight numbers of `b`, the splats inside the four of `a`.
            unsafe {
                let b = [v128_load(b.as_ptr().cast()), v128_load(b.as_ptr().add(4).cast())];
                for (sums, a) in sums.iter_mut().zip(a) {
                    let a = v128_load32_splat(std::ptr::from_ref(a).cast());
                    *sums = [multiply_add(a, b[0], sums[0]), multiply_add(a, b[1], sums[1])];
                }
            }
        }
        let mut tile = [[0.0; COLUMNS]; ROWS];
        for (tile, sums) in tile.iter_mut().zip(sums) {
            // SAFETY: eight numbers take two vectors.
            unsafe {
                v128_store(tile.as_mut_ptr().cast(), sums[0]);
                v128_store(tile.as_mut_ptr().add(4).cast(), sums[1]);
            }
        }
        tile
    }
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
}
