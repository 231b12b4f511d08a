//! Scores of order-embeddings (see [`crate::loss::order`]): as operations of their own they are a table of `B^2 d` numbers,
//! read and written some ten times.

use super::Array;
use super::elementwise::positive;
use multiversion::multiversion;

/// Numbers that are worked on side by side.
pub(super) const LANES: usize = 16;

impl Array {
    /// `-||[t_j - v_i]_+||^2` of the rows `v_i` of this and `t_j` of `texts`, `[m, d] x [n, d] -> [m, n]`.
    pub fn order_scores(self, texts: Self) -> Self {
        let ([m, d], [n, width]) = (self.table(), texts.table());
        assert_eq!(d, width, "{:?} against {:?}", self.shape(), texts.shape());
        let mut data = vec![0.0; m * n];
        rows(&mut data, n, |i, scores| below(scores, &self.values()[i * d..(i + 1) * d], texts.values()));
        let (v, t) = (self.clone().inner(), texts.clone().inner());
        let (v2, t2) = (v.clone(), t.clone());
        let by_picture = self.edge(move |g| {
            let mut out = vec![0.0; m * d];
            rows(&mut out, d, |i, out| {
                let weights = g[i * n..(i + 1) * n].iter();
                for (g, t) in weights.zip(t.values().chunks_exact(d)) {
                    pull(out, &v.values()[i * d..(i + 1) * d], t, *g);
                }
            });
            out
        });
        let by_text = texts.edge(move |g| {
            let mut out = vec![0.0; n * d];
            rows(&mut out, d, |j, out| {
                let weights = g[j..].iter().step_by(n);
                for (g, v) in weights.zip(v2.values().chunks_exact(d)) {
                    pull(out, v, &t2.values()[j * d..(j + 1) * d], -g);
                }
            });
            out
        });
        Self::derived(data, [m, n], [by_picture, by_text])
    }
}

/// Calls `each(i, row i)` for the rows of a table, on all threads that there are.
pub(super) fn rows(table: &mut [f32], width: usize, each: impl Fn(usize, &mut [f32]) + Sync + Send) {
    let each = |(i, row): (usize, &mut [f32])| each(i, row);
    #[cfg(feature = "cli")]
    {
        use rayon::prelude::*;
        table.par_chunks_exact_mut(width.max(1)).with_min_len(8).enumerate().for_each(each);
    }
    #[cfg(not(feature = "cli"))]
    table.chunks_exact_mut(width.max(1)).enumerate().for_each(each);
}

/// The scores of a picture with all texts.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn below(scores: &mut [f32], v: &[f32], texts: &[f32]) {
    for (score, t) in scores.iter_mut().zip(texts.chunks_exact(v.len())) {
        let ((v, v_rest), (t, t_rest)) = (v.as_chunks::<LANES>(), t.as_chunks::<LANES>());
        let mut lanes = [0.0; LANES];
        for (v, t) in v.iter().zip(t) {
            for ((lane, v), t) in lanes.iter_mut().zip(v).zip(t) {
                *lane += positive(t - v) * positive(t - v);
            }
        }
        let rest = v_rest.iter().zip(t_rest).map(|(v, t)| positive(t - v) * positive(t - v));
        *score = -lanes.into_iter().chain(rest).sum::<f32>();
    }
}

/// `out += 2 weight [t - v]_+`; most weights of a loss over the hardest negatives are zero.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn pull(out: &mut [f32], v: &[f32], t: &[f32], weight: f32) {
    if weight == 0.0 {
        return;
    }
    for ((out, v), t) in out.iter_mut().zip(v).zip(t) {
        *out += 2.0 * weight * positive(t - v);
    }
}
