//! Dense algebra in f64 for what is fitted in closed form: products with a transpose, and triangular systems.
//!
//! nalgebra's own are not for a browser: its product is scalar code there, and its solver reads the whole factor once for
//! every right-hand side. Here sums have one order everywhere and no fused multiply-add, so that a native and a wasm build
//! give the same bits. Matrices are nalgebra's: columns lie one after the other.

use multiversion::multiversion;
use nalgebra::DMatrix;

/// Columns of a product that share what is read of the first factor.
const COLUMNS: usize = 16;
/// Rows worked on at a time: what is added to stays in the first cache.
const ROWS: usize = 256;
/// Right-hand sides worked on at a time: as many as stay in the second cache while the factor passes by.
const SIDES: usize = 32;

/// `A Bᵀ`, `[p, q]` from `[p, n]` and `[q, n]`.
pub fn times_transposed(a: &DMatrix<f64>, b: &DMatrix<f64>) -> DMatrix<f64> {
    summed(a, b, false)
}

/// `A Aᵀ`, `[p, p]` from `[p, n]`.
pub fn gram(a: &DMatrix<f64>) -> DMatrix<f64> {
    let mut product = summed(a, a, true);
    product.fill_upper_triangle_with_lower_triangle();
    product
}

/// `A Bᵀ`, or at least its lower triangle.
fn summed(a: &DMatrix<f64>, b: &DMatrix<f64>, lower: bool) -> DMatrix<f64> {
    debug_assert_eq!(a.ncols(), b.ncols());
    let mut out = DMatrix::zeros(a.nrows(), b.nrows());
    let size = COLUMNS * a.nrows().max(1);
    let part = |(at, out): (usize, &mut [f64])| {
        let first = at * COLUMNS;
        add_columns(a, b, first, if lower { first } else { 0 }, out);
    };
    #[cfg(feature = "cli")]
    {
        use rayon::prelude::*;
        out.as_mut_slice().par_chunks_mut(size).enumerate().for_each(part);
    }
    #[cfg(not(feature = "cli"))]
    out.as_mut_slice().chunks_mut(size).enumerate().for_each(part);
    out
}

/// Adds `A Bᵀ` to some of its columns, the first of which is column `first`, from row `top` on.
#[inline(never)]
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn add_columns(a: &DMatrix<f64>, b: &DMatrix<f64>, first: usize, top: usize, out: &mut [f64]) {
    const DEEP: usize = 4;
    let (p, q, n) = (a.nrows(), b.nrows(), a.ncols());
    let (a, b) = (a.as_slice(), b.as_slice());
    for start in (top..p).step_by(ROWS) {
        let end = (start + ROWS).min(p);
        let column = |k: usize| &a[k * p + start..k * p + end];
        let whole = n - n % DEEP;
        for k in (0..whole).step_by(DEEP) {
            let four = [column(k), column(k + 1), column(k + 2), column(k + 3)];
            for (c, out) in out.chunks_exact_mut(p).enumerate() {
                let weight = |q_: usize| b[(k + q_) * q + first + c];
                add_four(&mut out[start..end], four, [weight(0), weight(1), weight(2), weight(3)]);
            }
        }
        for k in whole..n {
            for (c, out) in out.chunks_exact_mut(p).enumerate() {
                add(&mut out[start..end], b[k * q + first + c], column(k));
            }
        }
    }
}

/// `y += w x`
#[inline(always)]
fn add(y: &mut [f64], w: f64, x: &[f64]) {
    y.iter_mut().zip(x).for_each(|(y, x)| *y += w * x);
}

/// `y += w₀ a + w₁ b + w₂ c + w₃ d`, in this order.
#[inline(always)]
fn add_four(y: &mut [f64], [a, b, c, d]: [&[f64]; 4], w: [f64; 4]) {
    let n = y.len();
    let (a, b, c, d) = (&a[..n], &b[..n], &c[..n], &d[..n]);
    for j in 0..n {
        y[j] = y[j] + w[0] * a[j] + w[1] * b[j] + w[2] * c[j] + w[3] * d[j];
    }
}

