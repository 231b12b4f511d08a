//! Cross-entropy of a batch on the CPU, both directions: value and gradient from three looks at the logits. As tensors it takes
//! some twenty passes over `[B, B]`.

use super::sigmoids::{bounds, exp};
use crate::matrix::sum;
use multiversion::multiversion;

/// `1/2B sum_i ( -log softmax_j(l_ij)_i - log softmax_j(l_ji)_i )` of logits `[B, B]`, and its derivatives by them.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
pub fn cross_entropy(logits: &[f32], b: usize) -> (f32, Vec<f32>) {
    let each = 0.5 / b as f32;
    let mut gradient = vec![0.0; b * b];
    let (mut highest, mut sums) = (vec![f32::NEG_INFINITY; b], vec![0.0; b]);
    for row in logits.chunks_exact(b) {
        for (highest, x) in highest.iter_mut().zip(row) {
            *highest = if *x > *highest { *x } else { *highest };
        }
    }
    let mut loss = 0.0;
    for (i, (row, gradient)) in logits.chunks_exact(b).zip(gradient.chunks_exact_mut(b)).enumerate() {
        let (_, max) = bounds(row);
        for (g, x) in gradient.iter_mut().zip(row) {
            *g = share(x - max);
        }
        for ((sum, highest), x) in sums.iter_mut().zip(&highest).zip(row) {
            *sum += share(x - highest);
        }
        let total = sum(gradient);
        loss += f64::from(max - row[i]) + f64::from(total.ln()) - f64::from(row[i]);
        for g in gradient {
            *g *= each / total;
        }
    }
    for (sum, highest) in sums.iter_mut().zip(&highest) {
        loss += f64::from(*highest) + f64::from(sum.ln());
        *sum = each / *sum;
    }
    for (row, gradient) in logits.chunks_exact(b).zip(gradient.chunks_exact_mut(b)) {
        for (((g, x), highest), each) in gradient.iter_mut().zip(row).zip(&highest).zip(&sums) {
            *g += share(x - highest) * each;
        }
    }
    for g in gradient.iter_mut().step_by(b + 1) {
        *g -= 2.0 * each;
    }
    ((loss * f64::from(each)) as f32, gradient)
}

/// `exp(x)` for `x <= 0`; what is below what f32 tells from nothing is nearly nothing, and what is no number stays none.
#[inline(always)]
fn share(x: f32) -> f32 {
    exp(if x < -87.0 { -87.0 } else { x })
}
