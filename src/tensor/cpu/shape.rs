//! The same numbers in another shape or order.

use super::{Array, Shape};

/// Numbers of a row-major array of `shape` with its axes in the order `axes`.
fn permuted(values: &[f32], shape: &[usize], axes: &[usize]) -> Vec<f32> {
    if let ([rows, cols], [1, 0]) = (shape, axes) {
        return transposed(values, *rows, *cols);
    }
    let mut steps = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        steps[axis - 1] = steps[axis] * shape[axis];
    }
    let mut offsets = vec![0];
    for &axis in axes {
        offsets = offsets
            .iter()
            .flat_map(|&at| (0..shape[axis]).map(move |n| (at, n)))
            .map(|(at, n)| at + n * steps[axis])
            .collect();
    }
    offsets.iter().map(|&at| values[at]).collect()
}

/// Rows as columns. In square blocks, so that both sides stay in the cache.
pub fn transposed(values: &[f32], rows: usize, cols: usize) -> Vec<f32> {
    const BLOCK: usize = 16;
    let mut out = vec![0.0; values.len()];
    for i0 in (0..rows).step_by(BLOCK) {
        for j0 in (0..cols).step_by(BLOCK) {
            for i in i0..(i0 + BLOCK).min(rows) {
                for j in j0..(j0 + BLOCK).min(cols) {
                    out[j * rows + i] = values[i * cols + j];
                }
            }
        }
    }
    out
}

impl Array {
    /// The same numbers in the same order.
    pub fn reshape(mut self, shape: impl Into<Shape>) -> Self {
        let shape = shape.into();
        assert_eq!(self.len(), shape.iter().product::<usize>(), "{:?} as {shape:?}", self.shape);
        let edge = self.edge(<[f32]>::to_vec);
        self.node = None;
        let mut out = Self::derived(Vec::new(), [0], [edge]);
        (out.data, out.shape) = (self.data, shape);
        out
    }

    /// Axes in another order.
    pub fn permute<const D: usize>(self, axes: [usize; D]) -> Self {
        let shape: Shape = axes.iter().map(|&axis| self.shape[axis]).collect();
        let data = permuted(self.values(), &self.shape, &axes);
        let mut back = [0; D];
        axes.iter().enumerate().for_each(|(to, &from)| back[from] = to);
        let from = shape.clone();
        let edge = self.edge(move |g| permuted(g, &from, &back));
        Self::derived(data, shape, [edge])
    }

    /// Rows as columns.
    pub fn transpose(self) -> Self {
        self.permute([1, 0])
    }

    /// One after the other along `axis`.
    pub fn cat(arrays: Vec<Self>, axis: usize) -> Self {
        let first = &arrays[0];
        let [before, _, after] = first.around(axis);
        let widths: Vec<usize> = arrays.iter().map(|array| array.shape[axis] * after).collect();
        let total: usize = widths.iter().sum();
        let mut shape = first.shape.clone();
        shape[axis] = total / after;
        let mut data = Vec::with_capacity(before * total);
        for block in 0..before {
            for (array, width) in arrays.iter().zip(&widths) {
                data.extend_from_slice(&array.values()[block * width..][..*width]);
            }
        }
        let mut start = 0;
        let edges: Vec<_> = arrays
            .iter()
            .zip(&widths)
            .map(|(array, &width)| {
                let at = start;
                start += width;
                array.edge(move |g| (0..before).flat_map(|b| &g[b * total + at..][..width]).copied().collect())
            })
            .collect();
        Self::derived(data, shape, edges)
    }

    /// Pieces of `size` along `axis`, the last one smaller where it does not divide.
    pub fn split(self, size: usize, axis: usize) -> Vec<Self> {
        let along = self.shape[axis];
        (0..along).step_by(size).map(|start| self.clone().narrow(axis, start, size.min(along - start))).collect()
    }

    fn narrow(self, axis: usize, start: usize, length: usize) -> Self {
        let [before, along, after] = self.around(axis);
        let (from, width, stride) = (start * after, length * after, along * after);
        let data = (0..before).flat_map(|b| &self.values()[b * stride + from..][..width]).copied().collect();
        let n = self.len();
        let edge = self.edge(move |g| {
            let mut out = vec![0.0; n];
            (0..before).for_each(|b| out[b * stride + from..][..width].copy_from_slice(&g[b * width..][..width]));
            out
        });
        let mut shape = self.shape.clone();
        shape[axis] = length;
        Self::derived(data, shape, [edge])
    }
}
