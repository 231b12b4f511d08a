//! Number by number, with broadcasting: an axis of size 1 stands for any size.

use super::{Array, Shape};
use std::sync::Arc;

/// Where the numbers of an operand lie for a result of another shape: the step along each axis, 0 along a repeated one.
fn strides(shape: &[usize], result: &[usize]) -> Vec<usize> {
    let mut strides = vec![0; shape.len()];
    let mut step = 1;
    for axis in (0..shape.len()).rev() {
        strides[axis] = if shape[axis] == result[axis] { step } else { 0 };
        step *= shape[axis];
    }
    strides
}

fn broadcast(a: &[usize], b: &[usize]) -> Shape {
    assert_eq!(a.len(), b.len(), "axes of {a:?} and {b:?}");
    let size = |(&a, &b): (&usize, &usize)| {
        assert!(a == b || a == 1 || b == 1, "{a} against {b}");
        if a == 1 { b } else { a }
    };
    a.iter().zip(b).map(size).collect()
}

/// Calls `row(start of the result's row, offsets of the operands)` for each innermost row of `result`.
fn rows<const N: usize>(result: &[usize], strides: [&[usize]; N], mut row: impl FnMut(usize, [usize; N])) {
    let (Some((&width, outer)), 1..) = (result.split_last(), result.iter().product::<usize>()) else { return };
    let mut place = vec![0; outer.len()];
    let mut offsets = [0; N];
    let mut start = 0;
    loop {
        row(start, offsets);
        start += width;
        let mut axis = outer.len();
        loop {
            if axis == 0 {
                return;
            }
            axis -= 1;
            place[axis] += 1;
            (0..N).for_each(|n| offsets[n] += strides[n][axis]);
            if place[axis] < outer[axis] {
                break;
            }
            (0..N).for_each(|n| offsets[n] -= strides[n][axis] * place[axis]);
            place[axis] = 0;
        }
    }
}

/// `f(a, b)` in every place of the common shape.
fn zip(a: &Array, b: &Array, f: impl Fn(f32, f32) -> f32) -> (Vec<f32>, Shape) {
    let (x, y) = (a.values(), b.values());
    if a.shape() == b.shape() {
        return (x.iter().zip(y).map(|(&a, &b)| f(a, b)).collect(), a.shape().to_vec());
    }
    let shape = broadcast(a.shape(), b.shape());
    let (sa, sb) = (strides(a.shape(), &shape), strides(b.shape(), &shape));
    let width = shape[shape.len() - 1];
    let mut out = Vec::with_capacity(shape.iter().product());
    rows(&shape, [&sa, &sb], |_, [i, j]| match (sa[sa.len() - 1], sb[sb.len() - 1]) {
        (0, 0) => out.extend(std::iter::repeat_n(f(x[i], y[j]), width)),
        (0, _) => out.extend(y[j..j + width].iter().map(|&b| f(x[i], b))),
        (_, 0) => out.extend(x[i..i + width].iter().map(|&a| f(a, y[j]))),
        _ => out.extend(x[i..i + width].iter().zip(&y[j..j + width]).map(|(&a, &b)| f(a, b))),
    });
    (out, shape)
}

/// Sums what was repeated: the gradient of a result of shape `from`, as that of an operand of shape `to`.
pub(super) fn gathered(gradient: &[f32], from: &[usize], to: &[usize]) -> Vec<f32> {
    if from == to {
        return gradient.to_vec();
    }
    let steps = strides(to, from);
    let width = from[from.len() - 1];
    let mut out = vec![0.0; to.iter().product()];
    rows(from, [&steps], |start, [at]| {
        let row = &gradient[start..start + width];
        match steps[steps.len() - 1] {
            0 => out[at] += row.iter().sum::<f32>(),
            _ => out[at..at + width].iter_mut().zip(row).for_each(|(out, g)| *out += g),
        }
    });
    out
}

/// The gradient by an operand of shape `to`, from that of a result of `a` and `b`, which has shape `from`; `by` is the derivative.
fn operand_gradient(
    a: &Array,
    b: &Array,
    gradient: &[f32],
    by: impl Fn(f32, f32) -> f32,
    from: &[usize],
    to: &[usize],
) -> Vec<f32> {
    if a.shape() == b.shape() {
        let operands = a.values().iter().zip(b.values());
        return operands.zip(gradient).map(|((a, b), g)| by(*a, *b) * g).collect();
    }
    let (mut by, _) = zip(a, b, by);
    by.iter_mut().zip(gradient).for_each(|(by, g)| *by *= g);
    if from == to { by } else { gathered(&by, from, to) }
}

/// `max(x, 0)`; what is no number stays none.
#[inline(always)]
pub fn positive(x: f32) -> f32 {
    if x < 0.0 { 0.0 } else { x }
}

impl Array {
    /// `f(a, b)`; `by_a` and `by_b` are its derivatives.
    fn binary(
        &self,
        other: &Self,
        f: impl Fn(f32, f32) -> f32,
        by_a: impl Fn(f32, f32) -> f32 + Send + Sync + 'static,
        by_b: impl Fn(f32, f32) -> f32 + Send + Sync + 'static,
    ) -> Self {
        let (data, shape) = zip(self, other, f);
        let (a, b) = (self.clone().inner(), other.clone().inner());
        let (a2, b2, shape_a, shape_b) = (a.clone(), b.clone(), shape.clone(), shape.clone());
        let edges = [
            self.edge(move |g| operand_gradient(&a, &b, g, &by_a, &shape_a, a.shape())),
            other.edge(move |g| operand_gradient(&a2, &b2, g, &by_b, &shape_b, b2.shape())),
        ];
        Self::derived(data, shape, edges)
    }

