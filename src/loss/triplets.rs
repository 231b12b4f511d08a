//! Transfer over **all** triplets: a sum of B^3 terms that needs only the two distance tables, and as much memory.
//!
//! For an anchor i, items j and k with the teacher's distances `t` and the student's `s` of row i:
//! `L = softplus(z_k - z_j) - P (z_k - z_j)` with `z = gamma s` and `P = [t_k > t_j]`, or `sigma((t_k - t_j) / tau)`.
//! Swapping j and k changes neither the loss nor what it asks for, so a pair counts once.
//!
//! `dL/dz_k = Q - P` with `Q = sigma(z_k - z_j)`: summed over j, the student's part does not ask for the teacher, nor the
//! teacher's for the student, and each is a sum of sigmoids over points on a line (`sigmoids.rs`) or a rank.
//! So is the loss: over all pairs of m items, `1/2 sum_k F(z_k) - m/2 log 2 + sum_k z_k (m/2 - S_k)` with
//! `F(x) = sum_j softplus(x - z_j)` and `S_k = sum_j P` (one half for j = k). Pairs that tie are taken out one by one.
//! The plain B^3 tensor is what it is tested against.

use super::sigmoids::{Points, Terms, bounds};
use crate::config::{Form, Order, TransferConfig};
use crate::matrix::sum;
use crate::tensor::Tensor;
use crate::tensor::cpu::Array;
use crate::tensor::cpu::elementwise::positive;
use std::ops::Range;

impl Tensor<2> {
    /// The mean loss over all triplets of a student with these distances `[B, B]`, as `teacher` (`[B, B]`) orders them.
    pub fn all_triplets(self, teacher: &Self, config: &TransferConfig) -> Tensor<1> {
        let [b, _] = self.dims();
        match (&self, teacher) {
            (Tensor::Cpu(student), Tensor::Cpu(teacher)) => {
                let All { value, gradient } = all(student.values(), teacher.values(), b, config);
                Tensor::Cpu(student.clone().with_gradient(value, gradient))
            }
            #[cfg(feature = "gpu")]
            (Tensor::Gpu(_), Tensor::Gpu(_)) => crate::gpu::triplets::all(self, teacher, config),
            #[cfg(feature = "gpu")]
            _ => unreachable!("both tables live on one device"),
        }
    }
}

/// The mean loss over triplets by how much farther the far item is than the near one, to the student and to the teacher,
/// `[B, M]` each; where the teacher's gap is zero there is no triplet.
pub(crate) fn sampled(student: Array, taught: &Array, config: &TransferConfig) -> Array {
    let mut gradient = vec![0.0; student.values().len()];
    let (mut loss, mut kept) = (0.0, 0);
    let gaps = student.values().iter().zip(taught.values()).zip(&mut gradient);
    for ((&gap, &taught), gradient) in gaps.filter(|((_, taught), _)| **taught != 0.0) {
        let (each, by_gap) = triplet(gap, taught, config);
        loss += f64::from(each);
        kept += 1;
        *gradient = by_gap;
    }
    let each = 1.0 / f64::from(kept.max(1));
    gradient.iter_mut().for_each(|g| *g *= each as f32);
    student.with_gradient((loss * each) as f32, gradient)
}

/// Loss of a triplet, and its derivative by the student's gap `D(i,k) - D(i,j)`, as the teacher's gap orders it.
pub(crate) fn triplet(gap: f32, taught: f32, config: &TransferConfig) -> (f32, f32) {
    let (gamma, margin) = (config.gamma as f32, config.margin as f32);
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let p = match config.order {
        Order::Hard => f32::from(taught > 0.0),
        Order::Soft => sigmoid(taught / config.tau as f32),
    };
    match config.form {
        Form::Softplus => {
            // -(P log Q + (1 - P) log(1 - Q)) with Q = sigma(z) is softplus(z) - P z.
            let z = gamma * gap;
            (z.max(0.0) + (-z.abs()).exp().ln_1p() - p * z, gamma * (sigmoid(z) - p))
        }
        Form::Hinge => {
            let (short, reversed) = (positive(margin - gap), positive(margin + gap));
            let step = |x: f32| f32::from(x > 0.0);
            (p * short + (1.0 - p) * reversed, (1.0 - p) * step(reversed) - p * step(short))
        }
    }
}

