//! The hinge over the hardest negatives on the CPU, both directions: value and gradient from one look at the scores. As
//! tensors it takes some fifteen passes over `[B, B]`, which from a batch of 256 on is most of a step beside the products.

use crate::analyze::top_k_by;
use crate::tensor::cpu::shape::transposed;

/// `scores` are `[B, B]`, row i of image i; `known` as for [`super::retrieval`]. Of each row and each column the `k` largest
/// costs count, `weight` each. Returns the loss and its derivatives by the scores.
pub fn hinge(scores: &[f32], known: Option<&[bool]>, b: usize, margin: f32, k: usize, weight: f32) -> (f32, Vec<f32>) {
    let turned = transposed(scores, b, b);
    let mut gradient = vec![0.0; b * b];
    let mut loss = 0.0;
    for (scores, by_row) in [(scores, true), (&turned[..], false)] {
        let place = |i: usize, j: usize| if by_row { i * b + j } else { j * b + i };
        let row = |i: usize| {
            let never = |j: usize| j == i || known.is_some_and(|known| known[place(i, j)]);
            violations(&scores[i * b..(i + 1) * b], margin - scores[i * b + i], k, never)
        };
        #[cfg(feature = "cli")]
        let rows: Vec<Vec<(usize, f32)>> = {
            use rayon::prelude::*;
            (0..b).into_par_iter().with_min_len(32).map(row).collect()
        };
        #[cfg(not(feature = "cli"))]
        let rows: Vec<Vec<(usize, f32)>> = (0..b).map(row).collect();
        for (i, found) in rows.into_iter().enumerate() {
            for (j, cost) in found {
                loss += f64::from(cost);
                gradient[place(i, j)] += weight;
                gradient[i * b + i] -= weight;
            }
        }
    }
    ((loss * f64::from(weight)) as f32, gradient)
}

/// Of the items other than `never` the `k` with the largest cost `score + offset`, where there is one.
fn violations(scores: &[f32], offset: f32, k: usize, never: impl Fn(usize) -> bool) -> Vec<(usize, f32)> {
    // What is not a number is a violation: a run that diverges has to show it.
    let cost = |j: usize| Some(scores[j] + offset).filter(|cost| !(*cost < 0.0 || never(j)));
    let costs = (0..scores.len()).filter_map(|j| cost(j).map(|cost| (j, cost)));
    if k == 1 {
        let worse = |a: (usize, f32), b: (usize, f32)| if b.1 > a.1 { b } else { a };
        return costs.reduce(worse).into_iter().collect();
    }
    let all: Vec<(usize, f32)> = costs.collect();
    if all.len() <= k {
        return all;
    }
    top_k_by(all.len(), k, |n| all[n].1).into_iter().map(|hit| all[hit.index]).collect()
}
