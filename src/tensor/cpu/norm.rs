//! Rows of one scale, each in a loop of its own: as operations of tensors each takes some ten passes over the table forth and
//! as many back.

use super::elementwise::gathered;
use super::{Array, Edge};
use crate::matrix::{dot, sum};
use multiversion::multiversion;
use std::sync::Arc;

impl Array {
    /// Every row minus its mean over its standard deviation, times `gain` plus `bias` (`[1, n]` each): `[m, n] -> [m, n]`.
    pub fn layer_norm(self, gain: &Self, bias: &Self, epsilon: f32) -> Self {
        let [m, n] = self.table();
        assert_eq!([gain.table(), bias.table()], [[1, n]; 2], "a gain and a bias for every column");
        let node = self.node.clone();
        let (mut standard, mut data, mut inverse) = (self.into_values(), vec![0.0; m * n], vec![0.0; m]);
        standardise(&mut standard, &mut inverse, epsilon);
        scale_and_shift(&standard, [gain.values(), bias.values()], &mut data);
        let (gains, standard) = (gain.clone().inner(), Arc::new(standard));
        let standard2 = standard.clone();
        let by_x = node.map(|node| {
            Edge::new(node, move |g| {
                let mut out = vec![0.0; m * n];
                standardise_backward(g, &standard, &inverse, gains.values(), &mut out);
                out
            })
        });
        let by_gain = gain.edge(move |g| {
            let mut out = vec![0.0; n];
            for (g, y) in g.chunks_exact(n.max(1)).zip(standard2.chunks_exact(n.max(1))) {
                out.iter_mut().zip(g).zip(y).for_each(|((out, g), y)| *out += g * y);
            }
            out
        });
        let by_bias = bias.edge(move |g| gathered(g, &[m, n], &[1, n]));
        Self::derived(data, [m, n], [by_x, by_gain, by_bias])
    }

    /// Every row over its length: `[m, n] -> [m, n]`. `epsilon` is added to the square of the length.
    pub fn unit_rows(self, epsilon: f32) -> Self {
        let [_, n] = self.table();
        let (node, shape) = (self.node.clone(), self.shape.clone());
        let mut data = self.into_values();
        let normalise = |row: &mut [f32]| {
            let inverse = 1.0 / (dot(row, row) + epsilon).sqrt();
            row.iter_mut().for_each(|x| *x *= inverse);
            inverse
        };
        let inverse: Vec<f32> = data.chunks_exact_mut(n.max(1)).map(normalise).collect();
        let y = Arc::new(data);
        let kept = y.clone();
        Self::after(node, y, shape, move |g| {
            let mut out = Vec::with_capacity(g.len());
            for ((g, y), inverse) in g.chunks_exact(n.max(1)).zip(kept.chunks_exact(n.max(1))).zip(&inverse) {
                let along = dot(g, y);
                out.extend(g.iter().zip(y).map(|(g, y)| inverse * (g - y * along)));
            }
            out
        })
    }
}

/// In place; `inverse` becomes one over each row's standard deviation.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn standardise(table: &mut [f32], inverse: &mut [f32], epsilon: f32) {
    let n = table.len() / inverse.len().max(1);
    for (row, inverse) in table.chunks_exact_mut(n.max(1)).zip(inverse) {
        let mean = sum(row) / n as f32;
        row.iter_mut().for_each(|x| *x -= mean);
        *inverse = 1.0 / (dot(row, row) / n as f32 + epsilon).sqrt();
        row.iter_mut().for_each(|x| *x *= *inverse);
    }
}

/// `y gain + bias`, row by row.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn scale_and_shift(standard: &[f32], [gain, bias]: [&[f32]; 2], out: &mut [f32]) {
    let n = gain.len().max(1);
    for (row, out) in standard.chunks_exact(n).zip(out.chunks_exact_mut(n)) {
        for (((out, y), gain), bias) in out.iter_mut().zip(row).zip(gain).zip(bias) {
            *out = y * gain + bias;
        }
    }
}

/// The gradient by what was standardised: of a row `(h - mean(h) - y mean(h y)) / deviation` with `h = g gain`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn standardise_backward(g: &[f32], standard: &[f32], inverse: &[f32], gain: &[f32], out: &mut [f32]) {
    let n = gain.len().max(1);
    let rows = g.chunks_exact(n).zip(standard.chunks_exact(n)).zip(inverse);
    for (((g, y), inverse), out) in rows.zip(out.chunks_exact_mut(n)) {
        out.iter_mut().zip(g).zip(gain).for_each(|((out, g), gain)| *out = g * gain);
        let (mean, along) = (sum(out) / n as f32, dot(out, y) / n as f32);
        out.iter_mut().zip(y).for_each(|(out, y)| *out = inverse * (*out - mean - y * along));
    }
}