/// What all triplets of a batch come to.
#[derive(Debug, Clone, PartialEq)]
pub struct All {
    /// The mean loss; zero where the teacher ties everywhere.
    pub value: f32,
    /// Its derivatives by the student's distances, `[B, B]`.
    pub gradient: Vec<f32>,
}

/// Both tables are `[B, B]`, row i of anchor i.
pub fn all(student: &[f32], teacher: &[f32], b: usize, config: &TransferConfig) -> All {
    let (scale, sharpness) = (config.gamma as f32, 1.0 / config.tau as f32);
    let wide = widest(student, b) * scale;
    let taught_wide = if config.order == Order::Soft { widest(teacher, b) * sharpness } else { 0.0 };
    let line = config.form == Form::Softplus && wide <= WIDEST && taught_wide <= TAUGHT_WIDEST;
    let taught = || (config.order == Order::Soft).then(|| Terms::new(taught_wide));
    let terms = line.then(|| (Terms::new(wide), taught()));
    let mut gradient = vec![0.0; b * b];
    let row = |(i, gradient): (usize, &mut [f32])| {
        let others = |table: &[f32]| [&table[i * b..i * b + i], &table[i * b + i + 1..(i + 1) * b]].concat();
        let row = Row::new(others(student), others(teacher));
        let mut by_s = vec![0.0; b - 1];
        // Where most pairs tie, the few others are looked at: between two large sums they would be lost.
        let every = by_s.len() * by_s.len().saturating_sub(1) / 2;
        let loss = match &terms {
            Some((student, teacher)) if 2 * row.pairs() > every => {
                row.on_lines(scale, student, teacher.as_ref().map(|t| (sharpness, t)), &mut by_s)
            }
            _ => row.plain(config, &mut by_s),
        };
        gradient[..i].copy_from_slice(&by_s[..i]);
        gradient[i + 1..].copy_from_slice(&by_s[i..]);
        (loss, row.pairs())
    };
    #[cfg(feature = "cli")]
    let rows: Vec<(f64, usize)> = {
        use rayon::prelude::*;
        gradient.par_chunks_mut(b).enumerate().map(row).collect()
    };
    #[cfg(not(feature = "cli"))]
    let rows: Vec<(f64, usize)> = gradient.chunks_mut(b).enumerate().map(row).collect();
    let (loss, pairs) = rows.iter().fold((0.0, 0), |(loss, pairs), row| (loss + row.0, pairs + row.1));
    let each = 1.0 / pairs.max(1) as f64;
    gradient.iter_mut().for_each(|g| *g *= each as f32);
    All { value: (loss * each) as f32, gradient }
}

/// Spread of `gamma s` up to which sums are series: the loss is a difference of sums that grow with it, and loses digits.
const WIDEST: f32 = 40.0;
/// The same of `t / tau`: exponentials stay inside f32, and terms are few.
const TAUGHT_WIDEST: f32 = 100.0;

/// The widest spread of a row, without its anchor.
fn widest(table: &[f32], b: usize) -> f32 {
    let spread = |i: usize| {
        let (before, after) = (bounds(&table[i * b..i * b + i]), bounds(&table[i * b + i + 1..(i + 1) * b]));
        before.1.max(after.1) - before.0.min(after.0)
    };
    (0..b).map(spread).fold(0.0, f32::max)
}

