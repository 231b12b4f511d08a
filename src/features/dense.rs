//! Dense products for [`super::svd`], without fused multiply-add and in one order of sums everywhere: a native and a wasm
//! build give the same bits. Singular vectors of near-equal singular values would else turn visibly between the two.
//!
//! What takes long is a function of its own that is called often, here and wherever features are made: a browser compiles
//! hot code a second time, four times as fast, but a call that has begun goes on in the code it began in.

use crate::matrix::{Matrix, axpy};
use multiversion::multiversion;
use nalgebra::DMatrix;

/// `Yᵀ Y`, `[l, l]`: f32 within a strip of rows, f64 across strips.
pub(super) fn gram(y: &Matrix) -> DMatrix<f64> {
    const STRIP: usize = 256;
    let l = y.cols;
    let mut total = DMatrix::<f64>::zeros(l, l);
    if l == 0 {
        return total;
    }
    let mut upper = vec![0.0f32; l * l];
    for strip in y.data.chunks(STRIP * l) {
        upper.fill(0.0);
        add_gram(strip, l, &mut upper);
        for i in 0..l {
            for j in i..l {
                total[(i, j)] += f64::from(upper[i * l + j]);
            }
        }
    }
    total.fill_lower_triangle_with_upper_triangle();
    total
}

/// Adds the products of the columns of some rows, `l` numbers each, to the upper triangle of `[l, l]`.
#[inline(never)]
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn add_gram(rows: &[f32], l: usize, upper: &mut [f32]) {
    const ROWS: usize = 8;
    for block in rows.chunks(ROWS * l) {
        let rows: Vec<&[f32]> = block.chunks_exact(l).collect();
        for i in 0..l {
            let out = &mut upper[i * l + i..(i + 1) * l];
            if let [a, b, c, d, e, f, g, h] = rows[..] {
                // Eight rows at a time: the Gram matrix is read and written once for eight products.
                let w = [a[i], b[i], c[i], d[i], e[i], f[i], g[i], h[i]];
                let [a, b, c, d, e, f, g, h] = [a, b, c, d, e, f, g, h].map(|row| &row[i..][..l - i]);
                for j in 0..l - i {
                    let first = w[0] * a[j] + w[1] * b[j] + w[2] * c[j] + w[3] * d[j];
                    out[j] += first + (w[4] * e[j] + w[5] * f[j] + w[6] * g[j] + w[7] * h[j]);
                }
            } else {
                for row in &rows {
                    axpy(out, row[i], &row[i..]);
                }
            }
        }
    }
}

/// Rows of `X` in [`product`] that share what is read of `M`.
const PAIR: usize = 2;

/// `X M`, `[n, k]` from `[n, l]` and `[l, k]`; where `M` is upper triangular its zeros are passed over.
pub(super) fn product(x: &Matrix, m: &Matrix, triangular: bool) -> Matrix {
    debug_assert_eq!(x.cols, m.rows);
    let mut out = Matrix::zeros(x.rows, m.cols);
    let (l, cols) = (x.cols.max(1), m.cols.max(1));
    let part = |(x, out): (&[f32], &mut [f32])| add_product(x, m, triangular, out);
    #[cfg(feature = "cli")]
    {
        use rayon::prelude::*;
        x.data.par_chunks(PAIR * l).zip(out.data.par_chunks_mut(PAIR * cols)).for_each(part);
    }
    #[cfg(not(feature = "cli"))]
    x.data.chunks(PAIR * l).zip(out.data.chunks_mut(PAIR * cols)).for_each(part);
    out
}

/// One or two rows of [`product`], onto zeros: every sum in the order of the rows of `M`. Long loops over columns become
/// vectors at every level of optimisation; tiles of sums in registers do not at the tests', and are as fast at the product's.
#[inline(never)]
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn add_product(x: &[f32], m: &Matrix, triangular: bool, out: &mut [f32]) {
    const DEEP: usize = 4;
    let (l, cols) = (m.rows, m.cols);
    let mut k = 0;
    while k + DEEP <= l && x.len() == PAIR * l {
        let from = if triangular { k.min(cols) } else { 0 };
        let rows: [&[f32]; DEEP] = [0, 1, 2, 3].map(|q| &m.row(k + q)[from..]);
        let (first, second) = out.split_at_mut(cols);
        add_four(&mut first[from..], &mut second[from..], &x[k..], &x[l + k..], rows);
        k += DEEP;
    }
    for (x, out) in x.chunks_exact(l.max(1)).zip(out.chunks_exact_mut(cols.max(1))) {
        (k..l).for_each(|k| axpy(out, x[k], m.row(k)));
    }
}

/// `y += x₀ a + x₁ b + x₂ c + x₃ d`, in this order, for two `y`.
#[inline(always)]
fn add_four(first: &mut [f32], second: &mut [f32], x: &[f32], z: &[f32], [a, b, c, d]: [&[f32]; 4]) {
    let n = first.len();
    let (second, a, b, c, d) = (&mut second[..n], &a[..n], &b[..n], &c[..n], &d[..n]);
    let (x, z) = ([x[0], x[1], x[2], x[3]], [z[0], z[1], z[2], z[3]]);
    for j in 0..n {
        first[j] = first[j] + x[0] * a[j] + x[1] * b[j] + x[2] * c[j] + x[3] * d[j];
        second[j] = second[j] + z[0] * a[j] + z[1] * b[j] + z[2] * c[j] + z[3] * d[j];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};
    use rand::Rng as _;

    /// In numbers of rows and columns that nothing divides, and without any.
    #[test]
    fn sums_have_the_order_of_plain_loops() {
        let mut rng = stream(5, Purpose::Noise, 0);
        let mut random = |rows, cols| {
            Matrix::new(rows, cols, (0..rows * cols).map(|_| rng.random::<f32>() - 0.4).collect()).unwrap()
        };
        for (n, l, k) in [(0, 3, 4), (4, 3, 0), (1, 1, 1), (6, 5, 3), (5, 3, 40), (67, 13, 11), (531, 26, 24)] {
            let (x, mut m) = (random(n, l), random(l, k));
            for triangular in [false, true] {
                if triangular {
                    (0..l).for_each(|r| m.row_mut(r)[..r.min(k)].fill(0.0));
                }
                let got = product(&x, &m, triangular);
                for i in 0..n {
                    for j in 0..k {
                        let want = (0..l).fold(0.0, |sum, r| sum + x.row(i)[r] * m.row(r)[j]);
                        assert_eq!(got.row(i)[j], want, "{n} {l} {k} at {i} {j}");
                    }
                }
            }
            let got = gram(&x);
            for i in 0..l {
                for j in 0..l {
                    let strips = x.data.chunks(256 * l).map(|strip| {
                        let products: Vec<f32> = strip.chunks(l).map(|row| row[i.min(j)] * row[i.max(j)]).collect();
                        let (blocks, rest) = products.as_chunks::<8>();
                        let whole = blocks
                            .iter()
                            .fold(0.0, |sum, [a, b, c, d, e, f, g, h]| sum + (a + b + c + d + (e + f + g + h)));
                        f64::from(rest.iter().fold(whole, |sum, one| sum + one))
                    });
                    assert_eq!(got[(i, j)], strips.sum::<f64>(), "{n} {l} at {i} {j}");
                }
            }
        }
    }
}
