//! How much farther one item is than another, triplet by triplet: `2 B M d` multiplications and twice as many back, where a
//! table of all distances takes `B^2 d`, and as many back. M is a few, B some hundreds.

use super::Array;
use super::order::rows;
use crate::matrix::{axpy, dots};
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
            for (n, gap) in (i * m..).zip(gaps) {
                let [near, far] = [&near, &far].map(|places| {
                    let mut product = [0.0];
                    dots(&self.values()[i * d..][..d], row(items.values(), d, places[n]), &mut product);
                    product[0]
                });
                *gap = 2.0 * (near - far);
            }
        });
        let (e, x) = (self.clone().inner(), items.clone().inner());
        let (near2, far2) = (near.clone(), far.clone());
        let by_anchor = self.edge(move |g| {
            let mut out = vec![0.0; b * d];
            rows(&mut out, d, |i, out| {
                for n in (i * m..(i + 1) * m).filter(|&n| g[n] != 0.0) {
                    add(out, 2.0 * g[n], row(x.values(), d, near[n]));
                    add(out, -2.0 * g[n], row(x.values(), d, far[n]));
                }
            });
            out
        });
        let size = items.len();
        let by_item = items.edge(move |g| {
            let mut out = vec![0.0; size];
            for (n, g) in g.iter().enumerate().filter(|(_, g)| **g != 0.0) {
                for (place, by) in [(near2[n], 2.0 * g), (far2[n], -2.0 * g)] {
                    add(&mut out[place as usize * d..][..d], by, &e.values()[n / m * d..][..d]);
                }
            }
            out
        });
        Self::derived(data, [b, m], [by_anchor, by_item])
    }
}

/// `y += a x`, compiled once.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
#[inline(never)]
fn add(y: &mut [f32], a: f32, x: &[f32]) {
    axpy(y, a, x);
}

/// Row `n` of a table that is `width` wide.
fn row(table: &[f32], width: usize, n: i32) -> &[f32] {
    &table[n as usize * width..][..width]
}
