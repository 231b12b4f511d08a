//! Sums, means and maxima, of everything or along an axis (which stays, with size 1).

use super::Array;
use crate::matrix::sum;

/// Every number along the middle of `[before, along, after]` times: the gradient of a sum along it.
fn spread(gradient: &[f32], [before, along, after]: [usize; 3], scale: f32) -> Vec<f32> {
    let mut out = Vec::with_capacity(before * along * after);
    for row in gradient.chunks_exact(after.max(1)) {
        (0..along).for_each(|_| out.extend(row.iter().map(|g| g * scale)));
    }
    out
}

impl Array {
    /// The sum of all numbers, `[1]`.
    pub fn sum(self) -> Self {
        let n = self.len();
        let edge = self.edge(move |g| vec![g[0]; n]);
        // By rows first: a long sum of small numbers loses them.
        let rows = self.shape().last().copied().unwrap_or(1).max(1);
        let total = self.values().chunks(rows).map(|row| f64::from(sum(row))).sum::<f64>() as f32;
        Self::derived(vec![total], [1], [edge])
    }

    /// The sum along `axis`.
    pub fn sum_dim(self, axis: usize) -> Self {
        self.summed(axis, 1.0)
    }

    /// The mean along `axis`.
    pub fn mean_dim(self, axis: usize) -> Self {
        let along = self.shape()[axis];
        self.summed(axis, 1.0 / along as f32)
    }

    fn summed(self, axis: usize, scale: f32) -> Self {
        let around @ [before, along, after] = self.around(axis);
        let values = self.values();
        let data = if after == 1 {
            values.chunks_exact(along).map(|row| sum(row) * scale).collect()
        } else {
            let mut out = vec![0.0; before * after];
            for (out, block) in out.chunks_exact_mut(after).zip(values.chunks_exact(along * after)) {
                for row in block.chunks_exact(after) {
                    out.iter_mut().zip(row).for_each(|(out, x)| *out += x);
                }
                out.iter_mut().for_each(|out| *out *= scale);
            }
            out
        };
        let edge = self.edge(move |g| spread(g, around, scale));
        let mut shape = self.shape.clone();
        shape[axis] = 1;
        Self::derived(data, shape, [edge])
    }

    /// The largest along `axis`; no gradient passes.
    pub fn max_dim(self, axis: usize) -> Self {
        let [before, along, after] = self.around(axis);
        let largest = |at: usize| {
            let (block, column) = (at / after, at % after);
            (0..along).map(|n| self.values()[(block * along + n) * after + column]).fold(f32::NEG_INFINITY, f32::max)
        };
        let data = (0..before * after).map(largest).collect();
        let mut shape = self.shape.clone();
        shape[axis] = 1;
        Self::new(data, shape)
    }
}
