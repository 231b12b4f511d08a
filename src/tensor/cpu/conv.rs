//! Two-dimensional convolution: patches side by side and one matrix product; channel by channel where each has a filter of
//! its own.

use super::Array;
use super::matmul::{Operand, matmul};

/// Steps and borders of a convolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Pixels from one place to the next, both ways.
    pub stride: usize,
    /// Zeros above and below.
    pub rows: (usize, usize),
    /// Zeros left and right.
    pub columns: (usize, usize),
    /// Whether each channel has a filter of its own (`[C, 1, k, k]`) instead of all having each (`[O, C, k, k]`).
    pub depthwise: bool,
}

/// Sizes of one convolution.
#[derive(Clone, Copy)]
struct Sizes {
    channels: usize,
    height: usize,
    width: usize,
    kernel: usize,
    out_height: usize,
    out_width: usize,
    window: Window,
}

impl Sizes {
    fn new(x: &Array, weight: &Array, window: Window) -> Self {
        let (&[_, channels, height, width], &[_, _, kernel, _]) = (x.shape(), weight.shape()) else {
            panic!("a convolution of {:?} with {:?}", x.shape(), weight.shape())
        };
        let out = |side: usize, (before, after): (usize, usize)| (side + before + after - kernel) / window.stride + 1;
        let (out_height, out_width) = (out(height, window.rows), out(width, window.columns));
        Self { channels, height, width, kernel, out_height, out_width, window }
    }

    fn places(&self) -> usize {
        self.out_height * self.out_width
    }

    fn patch(&self) -> usize {
        self.channels * self.kernel * self.kernel
    }

    /// Calls `with(start in a plane, start in the row of results, length)` for each run of pixels that the filter's
    /// place `(row, column)` meets: consecutive results, pixels `stride` apart.
    fn runs(&self, row: usize, column: usize, mut with: impl FnMut(usize, usize, usize)) {
        let Window { stride, rows, columns, .. } = self.window;
        let first = columns.0.saturating_sub(column).div_ceil(stride);
        let last = (self.width + columns.0).saturating_sub(column).div_ceil(stride).min(self.out_width);
        for y in 0..self.out_height {
            let at = y * stride + row;
            if at < rows.0 || at - rows.0 >= self.height || first >= last {
                continue;
            }
            let start = (at - rows.0) * self.width + first * stride + column - columns.0;
            with(start, y * self.out_width + first, last - first);
        }
    }

    /// Patches of one picture, `[channels * kernel^2, places]`.
    fn unfold(&self, picture: &[f32], patches: &mut [f32]) {
        patches.fill(0.0);
        let (places, stride) = (self.places(), self.window.stride);
        for (n, out) in patches.chunks_exact_mut(places).enumerate() {
            let (channel, row, column) = self.tap(n);
            let plane = &picture[channel * self.height * self.width..];
            self.runs(row, column, |from, to, length| {
                let pixels = plane[from..].iter().step_by(stride);
                out[to..to + length].iter_mut().zip(pixels).for_each(|(out, x)| *out = *x);
            });
        }
    }

    /// The reverse: what was copied is summed.
    fn fold(&self, patches: &[f32], picture: &mut [f32]) {
        let (places, stride) = (self.places(), self.window.stride);
        for (n, patch) in patches.chunks_exact(places).enumerate() {
            let (channel, row, column) = self.tap(n);
            let plane = &mut picture[channel * self.height * self.width..];
            self.runs(row, column, |from, to, length| {
                let pixels = plane[from..].iter_mut().step_by(stride);
                pixels.zip(&patch[to..to + length]).for_each(|(x, g)| *x += g);
            });
        }
    }

    /// Channel, row and column of the `n`-th row of the patches.
    fn tap(&self, n: usize) -> (usize, usize, usize) {
        let k = self.kernel;
        (n / (k * k), n / k % k, n % k)
    }