/// Keys, the smallest first. They are ordered like the values: dealt out by these they stand nearly in order.
fn sorted(values: &[f32], key: impl Fn((usize, &f32)) -> u64) -> Vec<u64> {
    /// Keys in one place beyond which a general sort is faster.
    const CROWD: u32 = 16;
    /// Added to a small number it leaves that, rounded, in the last bits. What is not a number has some place as well.
    const LAST_BITS: f32 = 8_388_608.0;
    let places = (2 * values.len()).next_power_of_two();
    let (low, high) = bounds(values);
    let scale = (places - 1) as f32 / (high - low);
    let place = |x: &f32| ((x - low) * scale + LAST_BITS).to_bits() & (places - 1) as u32;
    let place_of: Vec<u32> = values.iter().map(place).collect();
    let mut starts = vec![0u32; places];
    place_of.iter().for_each(|place| starts[*place as usize] += 1);
    let (mut before, mut most) = (0, 0);
    for start in &mut starts {
        most = most.max(*start);
        before += std::mem::replace(start, before);
    }
    let mut keys = vec![0; values.len()];
    for (value, place) in values.iter().enumerate().zip(place_of) {
        let at = &mut starts[place as usize];
        keys[*at as usize] = key(value);
        *at += 1;
    }
    if most > CROWD {
        keys.sort_unstable();
        return keys;
    }
    for n in 1..keys.len() {
        let (key, mut at) = (keys[n], n);
        while at > 0 && keys[at - 1] > key {
            keys[at] = keys[at - 1];
            at -= 1;
        }
        keys[at] = key;
    }
    keys
}

/// The items other than the anchor.
struct Row {
    student: Vec<f32>,
    teacher: Vec<f32>,
    /// Nearest to the teacher first.
    ordered: Vec<usize>,
    /// Where in `ordered` stand items that the teacher sees equally far: two or more each.
    ties: Vec<Range<usize>>,
}

impl Row {
    fn new(student: Vec<f32>, teacher: Vec<f32>) -> Self {
        // Integers that are ordered like the distances, each with its place.
        let key = |(k, t): (usize, &f32)| {
            let bits = (t + 0.0).to_bits();
            let ordered = if bits >> 31 == 0 { bits | 1 << 31 } else { !bits };
            u64::from(ordered) << 32 | k as u64
        };
        let keys = sorted(&teacher, key);
        let mut ties: Vec<Range<usize>> = Vec::new();
        for n in (0..keys.len().saturating_sub(1)).filter(|&n| keys[n] >> 32 == keys[n + 1] >> 32) {
            match ties.last_mut() {
                Some(tie) if tie.end == n + 1 => tie.end = n + 2,
                _ => ties.push(n..n + 2),
            }
        }
        Self { student, teacher, ordered: keys.into_iter().map(|key| key as u32 as usize).collect(), ties }
    }

    /// How many pairs the teacher orders.
    fn pairs(&self) -> usize {
        let among = |m: usize| m * m.saturating_sub(1) / 2;
        among(self.ordered.len()) - self.ties.iter().map(|tie| among(tie.len())).sum::<usize>()
    }

    /// The row's loss, and its gradient (neither yet divided by the number of pairs). `soft`: `1 / tau`.
    fn on_lines(&self, gamma: f32, terms: &Terms, soft: Option<(f32, &Terms)>, by_s: &mut [f32]) -> f64 {
        let m = self.student.len();
        let z = Points::new(&self.student, gamma);
        let taught = match soft {
            Some((sharpness, terms)) => {
                let points = Points::new(&self.teacher, sharpness);
                terms.sigmoids(&points).values(&points)
            }
            None => {
                let mut ranks = vec![0.0; m];
                self.ordered.iter().enumerate().for_each(|(n, &k)| ranks[k] = n as f32 + 0.5);
                for tie in &self.ties {
                    let middle = (tie.start + tie.end) as f32 / 2.0;
                    self.ordered[tie.clone()].iter().for_each(|&k| ranks[k] = middle);
                }
                ranks
            }
        };
        let sums = terms.sigmoids(&z);
        for ((by_s, learnt), taught) in by_s.iter_mut().zip(sums.values(&z)).zip(&taught) {
            *by_s = gamma * (learnt - taught);
        }
        let unasked: Vec<f32> = taught.iter().map(|taught| m as f32 / 2.0 - taught).collect();
        let mut loss = f64::from(z.dot(&unasked)) - m as f64 * std::f64::consts::LN_2 / 2.0;
        loss += f64::from(sum(&sums.softplus(&z).values(&z))) / 2.0;
        for tie in &self.ties {
            let tie = &self.ordered[tie.clone()];
            for (n, &k) in tie.iter().enumerate() {
                for &j in &tie[..n] {
                    let half = (z.at(k) - z.at(j)) / 2.0;
                    // Q - P = sigma(2 half) - 1/2, and log(2 cosh(half)).
                    let pull = 0.5 * gamma * half.tanh();
                    by_s[k] -= pull;
                    by_s[j] += pull;
                    loss -= f64::from(half.abs() + (-2.0 * half.abs()).exp().ln_1p());
                }
            }
        }
        loss
    }

