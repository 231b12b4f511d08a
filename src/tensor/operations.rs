//! The operations, each on either device.

use super::{Device, Indices, Mask, Tensor, Window, cpu};

/// The same method on whichever holds the values.
macro_rules! on {
    ($tensor:expr, $t:ident => $result:expr) => {
        on!($tensor, $t => $result, $result)
    };
    ($tensor:expr, $t:ident => $cpu:expr, $gpu:expr) => {
        match $tensor {
            Tensor::Cpu($t) => Tensor::Cpu($cpu),
            #[cfg(feature = "gpu")]
            Tensor::Gpu($t) => Tensor::Gpu($gpu),
        }
    };
}

/// The same with two operands.
macro_rules! both {
    ($a:expr, $b:expr, $x:ident, $y:ident => $result:expr) => {
        both!($a, $b, $x, $y => $result, $result)
    };
    ($a:expr, $b:expr, $x:ident, $y:ident => $cpu:expr, $gpu:expr) => {
        match ($a, $b) {
            (Tensor::Cpu($x), Tensor::Cpu($y)) => Tensor::Cpu($cpu),
            #[cfg(feature = "gpu")]
            (Tensor::Gpu($x), Tensor::Gpu($y)) => Tensor::Gpu($gpu),
            #[cfg(feature = "gpu")]
            _ => unreachable!("operands live on one device"),
        }
    };
}

macro_rules! operators {
    ($($operator:ident, $method:ident);*) => {$(
        impl<const D: usize> std::ops::$operator for Tensor<D> {
            type Output = Self;

            fn $method(self, other: Self) -> Self {
                both!(self, other, a, b => a.$method(b))
            }
        }
    )*};
}

operators!(Add, add; Sub, sub; Mul, mul; Div, div);

