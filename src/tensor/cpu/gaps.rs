//! How much farther one item is than another, triplet by triplet: `B M d` multiplications and three times as many back, where a
//! table of all distances takes `B^2 d`, and as many back. M is a few, B some hundreds.

use super::Array;
use super::order::rows;
use multiversion::multiversion;
use std::sync::Arc;

/// Numbers that are worked on side by side.
const LANES: usize = 16;

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
        rows(&mut data, m, |i, out| {
            let asked = [&near, &far].map(|places| &places[i * m..(i + 1) * m]);
            measure(&self.values()[i * d..(i + 1) * d], items.values(), asked, out);
        });
        let (e, x) = (self.clone().inner(), items.clone().inner());
        let (near2, far2) = (near.clone(), far.clone());
        let by_anchor = self.edge(move |g| {
            let mut out = vec![0.0; b * d];
            rows(&mut out, d, |i, out| {
                let asked = [&near, &far].map(|places| &places[i * m..(i + 1) * m]);
                towards(out, x.values(), asked, &g[i * m..(i + 1) * m]);
            });
            out
        });
        let sizes = items.values().len();
        let by_item = items.edge(move |g| {
            let mut out = vec![0.0; sizes];
            for (i, e) in e.values().chunks_exact(d.max(1)).enumerate() {
                let asked = [&near2, &far2].map(|places| &places[i * m..(i + 1) * m]);
                apart(&mut out, e, asked, &g[i * m..(i + 1) * m]);
            }
            out
        });
        Self::derived(data, [b, m], [by_anchor, by_item])
    }
}

/// Row `n` of a table that is `width` wide.
fn row(table: &[f32], width: usize, n: i32) -> &[f32] {
    &table[n as usize * width..][..width]
}

/// The gaps of one anchor.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn measure(e: &[f32], items: &[f32], [near, far]: [&[i32]; 2], gaps: &mut [f32]) {
    for ((gap, &j), &k) in gaps.iter_mut().zip(near).zip(far) {
        let (near, far) = (row(items, e.len(), j), row(items, e.len(), k));
        let ((e, e_rest), (near, near_rest), (far, far_rest)) =
            (e.as_chunks::<LANES>(), near.as_chunks::<LANES>(), far.as_chunks::<LANES>());
        let mut lanes = [0.0; LANES];
        for ((e, near), far) in e.iter().zip(near).zip(far) {
            for (((lane, e), near), far) in lanes.iter_mut().zip(e).zip(near).zip(far) {
                *lane += e * (near - far);
            }
        }
        let rest = e_rest.iter().zip(near_rest).zip(far_rest).map(|((e, near), far)| e * (near - far));
        *gap = 2.0 * lanes.into_iter().chain(rest).sum::<f32>();
    }
}

/// What the gradient `g` of one anchor's gaps asks of the anchor, added to `out`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn towards(out: &mut [f32], items: &[f32], [near, far]: [&[i32]; 2], g: &[f32]) {
    for ((&g, &j), &k) in g.iter().zip(near).zip(far).filter(|((g, _), _)| **g != 0.0) {
        let (near, far) = (row(items, out.len(), j), row(items, out.len(), k));
        for ((out, near), far) in out.iter_mut().zip(near).zip(far) {
            *out += 2.0 * g * (near - far);
        }
    }
}

/// What it asks of the items, added to `out`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn apart(out: &mut [f32], e: &[f32], [near, far]: [&[i32]; 2], g: &[f32]) {
    for ((&g, &j), &k) in g.iter().zip(near).zip(far).filter(|((g, _), _)| **g != 0.0) {
        for (n, g) in [(j, g), (k, -g)] {
            let out = &mut out[n as usize * e.len()..][..e.len()];
            out.iter_mut().zip(e).for_each(|(out, e)| *out += 2.0 * g * e);
        }
    }
}
