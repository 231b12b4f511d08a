//! How much farther one item is than another, triplet by triplet: `B M d` multiplications and three times as many back, where
//! a table of all distances takes `B^2 d`, and as many back. M is a few, B some hundreds.

use super::Array;
use super::order::{LANES, rows};
use crate::matrix::axpy;
use multiversion::multiversion;
use std::sync::Arc;

impl Array {
    /// `D(i, far) - D(i, near) = 2 e_i (x_near - x_far)` of unit rows: `[B, d], [N, d] -> [B, M]`. `places` are M rows of
    /// `items` for each row of this, near and far ones. The same item twice is exactly no farther.
    pub fn gaps(self, items: &Self, places: [&Arc<Vec<i32>>; 2]) -> Self {
        let ([b, d], [_, width]) = (self.table(), items.table());
        assert_eq!(d, width, "{:?} against {:?}", self.shape(), items.shape());
        let [near, far] = places.map(Arc::clone);
        let m = near.len() / b.max(1);
        assert!(near.len() == b * m && far.len() == near.len(), "{m} triplets for every one of {b} rows");
        let mut data = vec![0.0; b * m];
        rows(&mut data, m, |i, gaps| {
            ask(&self.values()[i * d..][..d], items.values(), of(i, m, [&near, &far]), gaps);
        });
        let (e, x) = (self.clone().inner(), items.clone().inner());
        let (near2, far2) = (near.clone(), far.clone());
        let by_anchor = self.edge(move |g| {
            let mut out = vec![0.0; b * d];
            rows(&mut out, d, |i, out| {
                pull(out, &g[i * m..][..m], x.values(), of(i, m, [&near, &far]));
            });
            out
        });
        let size = items.len();
        let by_item = items.edge(move |g| {
            let mut out = vec![0.0; size];
            for i in 0..b {
                push(&mut out, &g[i * m..][..m], &e.values()[i * d..][..d], of(i, m, [&near2, &far2]));
            }
            out
        });
        Self::derived(data, [b, m], [by_anchor, by_item])
    }
}

/// The near and the far items of anchor `i`, `m` of each.
fn of(i: usize, m: usize, places: [&Arc<Vec<i32>>; 2]) -> [&[i32]; 2] {
    places.map(|places| &places[i * m..][..m])
}

/// What the triplets of one anchor `e` come to.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn ask(e: &[f32], items: &[f32], [near, far]: [&[i32]; 2], gaps: &mut [f32]) {
    for ((gap, near), far) in gaps.iter_mut().zip(near).zip(far) {
        let ((near, near_rest), (far, far_rest)) =
            (row(items, e.len(), *near).as_chunks::<LANES>(), row(items, e.len(), *far).as_chunks::<LANES>());
        let (e, rest) = e.as_chunks::<LANES>();
        let mut lanes = [0.0; LANES];
        for ((e, near), far) in e.iter().zip(near).zip(far) {
            (0..LANES).for_each(|l| lanes[l] += e[l] * (near[l] - far[l]));
        }
        let rest: f32 = rest.iter().zip(near_rest).zip(far_rest).map(|((e, near), far)| e * (near - far)).sum();
        *gap = 2.0 * (lanes.iter().sum::<f32>() + rest);
    }
}

/// Their gradient by the anchor.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn pull(out: &mut [f32], g: &[f32], items: &[f32], [near, far]: [&[i32]; 2]) {
    for ((g, near), far) in g.iter().zip(near).zip(far).filter(|((g, _), _)| **g != 0.0) {
        let (near, far) = (row(items, out.len(), *near), row(items, out.len(), *far));
        for ((out, near), far) in out.iter_mut().zip(near).zip(far) {
            *out += 2.0 * g * (near - far);
        }
    }
}

/// Their gradient by the items.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn push(out: &mut [f32], g: &[f32], e: &[f32], [near, far]: [&[i32]; 2]) {
    for ((g, near), far) in g.iter().zip(near).zip(far).filter(|((g, _), _)| **g != 0.0) {
        for (place, by) in [(near, 2.0 * g), (far, -2.0 * g)] {
            axpy(&mut out[*place as usize * e.len()..][..e.len()], by, e);
        }
    }
}

/// Row `n` of a table that is `width` wide.
#[inline(always)]
fn row(table: &[f32], width: usize, n: i32) -> &[f32] {
    &table[n as usize * width..][..width]
}