    /// Sum; the gradient passes as it is (or negated), so nothing but shapes is kept.
    fn combined(&self, other: &Self, sign: f32) -> Self {
        let (data, shape) = zip(self, other, |a, b| a + sign * b);
        let (a, b, from) = (self.shape.clone(), other.shape.clone(), shape.clone());
        let from_b = shape.clone();
        let edges = [
            self.edge(move |g| gathered(g, &from, &a)),
            other.edge(move |g| {
                let mut share = gathered(g, &from_b, &b);
                share.iter_mut().for_each(|g| *g *= sign);
                share
            }),
        ];
        Self::derived(data, shape, edges)
    }

    /// The larger of two, place by place; where they are equal the gradient goes to the first.
    pub fn max_pair(self, other: Self) -> Self {
        self.binary(&other, f32::max, |a, b| f32::from(a >= b), |a, b| f32::from(b > a))
    }

    /// `f(x)`; `derivative(x, f(x))`.
    fn unary(self, f: impl Fn(f32) -> f32, derivative: impl Fn(f32, f32) -> f32 + Send + Sync + 'static) -> Self {
        let Some(node) = &self.node else {
            let shape = self.shape.clone();
            let mut data = self.into_values();
            data.iter_mut().for_each(|x| *x = f(*x));
            return Self::new(data, shape);
        };
        let data: Arc<Vec<f32>> = Arc::new(self.values().iter().map(|&x| f(x)).collect());
        let (x, y) = (self.data.clone(), data.clone());
        let rule = move |g: &[f32]| (0..g.len()).map(|i| g[i] * derivative(x[i], y[i])).collect();
        Self::after(Some(node.clone()), data, self.shape, rule)
    }

    /// Times a number.
    pub fn mul_scalar(self, by: f32) -> Self {
        self.unary(|x| x * by, move |_, _| by)
    }

    /// Divided by a number.
    pub fn div_scalar(self, by: f32) -> Self {
        self.unary(|x| x / by, move |_, _| 1.0 / by)
    }

    /// Plus a number.
    pub fn add_scalar(self, by: f32) -> Self {
        self.unary(|x| x + by, |_, _| 1.0)
    }

    /// Minus a number.
    pub fn sub_scalar(self, by: f32) -> Self {
        self.add_scalar(-by)
    }

    /// `e^x`.
    pub fn exp(self) -> Self {
        self.unary(f32::exp, |_, y| y)
    }

    /// Natural logarithm.
    pub fn log(self) -> Self {
        self.unary(f32::ln, |x, _| 1.0 / x)
    }

    /// `log(1 + x)`, exact for small x.
    pub fn log1p(self) -> Self {
        self.unary(f32::ln_1p, |x, _| 1.0 / (1.0 + x))
    }

    /// Square root.
    pub fn sqrt(self) -> Self {
        self.unary(f32::sqrt, |_, y| 0.5 / y)
    }

    /// `1 / x`.
    pub fn recip(self) -> Self {
        self.unary(f32::recip, |_, y| -y * y)
    }

    /// `x^2`.
    pub fn square(self) -> Self {
        self.unary(|x| x * x, |x, _| 2.0 * x)
    }

    /// `|x|`.
    pub fn abs(self) -> Self {
        self.unary(f32::abs, |x, _| if x == 0.0 { 0.0 } else { x.signum() })
    }

    /// `max(x, 0)`, in place where nobody else holds the numbers: its derivative is seen in what is left of them.
    pub fn relu(self) -> Self {
        let (node, shape) = (self.node.clone(), self.shape.clone());
        let mut data = self.into_values();
        data.iter_mut().for_each(|x| *x = positive(*x));
        let y = Arc::new(data);
        let kept = y.clone();
        Self::after(node, y, shape, move |g| {
            g.iter().zip(&*kept).map(|(g, y)| if *y <= 0.0 { 0.0 } else { *g }).collect()
        })
    }

    /// At least a number.
    pub fn clamp_min(self, low: f32) -> Self {
        // `x.max(low)` would turn a NaN into `low`.
        self.unary(|x| if x < low { low } else { x }, move |x, _| f32::from(x >= low))
    }

    /// At most a number.
    pub fn clamp_max(self, high: f32) -> Self {
        self.unary(|x| if x > high { high } else { x }, move |x, _| f32::from(x <= high))
    }

    /// Between two numbers.
    pub fn clamp(self, low: f32, high: f32) -> Self {
        self.clamp_min(low).clamp_max(high)
    }

    /// `value` wherever `mask` (of the same shape) is set.
    pub fn mask_fill(self, mask: &Arc<Vec<bool>>, value: f32) -> Self {
        assert_eq!(mask.len(), self.len(), "a mask for every number");
        let filled = |data: &[f32], value: f32, mask: &[bool]| {
            data.iter().zip(mask).map(|(&x, &masked)| if masked { value } else { x }).collect::<Vec<f32>>()
        };
        let data = filled(self.values(), value, mask);
        let mask = mask.clone();
        let edge = self.edge(move |g| filled(g, 0.0, &mask));
        Self::derived(data, self.shape, [edge])
    }
}

impl std::ops::Add for Array {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        self.combined(&other, 1.0)
    }
}

impl std::ops::Sub for Array {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        self.combined(&other, -1.0)
    }
}

impl std::ops::Mul for Array {
    type Output = Self;

    fn mul(self, other: Self) -> Self {
        self.binary(&other, |a, b| a * b, |_, b| b, |a, _| a)
    }
}

impl std::ops::Div for Array {
    type Output = Self;

    fn div(self, other: Self) -> Self {
        self.binary(&other, |a, b| a / b, |_, b| 1.0 / b, |a, b| -a / (b * b))
    }
}
