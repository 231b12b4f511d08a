//! Sums of sigmoids over points on a line, `f(x) = sum_j sigma(x - x_j)`, at all points: `O(B n)` work in place of `O(B^2)`.
//!
//! `f` has no singularity nearer to the line than `pi`. So over `[-h, h]` its Chebyshev series falls like `rho^-m` with
//! `ln rho = asinh(pi / h)` (Trefethen 2013, Approximation Theory and Approximation Practice, theorem 8.2), and the `n`
//! terms above what f32 can tell are `f` itself: 18 for points within 6 of each other, 50 within 20.

use crate::matrix::dot;
use multiversion::multiversion;

/// Numbers that are worked on side by side: as many registers as hide the latency of a recurrence.
const LANES: usize = if cfg!(feature = "cli") { 32 } else { 16 };
/// `-ln` of what a series may leave out, beside sums of order 1.
const DIGITS: f32 = 15.0;

/// Points on a line with their middle at 0, `x = half u`.
pub struct Points {
    half: f32,
    /// In `[-1, 1]`.
    u: Vec<f32>,
    /// `exp(x)`, and after them infinities to a multiple of the lanes: what is infinitely far adds nothing.
    exponentials: Vec<f32>,
}

impl Points {
    /// The points `scale values`.
    pub fn new(values: &[f32], scale: f32) -> Self {
        let (low, high) = bounds(values);
        let middle = (low + high) / 2.0;
        // No interval is empty: a wider one than is needed costs nothing.
        let half = (scale * (high - low) / 2.0).max(0.1);
        let mut u = vec![0.0; values.len()];
        let mut exponentials = vec![f32::INFINITY; values.len().next_multiple_of(LANES)];
        spread_out(values, [scale, middle, half], &mut u, &mut exponentials);
        Self { half, u, exponentials }
    }

    /// Point `k`.
    pub fn at(&self, k: usize) -> f32 {
        self.half * self.u[k]
    }

    /// `sum_k x_k weights_k`
    pub fn dot(&self, weights: &[f32]) -> f32 {
        self.half * dot(&self.u, weights)
    }

    /// `sum_j log(1 + exp(low - x_j))` at the interval's lower end: a product, whose factors are at most 2.
    fn softplus_below(&self) -> f64 {
        let low = exp(-self.half);
        let product = |some: &[f32]| {
            let mut lanes = [1.0; 8];
            for a in some.as_chunks::<8>().0 {
                lanes.iter_mut().zip(a).for_each(|(lane, a)| *lane *= f64::from(1.0 + low / a));
            }
            lanes.iter().product::<f64>().ln()
        };
        self.exponentials.chunks(30 * LANES).map(product).sum()
    }
}

/// How many terms a series over points of some spread has, and the cosines to find them by.
pub struct Terms {
    n: usize,
    /// `cos(m theta_c)` at `m n + c`, `theta_c = (c + 1/2) pi / n`.
    cosines: Vec<f32>,
}

impl Terms {
    /// For points that lie within `spread` of each other.
    pub fn new(spread: f32) -> Self {
        let rate = (std::f32::consts::PI / (spread / 2.0).max(0.1)).asinh();
        let n = (DIGITS / rate).ceil() as usize + 1;
        let angle = |k: usize| ((2 * (k % (4 * n))) as f64 * std::f64::consts::PI / (4 * n) as f64).cos() as f32;
        Self { n, cosines: (0..n * n).map(|at| angle((at / n) * (2 * (at % n) + 1))).collect() }
    }

    /// The series of `f`.
    pub fn sigmoids(&self, points: &Points) -> Series {
        let mut values = self.cosines[self.n..2 * self.n].to_vec();
        sums_at(&mut values, points);
        let coefficient = |cosines: &[f32]| dot(cosines, &values) * 2.0 / self.n as f32;
        let mut coefficients: Vec<f32> = self.cosines.chunks(self.n).map(coefficient).collect();
        coefficients[0] /= 2.0;
        Series(coefficients)
    }
}

/// `sum_m c_m T_m(u)`
pub struct Series(Vec<f32>);

impl Series {
    /// Its values at all points.
    pub fn values(&self, points: &Points) -> Vec<f32> {
        let mut values = points.u.clone();
        clenshaw(&mut values, &self.0);
        values
    }

    /// From `f` to `F(x) = sum_j log(1 + exp(x - x_j))`, whose derivative it is.
    pub fn softplus(&self, points: &Points) -> Self {
        let c = |m: usize| self.0.get(m).copied().unwrap_or(0.0);
        let mut integral = vec![0.0; self.0.len() + 1];
        integral[1] = points.half * (c(0) - c(2) / 2.0);
        for (m, term) in integral.iter_mut().enumerate().skip(2) {
            *term = points.half * (c(m - 1) - c(m + 1)) / (2 * m) as f32;
        }
        let below: f32 = integral.iter().enumerate().map(|(m, c)| if m % 2 == 0 { *c } else { -c }).sum();
        integral[0] = points.softplus_below() as f32 - below;
        Self(integral)
    }
}

/// `x = scale (value - middle)`: `x / half` and `exp(x)`.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn spread_out(values: &[f32], [scale, middle, half]: [f32; 3], u: &mut [f32], exponentials: &mut [f32]) {
    for ((u, exponential), value) in u.iter_mut().zip(exponentials).zip(values) {
        let x = scale * (value - middle);
        *u = x / half;
        *exponential = exp(x);
    }
}

