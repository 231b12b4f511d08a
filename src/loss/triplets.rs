//! Transfer over **all** triplets: a sum of B^3 terms that needs only the two distance tables, and as much memory.
//!
//! For an anchor i, items j and k with the teacher's distances `t` and the student's `s` of row i:
//! `L = softplus(z_k - z_j) - P (z_k - z_j)` with `z = gamma s` and `P = [t_k > t_j]`, or `sigma((t_k - t_j) / tau)`.
//! Swapping j and k changes neither the loss nor what it asks for, so a pair is looked at once. Value and gradient come
//! from the same pass: `dL/dz_k = Q - P = -dL/dz_j`, `Q = sigma(z_k - z_j)`.
//!
//! With `a = exp(z)` there is no exponential per triplet: `Q = a_k / (a_j + a_k)`, and sums of logarithms are logarithms of
//! products. The plain B^3 tensor is what it is tested against.

use crate::config::{Form, Order, TransferConfig};
use crate::tensor::Tensor;

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
    let mut gradient = vec![0.0; b * b];
    let row = |(i, gradient): (usize, &mut [f32])| {
        let span = i * b..(i + 1) * b;
        Row::new(i, &student[span.clone()], &teacher[span]).learn(config, gradient)
    };
    #[cfg(feature = "cli")]
    let rows: Vec<(f64, u64)> = {
        use rayon::prelude::*;
        gradient.par_chunks_mut(b).enumerate().map(row).collect()
    };
    #[cfg(not(feature = "cli"))]
    let rows: Vec<(f64, u64)> = gradient.chunks_mut(b).enumerate().map(row).collect();
    let (loss, kept) = rows.iter().fold((0.0, 0), |(loss, kept), row| (loss + row.0, kept + row.1));
    let each = 1.0 / kept.max(1) as f64;
    gradient.iter_mut().for_each(|g| *g *= each as f32);
    All { value: (loss * each) as f32, gradient }
}

/// Numbers that are worked on side by side.
const LANES: usize = 8;
/// Widest spread of `gamma s` in a row for which products of eight sums stay inside f32.
const SPREAD: f32 = 18.0;
/// Widest spread of `t / tau` whose exponentials stay inside f32.
const TEACHER_SPREAD: f32 = 120.0;
/// Items at a time: eight factors of each lane between two normalisations of a product.
const BLOCK: usize = 8 * LANES;

/// The items other than the anchor, nearest to the teacher first.
struct Row {
    /// Where each stands in the table.
    place: Vec<usize>,
    student: Vec<f32>,
    teacher: Vec<f32>,
}

impl Row {
    fn new(anchor: usize, student: &[f32], teacher: &[f32]) -> Self {
        let mut place: Vec<usize> = (0..student.len()).filter(|&j| j != anchor).collect();
        place.sort_unstable_by(|&j, &k| teacher[j].total_cmp(&teacher[k]).then(j.cmp(&k)));
        let of = |table: &[f32]| place.iter().map(|&j| table[j]).collect();
        Self { student: of(student), teacher: of(teacher), place }
    }

    /// Adds the row's gradient (not yet divided by the number of pairs); returns its loss and how many pairs it has.
    fn learn(&self, config: &TransferConfig, gradient: &mut [f32]) -> (f64, u64) {
        let gamma = config.gamma as f32;
        let fits = config.form == Form::Softplus
            && spread(&self.student) * gamma <= SPREAD
            && (config.order == Order::Hard || spread(&self.teacher) / config.tau as f32 <= TEACHER_SPREAD);
        let mut by_z = vec![0.0; self.place.len()];
        let (loss, scale) = match (fits, config.order) {
            (true, Order::Hard) => (self.hard(gamma, &mut by_z), gamma),
            (true, Order::Soft) => (self.soft(gamma, config.tau as f32, &mut by_z), gamma),
            _ => (self.plain(config, &mut by_z), 1.0),
        };
        for (&j, g) in self.place.iter().zip(&by_z) {
            gradient[j] += g * scale;
        }
        (loss, (0..self.place.len()).map(|k| self.nearer(k) as u64).sum())
    }