    /// Pair by pair, as the definition says: for the hinge, and for spreads too wide for a series.
    fn plain(&self, config: &TransferConfig, by_s: &mut [f32]) -> f64 {
        let mut loss = 0.0;
        for (n, &k) in self.ordered.iter().enumerate() {
            for &j in self.ordered[..n].iter().take_while(|&&j| self.teacher[j] < self.teacher[k]) {
                let gap = self.student[k] - self.student[j];
                let (each, by_gap) = triplet(gap, self.teacher[k] - self.teacher[j], config);
                loss += f64::from(each);
                by_s[k] += by_gap;
                by_s[j] -= by_gap;
            }
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};
    use rand::Rng as _;

    #[test]
    fn series_equal_pairs_in_batches_of_every_day() {
        let mut rng = stream(2, Purpose::Noise, 0);
        for (b, levels, gamma) in [(64, 20.0, 20.0), (130, 1e6, 3.0), (200, 1e6, 0.01), (200, 3.0, 5.0)] {
            for order in [Order::Hard, Order::Soft] {
                let config = TransferConfig { order, gamma, ..Default::default() };
                let mut table =
                    || (0..b * b).map(|_| (rng.random_range(0.0..2.0f32) * levels).round() / levels).collect();
                let (student, teacher): (Vec<f32>, Vec<f32>) = (table(), table());
                let All { value, gradient } = all(&student, &teacher, b, &config);
                let (mut loss, mut pairs, counted) = (0.0, 0, pairs_of(&teacher, b));
                for i in 0..b {
                    let others =
                        |table: &[f32]| [&table[i * b..i * b + i], &table[i * b + i + 1..(i + 1) * b]].concat();
                    let row = Row::new(others(&student), others(&teacher));
                    let mut expected = vec![0.0; b - 1];
                    loss += row.plain(&config, &mut expected);
                    pairs += row.pairs();
                    expected.insert(i, 0.0);
                    let largest = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
                    for (ours, theirs) in gradient[i * b..].iter().zip(&expected) {
                        let ours = ours * counted as f32;
                        assert!((ours - theirs).abs() < 1e-4 * largest, "{b} {order:?}: {ours} {theirs}");
                    }
                }
                assert_eq!(pairs, counted);
                let expected = loss / pairs as f64;
                assert!((f64::from(value) / expected - 1.0).abs() < 1e-5, "{b} {order:?}: {value} {expected}");
            }
        }
    }

    #[test]
    fn keys_that_are_dealt_out_stand_in_order() {
        let mut rng = stream(7, Purpose::Noise, 0);
        let even: Vec<f32> = (0..300).map(|_| rng.random_range(0.0..4.0)).collect();
        let steep = even.iter().map(|x| x.powi(12)).collect();
        let few = even.iter().map(|x| x.round()).collect();
        let (mut hole, mut endless) = (even.clone(), even.clone());
        (hole[200], endless[3]) = (f32::NAN, f32::INFINITY);
        for values in [vec![], vec![1.0], vec![2.0; 40], vec![0.5, -0.5], even, steep, few, hole, endless] {
            let row = Row::new(values.clone(), values.clone());
            let ordered: Vec<f32> = row.ordered.iter().map(|&k| values[k]).collect();
            let mut expected = values;
            expected.sort_by(f32::total_cmp);
            let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&ordered), bits(&expected));
        }
    }

    /// Pairs that do not tie, counted.
    fn pairs_of(teacher: &[f32], b: usize) -> usize {
        let row = |i: usize| {
            let pairs = (0..b).flat_map(move |k| (0..k).map(move |j| (j, k))).filter(move |&(j, k)| j != i && k != i);
            pairs.filter(move |&(j, k)| teacher[i * b + j] != teacher[i * b + k]).count()
        };
        (0..b).map(row).sum()
    }
}