/// From places in `[-1, 1]` to `f` there.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn sums_at(places: &mut [f32], points: &Points) {
    for place in places {
        let a = exp(points.half * *place);
        let mut lanes = [0.0; LANES];
        for b in points.exponentials.as_chunks::<LANES>().0 {
            lanes.iter_mut().zip(b).for_each(|(lane, b)| *lane += a / (a + b));
        }
        *place = lanes.iter().sum();
    }
}

/// From places in `[-1, 1]` to the values of a series there, by Clenshaw's recurrence.
#[multiversion(targets("x86_64+avx512f+avx512vl", "x86_64+avx2"))]
fn clenshaw(places: &mut [f32], coefficients: &[f32]) {
    for places in places.chunks_mut(LANES) {
        let (mut twice, mut one, mut two) = ([0.0; LANES], [0.0; LANES], [0.0; LANES]);
        twice.iter_mut().zip(&*places).for_each(|(twice, u)| *twice = 2.0 * u);
        for c in coefficients[1..].iter().rev() {
            for ((twice, one), two) in twice.iter().zip(&mut one).zip(&mut two) {
                // In this order one step waits for two operations of the step before, not for three.
                (*one, *two) = (twice * *one + (c - *two), *one);
            }
        }
        for (((place, twice), one), two) in places.iter_mut().zip(&twice).zip(&one).zip(&two) {
            *place = twice / 2.0 * one - two + coefficients[0];
        }
    }
}

/// The smallest and the largest of these.
pub fn bounds(values: &[f32]) -> (f32, f32) {
    let (lanes, rest) = values.as_chunks::<LANES>();
    let (mut low, mut high) = ([f32::INFINITY; LANES], [f32::NEG_INFINITY; LANES]);
    let mut meet = |values: &[f32]| {
        for ((low, high), x) in low.iter_mut().zip(&mut high).zip(values) {
            (*low, *high) = (if *x < *low { *x } else { *low }, if *x > *high { *x } else { *high });
        }
    };
    lanes.iter().for_each(|lanes| meet(lanes));
    meet(rest);
    (low.into_iter().fold(f32::INFINITY, f32::min), high.into_iter().fold(f32::NEG_INFINITY, f32::max))
}

/// `exp(x)` to the last digit or two, for `|x| <= 87`: without branches, so that it becomes SIMD (coefficients: Moshier,
/// Cephes, `expf.c`).
#[inline(always)]
pub fn exp(x: f32) -> f32 {
    // Added and taken away again, it rounds to an integer.
    const ROUND: f32 = 12_582_912.0;
    let n = x * std::f32::consts::LOG2_E + ROUND - ROUND;
    // ln 2 in two parts, the first of which has few digits.
    let r = x - n * 0.693_359_4 + n * 2.121_944_4e-4;
    let p = 1.987_569_1e-4;
    let p = p * r + 1.398_199_9e-3;
    let p = p * r + 8.333_452e-3;
    let p = p * r + 4.166_579_6e-2;
    let p = p * r + 0.166_666_65;
    let p = p * r + 0.5;
    let p = p * r * r + r + 1.0;
    p * f32::from_bits(((n + 127.0) as i32 as u32) << 23)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Purpose, stream};
    use rand::Rng as _;

    #[test]
    fn sums_and_integrals_equal_those_of_each_pair() {
        let mut rng = stream(1, Purpose::Noise, 0);
        for spread in [0.0, 1e-3, 0.5, 6.0, 20.0, 100.0] {
            for count in [2, 17, 300, 1200] {
                let values: Vec<f32> = (0..count).map(|_| 5.0 + spread * rng.random_range(0.0..0.25)).collect();
                let points = Points::new(&values, 4.0);
                let series = Terms::new(spread).sigmoids(&points);
                let sums = series.values(&points);
                let integrals = series.softplus(&points).values(&points);
                for k in 0..count {
                    let gaps = values.iter().map(|x| 4.0 * (f64::from(values[k]) - f64::from(*x)));
                    let sum: f64 = gaps.clone().map(|z| 1.0 / (1.0 + (-z).exp())).sum();
                    let integral: f64 = gaps.map(|z| z.max(0.0) + (-z.abs()).exp().ln_1p()).sum();
                    let within = 3e-6 * count as f64;
                    assert!((f64::from(sums[k]) - sum).abs() < within, "{spread} {count}: {} {sum}", sums[k]);
                    let within = within * f64::from(spread).max(1.0);
                    assert!(
                        (f64::from(integrals[k]) - integral).abs() < within,
                        "{spread} {count}: {} {integral}",
                        integrals[k]
                    );
                }
            }
        }
    }

    #[test]
    fn exponentials_are_those_of_the_library() {
        for n in -8700..=8700 {
            let x = n as f32 * 0.01;
            assert!((exp(x) / x.exp() - 1.0).abs() < 3e-7, "{x}: {} {}", exp(x), x.exp());
        }
    }

    #[test]
    fn bounds_look_at_every_value() {
        for len in [1, 15, 16, 40] {
            for place in 0..len {
                let mut values = vec![0.5; len];
                values[place] = 2.0;
                assert_eq!(bounds(&values), (if len == 1 { 2.0 } else { 0.5 }, 2.0));
                values[place] = -2.0;
                assert_eq!(bounds(&values).0, -2.0);
            }
        }
    }
}