    /// How many items the teacher sees nearer than the `k`-th; those that tie with it are not.
    fn nearer(&self, k: usize) -> usize {
        let t = self.teacher[k];
        self.teacher[..k].partition_point(|&other| other < t)
    }

    /// `exp(scale (x - middle))`
    fn exponentials(values: &[f32], scale: f32) -> Vec<f32> {
        let (low, high) = bounds(values);
        let middle = (low + high) / 2.0;
        values.iter().map(|x| (scale * (x - middle)).exp()).collect()
    }

    /// The teacher's order as a fact: each pair is `softplus(z_near - z_far) = log(a_near + a_far) - log(a_far)`.
    fn hard(&self, gamma: f32, by_z: &mut [f32]) -> f64 {
        let a = Self::exponentials(&self.student, gamma);
        let mut pulled = vec![0.0; a.len()];
        let mut loss = 0.0;
        for far in 0..self.place.len() {
            let near = self.nearer(far);
            let a_far = a[far];
            let (mut logs, mut total) = (Product::new(), [0.0; LANES]);
            for (a, pulled) in a[..near].chunks(BLOCK).zip(pulled[..near].chunks_mut(BLOCK)) {
                let (mut sums, mut shares) = ([1.0; BLOCK], [0.0; BLOCK]);
                for (((a, pulled), sum), share) in a.iter().zip(pulled).zip(&mut sums).zip(&mut shares) {
                    *sum = a + a_far;
                    *share = a / *sum;
                    *pulled += *share;
                }
                logs.multiply(&sums);
                accumulate(&mut total, &shares);
            }
            loss += logs.log() - near as f64 * f64::from(a_far.ln());
            by_z[far] -= total.iter().sum::<f32>();
        }
        by_z.iter_mut().zip(&pulled).for_each(|(g, pulled)| *g += pulled);
        loss
    }

    /// The teacher's order as a probability, `P = b_k / (b_j + b_k)` with `b = exp(t / tau)`.
    fn soft(&self, gamma: f32, tau: f32, by_z: &mut [f32]) -> f64 {
        let (a, b) = (Self::exponentials(&self.student, gamma), Self::exponentials(&self.teacher, 1.0 / tau));
        let z: Vec<f32> = self.student.iter().map(|s| gamma * s).collect();
        let mut pushed = vec![0.0; a.len()];
        // softplus(z_k - z_j) = log(a_j + a_k) - log(a_j): the second logarithms of all j before k.
        let (mut before, mut summed) = (0.0, 0);
        let mut loss = 0.0;
        for k in 0..self.place.len() {
            let near = self.nearer(k);
            before += a[summed..near].iter().map(|a| f64::from(a.ln())).sum::<f64>();
            summed = near;
            let (a_k, b_k, z_k) = (a[k], b[k], z[k]);
            let (mut logs, mut total, mut linear) = (Product::new(), [0.0; LANES], [0.0; LANES]);
            let items = a[..near].chunks(BLOCK).zip(b[..near].chunks(BLOCK)).zip(z[..near].chunks(BLOCK));
            for (((a, b), z), pushed) in items.zip(pushed[..near].chunks_mut(BLOCK)) {
                let (mut sums, mut asked, mut said) = ([1.0; BLOCK], [0.0; BLOCK], [0.0; BLOCK]);
                let out = sums.iter_mut().zip(&mut asked).zip(&mut said).zip(pushed);
                for (((a_j, b_j), z_j), (((sum, asked), said), pushed)) in a.iter().zip(b).zip(z).zip(out) {
                    let of_teacher = b_j + b_k;
                    *sum = a_j + a_k;
                    // One division for both: `Q = a_k / sum`, `P = b_k / of_teacher`.
                    let inverse = 1.0 / (*sum * of_teacher);
                    let p = b_k * *sum * inverse;
                    *asked = a_k * of_teacher * inverse - p;
                    *said = p * (z_k - z_j);
                    *pushed -= *asked;
                }
                logs.multiply(&sums);
                accumulate(&mut total, &asked);
                accumulate(&mut linear, &said);
            }
            loss += logs.log() - before - f64::from(linear.iter().sum::<f32>());
            by_z[k] += total.iter().sum::<f32>();
        }
        by_z.iter_mut().zip(&pushed).for_each(|(g, pushed)| *g += pushed);
        loss
    }