    /// One picture, channel by channel.
    fn depthwise(&self, picture: &[f32], weight: &[f32], out: &mut [f32]) {
        let (k, stride) = (self.kernel, self.window.stride);
        let planes = picture.chunks_exact(self.height * self.width);
        for ((plane, filter), out) in planes.zip(weight.chunks_exact(k * k)).zip(out.chunks_exact_mut(self.places())) {
            for (tap, &w) in filter.iter().enumerate() {
                self.runs(tap / k, tap % k, |from, to, length| {
                    let out = &mut out[to..to + length];
                    if stride == 1 {
                        out.iter_mut().zip(&plane[from..from + length]).for_each(|(out, x)| *out += w * x);
                    } else {
                        out.iter_mut().zip(plane[from..].iter().step_by(stride)).for_each(|(out, x)| *out += w * x);
                    }
                });
            }
        }
    }
}

impl Array {
    /// Convolution of pictures `[n, channels, height, width]`; `bias` has a number for each channel of the result. A
    /// depthwise one is not differentiated: nothing that is trained has it.
    pub fn conv2d(self, weight: &Self, bias: &Self, window: Window) -> Self {
        let sizes = Sizes::new(&self, weight, window);
        let (n, outputs, places, patch) = (self.shape[0], weight.shape[0], sizes.places(), sizes.patch());
        let pictures = self.len() / n;
        let mut data = vec![0.0; n * outputs * places];
        let mut patches = vec![0.0; if window.depthwise { 0 } else { patch * places }];
        for (picture, out) in self.values().chunks_exact(pictures).zip(data.chunks_exact_mut(outputs * places)) {
            for (plane, bias) in out.chunks_exact_mut(places).zip(bias.values()) {
                plane.fill(*bias);
            }
            if window.depthwise {
                sizes.depthwise(picture, weight.values(), out);
            } else {
                let seen = if sizes.is_pointwise() {
                    picture
                } else {
                    sizes.unfold(picture, &mut patches);
                    &patches
                };
                let filters = Operand::rows(weight.values(), patch);
                matmul(out, [outputs, patch, places], filters, Operand::rows(seen, places), true);
            }
        }
        let shape = [n, outputs, sizes.out_height, sizes.out_width];
        if window.depthwise {
            return Self::new(data, shape);
        }
        let (x, w) = (self.clone().inner(), weight.clone().inner());
        let by_input = self.edge(move |g| {
            let mut out = vec![0.0; n * pictures];
            let mut patches = vec![0.0; patch * places];
            for (out, g) in out.chunks_exact_mut(pictures).zip(g.chunks_exact(outputs * places)) {
                let turned = Operand::columns(w.values(), patch);
                matmul(&mut patches, [patch, outputs, places], turned, Operand::rows(g, places), false);
                sizes.fold(&patches, out);
            }
            out
        });
        let by_weight = weight.edge(move |g| {
            let mut out = vec![0.0; outputs * patch];
            let mut patches = vec![0.0; patch * places];
            for (picture, g) in x.values().chunks_exact(pictures).zip(g.chunks_exact(outputs * places)) {
                sizes.unfold(picture, &mut patches);
                let turned = Operand::columns(&patches, places);
                matmul(&mut out, [outputs, places, patch], Operand::rows(g, places), turned, true);
            }
            out
        });
        let by_bias = bias.edge(move |g| {
            let mut out = vec![0.0; outputs];
            for g in g.chunks_exact(outputs * places) {
                out.iter_mut().zip(g.chunks_exact(places)).for_each(|(out, g)| *out += g.iter().sum::<f32>());
            }
            out
        });
        Self::derived(data, shape, [by_input, by_weight, by_bias])
    }
}

impl Sizes {
    /// A filter of one pixel sees the picture as it lies.
    fn is_pointwise(&self) -> bool {
        self.kernel == 1 && self.window == Window { stride: 1, rows: (0, 0), columns: (0, 0), depthwise: false }
    }
}