macro_rules! unary {
    ($($(#[$doc:meta])* $method:ident;)*) => {$(
        $(#[$doc])*
        pub fn $method(self) -> Self {
            on!(self, t => t.$method())
        }
    )*};
}

macro_rules! with_scalar {
    ($($(#[$doc:meta])* $method:ident;)*) => {$(
        $(#[$doc])*
        pub fn $method(self, by: f32) -> Self {
            on!(self, t => t.$method(by))
        }
    )*};
}

impl<const D: usize> Tensor<D> {
    unary! {
        /// `e^x`.
        exp;
        /// Natural logarithm.
        log;
        /// `log(1 + x)`, exact for small x.
        log1p;
        /// Square root.
        sqrt;
        /// `1 / x`.
        recip;
        /// `x^2`.
        square;
        /// `|x|`.
        abs;
    }

    with_scalar! {
        /// Plus a number.
        add_scalar;
        /// Minus a number.
        sub_scalar;
        /// Times a number.
        mul_scalar;
        /// Divided by a number.
        div_scalar;
        /// At least a number.
        clamp_min;
        /// At most a number.
        clamp_max;
    }

    /// Between two numbers.
    pub fn clamp(self, low: f32, high: f32) -> Self {
        on!(self, t => t.clamp(low, high))
    }

    /// `max(x, 0)`.
    pub fn relu(self) -> Self {
        on!(self, t => t.relu(), burn::tensor::activation::relu(t))
    }

    /// The larger of two, place by place.
    pub fn max_pair(self, other: Self) -> Self {
        both!(self, other, a, b => a.max_pair(b))
    }

    /// The sum of all numbers.
    pub fn sum(self) -> Tensor<1> {
        on!(self, t => t.sum())
    }

    /// The sum along an axis, which stays with size 1.
    pub fn sum_dim(self, axis: usize) -> Self {
        on!(self, t => t.sum_dim(axis))
    }

    /// The mean along an axis, which stays with size 1.
    pub fn mean_dim(self, axis: usize) -> Self {
        on!(self, t => t.mean_dim(axis))
    }

    /// The largest along an axis, which stays with size 1; no gradient passes.
    pub fn max_dim(self, axis: usize) -> Self {
        on!(self.inner(), t => t.max_dim(axis))
    }

    /// The same numbers in another shape.
    pub fn reshape<const E: usize>(self, shape: [usize; E]) -> Tensor<E> {
        on!(self, t => t.reshape(shape))
    }

    /// Axes in another order.
    pub fn permute(self, axes: [usize; D]) -> Self {
        on!(self, t => t.permute(axes), t.permute(axes.map(|axis| axis as isize)))
    }

    /// One after the other along an axis.
    pub fn cat(tensors: Vec<Self>, axis: usize) -> Self {
        #[cfg(feature = "gpu")]
        if let Some(Self::Gpu(_)) = tensors.first() {
            let on_gpu = |t| if let Self::Gpu(t) = t { t } else { unreachable!("operands live on one device") };
            return Self::Gpu(burn::tensor::Tensor::cat(tensors.into_iter().map(on_gpu).collect(), axis));
        }
        let in_memory = |t| match t {
            Self::Cpu(t) => t,
            #[cfg(feature = "gpu")]
            Self::Gpu(_) => unreachable!("operands live on one device"),
        };
        Self::Cpu(cpu::Array::cat(tensors.into_iter().map(in_memory).collect(), axis))
    }

    /// Pieces of `size` along an axis, the last one smaller where it does not divide.
    pub fn split(self, size: usize, axis: usize) -> Vec<Self> {
        match self {
            Self::Cpu(t) => t.split(size, axis).into_iter().map(Self::Cpu).collect(),
            #[cfg(feature = "gpu")]
            Self::Gpu(t) => t.split(size, axis).into_iter().map(Self::Gpu).collect(),
        }
    }
}

impl Tensor<2> {
    /// `x W + b`, `[m, k] x [k, n] + [1, n] -> [m, n]`.
    pub fn affine(self, weight: Self, bias: Self) -> Self {
        match (self, weight, bias) {
            (Self::Cpu(x), Self::Cpu(weight), Self::Cpu(bias)) => Self::Cpu(x.affine(&weight, &bias)),
            #[cfg(feature = "gpu")]
            (Self::Gpu(x), Self::Gpu(weight), Self::Gpu(bias)) => Self::Gpu(x.matmul(weight) + bias),
            #[cfg(feature = "gpu")]
            _ => unreachable!("operands live on one device"),
        }
    }

    /// Every row minus its mean over its standard deviation, times `gain` plus `bias`, `[1, n]` each; `[m, n] -> [m, n]`
    /// (Ba et al. 2016). `epsilon` is added to the variance.
    pub fn layer_norm(self, gain: Self, bias: Self, epsilon: f32) -> Self {
        match (self, gain, bias) {
            (Self::Cpu(x), Self::Cpu(gain), Self::Cpu(bias)) => Self::Cpu(x.layer_norm(&gain, &bias, epsilon)),
            #[cfg(feature = "gpu")]
            (x, gain, bias) => {
                let centred = x.clone() - x.mean_dim(1);
                let variance = centred.clone().square().mean_dim(1);
                centred / variance.add_scalar(epsilon).sqrt() * gain + bias
            }
        }
    }

    /// Every row over its length, `[m, n] -> [m, n]`. `epsilon` is added to the square of the length.
    pub fn unit_rows(self, epsilon: f32) -> Self {
        match self {
            Self::Cpu(x) => Self::Cpu(x.unit_rows(epsilon)),
            #[cfg(feature = "gpu")]
            x => x.clone() / x.square().sum_dim(1).add_scalar(epsilon).sqrt(),
        }
    }

    /// The inner product of every row with every row of `other`, `[m, k] x [n, k] -> [m, n]`.
    pub fn matmul_transposed(self, other: Self) -> Self {
        both!(self, other, a, b => a.matmul_transposed(b), a.matmul(b.transpose()))
    }

    /// Squared distances between rows of unit length, `[n, d] -> [n, n]`: `2 - 2 e e^T`.
    pub fn unit_distances(self) -> Self {
        on!(self, e => e.unit_distances(), e.clone().matmul(e.transpose()).mul_scalar(-2.0).add_scalar(2.0))
    }

    /// Rows as columns.
    pub fn transpose(self) -> Self {
        on!(self, t => t.transpose())
    }

    /// Of each row the numbers in the columns that `places` names, `[B, N], [B, M] -> [B, M]`.
    pub fn gather(self, places: &Indices) -> Self {
        match (self, places) {
            (Self::Cpu(t), Indices::Cpu(places, per_row)) => Self::Cpu(t.gather(places, *per_row)),
            #[cfg(feature = "gpu")]
            (Self::Gpu(t), Indices::Gpu(places)) => Self::Gpu(t.gather(1, places.clone())),
            #[cfg(feature = "gpu")]
            _ => unreachable!("operands live on one device"),
        }
    }

    /// The rows (`axis` 0) or columns (1) that a list names, in its order.
    pub fn select(self, axis: usize, list: &Indices) -> Self {
        match (self, list) {
            (Self::Cpu(t), Indices::Cpu(places, _)) => Self::Cpu(t.select(axis, places)),
            #[cfg(feature = "gpu")]
            (Self::Gpu(t), Indices::Gpu(places)) => {
                let [_, length] = places.dims();
                Self::Gpu(t.select(axis, places.clone().reshape([length])))
            }
            #[cfg(feature = "gpu")]
            _ => unreachable!("operands live on one device"),
        }
    }

    /// `value` wherever the mask is set.
    pub fn mask_fill(self, mask: &Mask, value: f32) -> Self {
        match (self, mask) {
            (Self::Cpu(t), Mask::Cpu(mask, _)) => Self::Cpu(t.mask_fill(mask, value)),
            #[cfg(feature = "gpu")]
            (Self::Gpu(t), Mask::Gpu(mask)) => Self::Gpu(t.mask_fill(mask.clone(), value)),
            #[cfg(feature = "gpu")]
            _ => unreachable!("operands live on one device"),
        }
    }

    /// A number that was made of this table, with its derivatives (of the table's shape) already at hand.
    pub fn with_gradient(self, value: Tensor<1>, derivatives: Self) -> Tensor<1> {
        let linear = (self * derivatives.inner()).sum();
        linear.clone() - linear.inner() + value.inner()
    }

    /// Columns of the `k` largest numbers of every row, largest first, `[B, N] -> [B, k]`.
    pub fn largest(self, k: usize) -> Indices {
        match self.inner() {
            Self::Cpu(t) => best(&t, k, 1.0, false),
            #[cfg(feature = "gpu")]
            Self::Gpu(t) => Indices::Gpu(t.argtopk(k, 1)),
        }
    }

    /// Columns of the `k` smallest numbers of every row of distances, smallest first, without an item's distance to itself;
    /// `k` below B. `[B, B] -> [B, k]`.
    pub fn nearest_others(self, k: usize) -> Indices {
        match self.inner() {
            Self::Cpu(t) => best(&t, k, -1.0, true),
            #[cfg(feature = "gpu")]
            Self::Gpu(t) => {
                let far = Self::eye(t.dims()[0], &Device::Gpu(t.device())).mul_scalar(1e4);
                (Self::Gpu(t) + far).mul_scalar(-1.0).largest(k)
            }
        }
    }
}

/// Columns of the `k` numbers of every row that are largest after multiplication with `sign`, largest first; `others`: without
/// the row's own column.
fn best(table: &cpu::Array, k: usize, sign: f32, others: bool) -> Indices {
    let [rows, columns] = [table.shape()[0], table.shape()[1]];
    let best = |(i, row): (usize, &[f32])| {
        let score = |n| if others && n == i { f32::NEG_INFINITY } else { sign * row[n] };
        let hits = crate::analyze::top_k_by(columns, k, score);
        hits.into_iter().map(|hit| hit.index as i32).collect::<Vec<_>>()
    };
    #[cfg(feature = "cli")]
    let places = {
        use rayon::prelude::*;
        table.values().par_chunks(columns.max(1)).with_min_len(64).enumerate().flat_map_iter(best).collect()
    };
    #[cfg(not(feature = "cli"))]
    let places = table.values().chunks(columns.max(1)).enumerate().flat_map(best).collect();
    Indices::new(places, [rows, k], &Device::Cpu)
}

impl Tensor<4> {
    /// Convolution of pictures `[n, channels, height, width]` with `weight` (see [`Window`]) and a bias for each channel of
    /// the result.
    pub fn conv2d(self, weight: &Self, bias: &Tensor<1>, window: Window) -> Self {
        match (self, weight, bias) {
            (Self::Cpu(x), Self::Cpu(weight), Tensor::Cpu(bias)) => Self::Cpu(x.conv2d(weight, bias, window)),
            #[cfg(feature = "gpu")]
            (Self::Gpu(x), Self::Gpu(weight), Tensor::Gpu(bias)) => {
                let [_, channels, _, _] = x.dims();
                let options = burn::tensor::ops::ConvOptions::new_with_padding(
                    [window.stride; 2],
                    [window.rows, window.columns],
                    [1, 1],
                    if window.depthwise { channels } else { 1 },
                );
                Self::Gpu(burn::tensor::module::conv2d(x, weight.clone(), Some(bias.clone()), options))
            }
            #[cfg(feature = "gpu")]
            _ => unreachable!("operands live on one device"),
        }
    }
}