    /// Pair by pair, as the definition says: for the hinge, and for a student too sharp for the products above.
    fn plain(&self, config: &TransferConfig, by_s: &mut [f32]) -> f64 {
        let (gamma, tau, margin) = (config.gamma as f32, config.tau as f32, config.margin as f32);
        let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
        let mut loss = 0.0;
        for k in 0..self.place.len() {
            for j in 0..self.nearer(k) {
                let gap = self.student[k] - self.student[j];
                let p = match config.order {
                    Order::Hard => 1.0,
                    Order::Soft => sigmoid((self.teacher[k] - self.teacher[j]) / tau),
                };
                let (each, by_gap) = match config.form {
                    Form::Softplus => {
                        let z = gamma * gap;
                        (z.max(0.0) + (-z.abs()).exp().ln_1p() - p * z, gamma * (sigmoid(z) - p))
                    }
                    Form::Hinge => {
                        let (short, reversed) = ((margin - gap).max(0.0), (margin + gap).max(0.0));
                        let step = |x: f32| f32::from(x > 0.0);
                        (p * short + (1.0 - p) * reversed, (1.0 - p) * step(reversed) - p * step(short))
                    }
                };
                loss += f64::from(each);
                by_s[k] += by_gap;
                by_s[j] -= by_gap;
            }
        }
        loss
    }
}

fn bounds(values: &[f32]) -> (f32, f32) {
    values.iter().fold((f32::INFINITY, f32::NEG_INFINITY), |(low, high), &x| (low.min(x), high.max(x)))
}

fn spread(values: &[f32]) -> f32 {
    let (low, high) = bounds(values);
    high - low
}

/// Lane by lane.
fn accumulate(total: &mut [f32; LANES], block: &[f32; BLOCK]) {
    for lanes in block.as_chunks::<LANES>().0 {
        total.iter_mut().zip(lanes).for_each(|(total, lane)| *total += lane);
    }
}

/// A product of many numbers, lane by lane: mantissas in `factors`, exponents apart.
struct Product {
    factors: [f32; LANES],
    exponents: [i32; LANES],
}

impl Product {
    fn new() -> Self {
        Self { factors: [1.0; LANES], exponents: [0; LANES] }
    }

    /// Times all of these.
    fn multiply(&mut self, block: &[f32; BLOCK]) {
        for lanes in block.as_chunks::<LANES>().0 {
            self.factors.iter_mut().zip(lanes).for_each(|(factor, lane)| *factor *= lane);
        }
        self.normalise();
    }

    /// Back into `[1, 2)`: the exponent's bits of a positive number move to a sum of their own.
    fn normalise(&mut self) {
        for (factor, exponent) in self.factors.iter_mut().zip(&mut self.exponents) {
            let bits = factor.to_bits();
            *exponent += (bits >> 23) as i32 - 127;
            *factor = f32::from_bits(bits & 0x007f_ffff | 0x3f80_0000);
        }
    }

    /// The logarithm of all of it.
    fn log(mut self) -> f64 {
        self.normalise();
        let exponents: i64 = self.exponents.iter().map(|&e| i64::from(e)).sum();
        let mantissas: f64 = self.factors.iter().map(|f| f64::from(*f)).product();
        exponents as f64 * std::f64::consts::LN_2 + mantissas.ln()
    }
}
