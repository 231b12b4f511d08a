//! A matrix product for WebAssembly's 128-bit lanes.
//!
//! Panels of both operands are copied so that the innermost loop reads them in order, and a tile of the result stays in
//! registers (Goto & van de Geijn 2008): 4 rows of two vectors, as engines have 16 registers and need some themselves.

use core::arch::wasm32::{f32x4_add, f32x4_splat, i32x4_shuffle, v128, v128_load, v128_load32_splat, v128_store};

const ROWS: usize = 4;
const COLUMNS: usize = 8;
/// Depth of a panel: one of `b` (8 KiB) stays in the first cache.
const DEPTH: usize = 256;
/// Rows of `a` that are copied at a time (256 KiB): they stay in the second.
const BLOCK: usize = 256;
/// A block of `a`, a panel of `b`, and a tile that sticks out of the result.
pub const SCRATCH: usize = (BLOCK + COLUMNS) * DEPTH + ROWS * COLUMNS;

#[cfg(target_feature = "relaxed-simd")]
use core::arch::wasm32::f32x4_relaxed_madd as multiply_add;

#[cfg(not(target_feature = "relaxed-simd"))]
fn multiply_add(a: v128, b: v128, c: v128) -> v128 {
    f32x4_add(core::arch::wasm32::f32x4_mul(a, b), c)
}

/// A matrix in memory: steps from row to row and from column to column, one of which is 1.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct Operand {
    /// Its first number.
    pub values: *const f32,
    /// From a row to the next.
    pub row: usize,
    /// From a column to the next.
    pub column: usize,
}

/// `out = a b`, or `out += a b` with `add`; `a` is `[m, k]`, `b` `[k, n]`, `out` row-major.
#[repr(C)]
#[derive(Debug)]
pub struct Product {
    /// `[m, k, n]`
    pub sizes: [usize; 3],
    /// Left operand.
    pub a: Operand,
    /// Right operand.
    pub b: Operand,
    /// The result. Every place of it is written; without `add` none is read.
    pub out: *mut f32,
    /// Whether it is added to what is there.
    pub add: bool,
}

impl Product {
    /// # Safety
    /// The operands must be valid for the sizes, and so must the result, which need be initialised only with `add`; `scratch` for [`SCRATCH`] numbers.
    pub(crate) unsafe fn run(&self, part: usize, parts: usize, scratch: *mut f32) {
        let [m, k, n] = self.sizes;
        let (rows, columns) = match n >= m {
            true => (0..m, crate::share(n, COLUMNS, part, parts)),
            false => (crate::share(m, ROWS, part, parts), 0..n),
        };
        // SAFETY: every address is that of a place in an operand, in the result or in the scratch.
        unsafe {
            let (left, right) = (scratch, scratch.add(BLOCK * DEPTH));
            let edge = right.add(COLUMNS * DEPTH);
            for start in (0..k).step_by(DEPTH) {
                let depth = DEPTH.min(k - start);
                let add = self.add || start > 0;
                for first in rows.clone().step_by(BLOCK) {
                    let end = rows.end.min(first + BLOCK);
                    let a = self.a.values.add(start * self.a.column);
                    for i in (first..end).step_by(ROWS) {
                        let panel = left.add((i - first) * depth);
                        let a = a.add(i * self.a.row);
                        pack::<ROWS>(panel, a, [self.a.row, self.a.column], (end - i).min(ROWS), depth);
                    }
                    for j in columns.clone().step_by(COLUMNS) {
                        let width = (columns.end - j).min(COLUMNS);
                        let b = self.b.values.add(start * self.b.row + j * self.b.column);
                        pack::<COLUMNS>(right, b, [self.b.column, self.b.row], width, depth);
                        for i in (first..end).step_by(ROWS) {
                            let height = (end - i).min(ROWS);
                            let sums = tile(left.add((i - first) * depth), right, depth);
                            let out = self.out.add(i * n + j);
                            if height == ROWS && width == COLUMNS {
                                for (r, sums) in sums.iter().enumerate() {
                                    put(out.add(r * n), sums, add);
                                }
                                continue;
                            }
                            for (r, sums) in sums.iter().enumerate() {
                                put(edge.add(r * COLUMNS), sums, false);
                            }
                            for r in 0..height {
                                for c in 0..width {
                                    let (out, sum) = (out.add(r * n + c), *edge.add(r * COLUMNS + c));
                                    *out = if add { *out + sum } else { sum };
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Two vectors of a row of the result.
unsafe fn put(out: *mut f32, sums: &[v128; 2], add: bool) {
    // SAFETY: eight numbers from `out` on.
    unsafe {
        for (half, &sum) in sums.iter().enumerate() {
            let out = out.add(4 * half).cast::<v128>();
            v128_store(out, if add { f32x4_add(v128_load(out), sum) } else { sum });
        }
    }
}

/// `W` rows (or columns) side by side, of which `there` exist, zeros in place of the others; `along` is the step
/// from one to the next, `down` that inside of one.
unsafe fn pack<const W: usize>(
    panel: *mut f32,
    from: *const f32,
    [along, down]: [usize; 2],
    there: usize,
    depth: usize,
) {
    // SAFETY: `there` times `depth` numbers are read, `W` times `depth` written.
    unsafe {
        let load = |at: *const f32| v128_load(at.cast());
        let store = |at: *mut f32, x| v128_store(at.cast(), x);
        let mut p = 0;
        if there == W && along == 1 {
            while p < depth {
                for w in (0..W).step_by(4) {
                    store(panel.add(p * W + w), load(from.add(p * down + w)));
                }
                p += 1;
            }
        } else if there == W && down == 1 {
            while p + 4 <= depth {
                for w in (0..W).step_by(4) {
                    let [a, b, c, d] = [0, 1, 2, 3].map(|r| load(from.add((w + r) * along + p)));
                    let (ab, cd) = (i32x4_shuffle::<0, 4, 1, 5>(a, b), i32x4_shuffle::<0, 4, 1, 5>(c, d));
                    let (ef, gh) = (i32x4_shuffle::<2, 6, 3, 7>(a, b), i32x4_shuffle::<2, 6, 3, 7>(c, d));
                    let to = panel.add(p * W + w);
                    store(to, i32x4_shuffle::<0, 1, 4, 5>(ab, cd));
                    store(to.add(W), i32x4_shuffle::<2, 3, 6, 7>(ab, cd));
                    store(to.add(2 * W), i32x4_shuffle::<0, 1, 4, 5>(ef, gh));
                    store(to.add(3 * W), i32x4_shuffle::<2, 3, 6, 7>(ef, gh));
                }
                p += 4;
            }
        }
        while p < depth {
            for w in 0..W {
                *panel.add(p * W + w) = if w < there { *from.add(w * along + p * down) } else { 0.0 };
            }
            p += 1;
        }
    }
}

/// The products of a panel of `a` and one of `b`.
#[inline(always)]
unsafe fn tile(left: *const f32, right: *const f32, depth: usize) -> [[v128; 2]; ROWS] {
    let mut sums = [[f32x4_splat(0.0); 2]; ROWS];
    for p in 0..depth {
        // SAFETY: both panels are `depth` long.
        unsafe {
            let b = right.add(p * COLUMNS);
            let b = [v128_load(b.cast()), v128_load(b.add(4).cast())];
            for (r, sums) in sums.iter_mut().enumerate() {
                let a = v128_load32_splat(left.add(p * ROWS + r).cast());
                *sums = [multiply_add(a, b[0], sums[0]), multiply_add(a, b[1], sums[1])];
            }
        }
    }
    sums
}