/// `X` with `L X = B` for a lower triangular `L`, `[n, n]`, right-hand sides and solutions in rows: `[k, n]`.
pub fn solve(l: &DMatrix<f64>, sides: &mut DMatrix<f64>) {
    in_parts(l, sides, solve_part);
}

/// The same for `Lᵀ X = B`.
pub fn solve_transposed(l: &DMatrix<f64>, sides: &mut DMatrix<f64>) {
    in_parts(l, sides, solve_transposed_part);
}

/// Hands `part` some rows at a time, as a matrix of their own.
fn in_parts(l: &DMatrix<f64>, sides: &mut DMatrix<f64>, part: impl Fn(&DMatrix<f64>, &mut DMatrix<f64>) + Sync) {
    debug_assert_eq!(l.nrows(), sides.ncols());
    let starts: Vec<usize> = (0..sides.nrows()).step_by(SIDES).collect();
    let rows = |&start: &usize| sides.rows(start, SIDES.min(sides.nrows() - start)).into_owned();
    let mut parts: Vec<DMatrix<f64>> = starts.iter().map(rows).collect();
    #[cfg(feature = "cli")]
    {
        use rayon::prelude::*;
        parts.par_iter_mut().for_each(|rows| part(l, rows));
    }
    #[cfg(not(feature = "cli"))]
    parts.iter_mut().for_each(|rows| part(l, rows));
    for (start, part) in starts.iter().zip(parts) {
        sides.rows_mut(*start, part.nrows()).copy_from(&part);
    }
}

#[inline(never)]
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn solve_part(l: &DMatrix<f64>, sides: &mut DMatrix<f64>) {
    let (n, k) = (l.nrows(), sides.nrows());
    let (l, sides) = (l.as_slice(), sides.as_mut_slice());
    for i in 0..n {
        let (done, rest) = sides.split_at_mut((i + 1) * k);
        let solved = &mut done[i * k..];
        solved.iter_mut().for_each(|x| *x /= l[i * n + i]);
        for (x, factor) in rest.chunks_exact_mut(k).zip(&l[i * n + i + 1..(i + 1) * n]) {
            add(x, -factor, solved);
        }
    }
}

#[inline(never)]
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn solve_transposed_part(l: &DMatrix<f64>, sides: &mut DMatrix<f64>) {
    let (n, k) = (l.nrows(), sides.nrows());
    let (l, sides) = (l.as_slice(), sides.as_mut_slice());
    for i in (0..n).rev() {
        let (before, solved) = sides.split_at_mut((i + 1) * k);
        let x = &mut before[i * k..];
        for (known, factor) in solved.chunks_exact(k).zip(&l[i * n + i + 1..(i + 1) * n]) {
            add(x, -factor, known);
        }
        x.iter_mut().for_each(|x| *x /= l[i * n + i]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};
    use rand::Rng as _;

    fn random(rows: usize, cols: usize, seed: u64) -> DMatrix<f64> {
        let mut rng = stream(seed, Purpose::Noise, 0);
        DMatrix::from_fn(rows, cols, |_, _| rng.random_range(-1.0..1.0))
    }

    #[test]
    fn products_and_solutions_are_nalgebras() {
        for (p, q, n) in [(1, 1, 1), (5, 3, 6), (16, 33, 4), (300, 40, 75), (40, 270, 9)] {
            let (a, b) = (random(p, n, 1), random(q, n, 2));
            let close = |x: DMatrix<f64>, y: DMatrix<f64>| assert!((x - y).amax() < 1e-11, "{p} {q} {n}");
            close(times_transposed(&a, &b), &a * b.transpose());
            close(gram(&a), &a * a.transpose());
            let l = (gram(&a) + DMatrix::identity(p, p)).cholesky().unwrap().l();
            let sides = random(q, p, 3);
            let (mut forward, mut backward) = (sides.clone(), sides.clone());
            solve(&l, &mut forward);
            solve_transposed(&l, &mut backward);
            close(&forward * l.transpose(), sides.clone());
            close(&backward * &l, sides);
        }
    }
}
