//! Every operation on the CPU: its value by hand where it can be wrong, its gradient against differences.

use super::*;
use crate::loss::check::{gradient, noise, tensor};

/// A loss that weighs each number differently: a gradient in the wrong place is seen.
fn weighed<const D: usize>(t: Tensor<D>) -> Tensor<1> {
    let n = t.dims().iter().product::<usize>();
    let weights = (0..n).map(|i| 0.3 + (i * 7 % 5) as f32).collect();
    (t.clone() * Tensor::new(weights, t.dims(), &t.device())).sum()
}

fn values<const D: usize>(shape: [usize; D], values: &[f32]) -> Tensor<D> {
    Tensor::new(values.to_vec(), shape, &Device::Cpu)
}

#[test]
fn gradients_of_single_operands() {
    // No number within a difference's step of a kink (0 and both clamps).
    let x: Vec<f32> = (0..12).map(|n| (n * 7 % 12) as f32 * 0.17 - 0.93).collect();
    let positive: Vec<f32> = x.iter().map(|x| x.abs() + 0.5).collect();
    type Operation = (&'static str, fn(Tensor<2>) -> Tensor<2>);
    let operations: [Operation; 13] = [
        ("exp", Tensor::exp),
        ("square", Tensor::square),
        ("abs", Tensor::abs),
        ("relu", Tensor::relu),
        ("transpose", Tensor::transpose),
        ("scalars", |t| t.mul_scalar(3.0).add_scalar(2.0).sub_scalar(1.0).div_scalar(4.0)),
        ("clamps", |t| t.clamp_min(-0.53).clamp_max(0.51)),
        ("sum_dim", |t| t.clone().sum_dim(0).square() + t.sum_dim(1).square().mean_dim(0)),
        ("max_dim", |t| t.clone() - t.max_dim(1)),
        ("reshape", |t| t.reshape([2, 2, 3]).permute([2, 0, 1]).square().reshape([4, 3])),
        ("split and cat", |t| Tensor::cat(t.split(2, 1).into_iter().rev().map(Tensor::square).collect(), 1)),
        ("select", |t| t.clone().select(0, &Indices::list(vec![2, 0, 2], &Device::Cpu)).square()),
        ("gather", |t| t.gather(&Indices::new(vec![3, 3, 0, 1, 2, 0], [3, 2], &Device::Cpu)).square()),
    ];
    for (name, operation) in operations {
        println!("{name}");
        // The largest moves with the numbers; what passes no gradient has none to compare.
        if name != "max_dim" {
            gradient(3, 4, &x, |t| weighed(operation(t)));
        }
    }
    let operations: [Operation; 4] =
        [("log", Tensor::log), ("log1p", Tensor::log1p), ("sqrt", Tensor::sqrt), ("recip", Tensor::recip)];
    for (name, operation) in operations {
        println!("{name}");
        gradient(3, 4, &positive, |t| weighed(operation(t)));
    }
    let mask = Mask::new((0..12).map(|n| n % 3 == 0).collect(), [3, 4], &Device::Cpu);
    gradient(3, 4, &x, |t| weighed(t.square().mask_fill(&mask, 5.0)));
}

#[test]
fn gradients_of_two_operands_with_repeated_axes() {
    let (x, other) = (noise(12, 1), noise(12, 2).iter().map(|x| x.abs() + 0.5).collect::<Vec<_>>());
    for shape in [[3, 4], [3, 1], [1, 4], [1, 1]] {
        let n = shape[0] * shape[1];
        let y = || values(shape, &other[..n]);
        gradient(3, 4, &x, |t| weighed((t.clone() + y()) * (t - y())));
        gradient(3, 4, &x, |t| weighed(t / y()));
        gradient(3, 4, &x, |t| weighed(t.max_pair(y().sub_scalar(1.0))));
        // The repeated one as the leaf.
        let fixed = || values([3, 4], &x);
        gradient(shape[0], shape[1], &other[..n], |t| weighed(fixed() * t.clone() - t));
        gradient(shape[0], shape[1], &other[..n], |t| weighed(fixed() / t));
    }
    gradient(2, 3, &x[..6], |t| weighed(t.clone().reshape([1, 2, 3]) * t.reshape([2, 1, 3])));
    gradient(3, 4, &x, |t| weighed(t.unit_distances()));
    gradient(3, 4, &x, |t| weighed(t.matmul_transposed(values([2, 4], &other[..8])).square()));
    gradient(2, 4, &other[..8], |t| weighed(values([3, 4], &x).matmul_transposed(t).square()));
    gradient(3, 4, &x, |t| weighed(t.clone().unit_rows(1e-3)) + weighed(t));
    let (gain, shift) = (|| values([1, 4], &other[..4]), || values([1, 4], &x[..4]));
    gradient(3, 4, &x, |t| weighed(t.layer_norm(gain(), shift(), 1e-3)));
    gradient(1, 4, &other[..4], |t| weighed(values([3, 4], &x).layer_norm(t, shift(), 1e-3).square()));
    gradient(1, 4, &x[..4], |t| weighed(values([3, 4], &x).layer_norm(gain(), t, 1e-3).square()));
    let (weight, bias) = (|| values([4, 2], &other[..8]), || values([1, 2], &[0.3, -0.4]));
    gradient(3, 4, &x, |t| weighed(t.affine(weight(), bias()).square()));
    gradient(4, 2, &other[..8], |t| weighed(values([3, 4], &x).affine(t, bias()).square()));
    gradient(1, 2, &[0.3, -0.4], |t| weighed(values([3, 4], &x).affine(weight(), t).square()));
}

#[test]
fn what_is_not_a_number_stays_none() {
    let x = values([1, 2], &[f32::NAN, -1.0]);
    let leaf = x.clone().tracked();
    let result = leaf.clone().relu();
    assert!(result.clone().array()[0].is_nan() && result.clone().array()[1] == 0.0);
    assert!(leaf.grad(&result.square().sum().backward()).unwrap().array()[0].is_nan());
    assert!(x.unit_rows(1e-12).array()[0].is_nan());
}

#[test]
fn norms_by_hand() {
    // Mean 3 and variance 4; length 5.
    let normed = values([1, 2], &[1.0, 5.0]).layer_norm(values([1, 2], &[2.0, 3.0]), values([1, 2], &[0.5, 0.0]), 0.0);
    assert_eq!(normed.array(), [-1.5, 3.0]);
    let unit = values([2, 2], &[3.0, 4.0, 0.0, 0.0]).unit_rows(1e-12).array();
    assert!((unit[0] - 0.6).abs() < 1e-6 && (unit[1] - 0.8).abs() < 1e-6 && unit[2..] == [0.0, 0.0], "{unit:?}");
}

#[test]
fn an_operand_that_is_used_twice_gets_both_shares() {
    let leaf = values([1, 2], &[2.0, 3.0]).tracked();
    let loss = (leaf.clone() * leaf.clone() + leaf.clone()).sum();
    assert_eq!(leaf.grad(&loss.backward()).unwrap().array(), [5.0, 7.0]);
}

#[test]
fn what_was_cut_off_gets_no_gradient() {
    let (leaf, other) = (values([1, 2], &[2.0, 3.0]).tracked(), values([1, 2], &[1.0, 1.0]).tracked());
    let gradients = (leaf.clone() * leaf.clone().inner()).sum().backward();
    assert_eq!(leaf.grad(&gradients).unwrap().array(), [2.0, 3.0]);
    assert!(other.grad(&gradients).is_none());
}

#[test]
fn convolutions_by_hand_and_by_differences() {
    let window = Window { stride: 1, rows: (1, 1), columns: (1, 1), depthwise: false };
    let picture = values([1, 1, 3, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]);
    let ones = values([1, 1, 3, 3], &[1.0; 9]);
    // Sums of the neighbours that there are.
    let sums = [12.0, 21.0, 16.0, 27.0, 45.0, 33.0, 24.0, 39.0, 28.0];
    for depthwise in [false, true] {
        let window = Window { depthwise, ..window };
        let found = picture.clone().conv2d(&ones, &values([1], &[0.5]), window).array();
        assert_eq!(found, sums.map(|sum| sum + 0.5));
        let half = Window { stride: 2, depthwise, ..window };
        assert_eq!(picture.clone().conv2d(&ones, &values([1], &[0.0]), half).array(), [12.0, 16.0, 24.0, 28.0]);
        let end = Window { rows: (0, 1), columns: (0, 1), depthwise, ..window };
        assert_eq!(picture.clone().conv2d(&ones, &values([1], &[0.0]), end).array(), [45.0, 33.0, 39.0, 28.0]);
    }
    // Two pictures of two channels, three filters of 2 x 2, every side by another stride and border.
    let (x, filters, bias) = (noise(2 * 2 * 12, 1), noise(3 * 2 * 4, 2), noise(3, 3));
    for window in [Window { stride: 2, rows: (1, 0), ..window }, Window { rows: (0, 0), columns: (0, 1), ..window }] {
        let of = |x: Tensor<2>, filters: Tensor<2>, bias: Tensor<2>| {
            weighed(x.reshape([2, 2, 3, 4]).conv2d(&filters.reshape([3, 2, 2, 2]), &bias.reshape([3]), window).square())
        };
        let fixed = || (tensor(4, 12, &x), tensor(3, 8, &filters), tensor(1, 3, &bias));
        gradient(4, 12, &x, |x| of(x, fixed().1, fixed().2));
        gradient(3, 8, &filters, |filters| of(fixed().0, filters, fixed().2));
        gradient(1, 3, &bias, |bias| of(fixed().0, fixed().1, bias));
    }
    // One pixel wide: the picture as it lies.
    let filters = noise(6, 4);
    let window = Window { stride: 1, rows: (0, 0), columns: (0, 0), depthwise: false };
    gradient(4, 12, &x, |x| {
        let filters = values([3, 2, 1, 1], &filters);
        weighed(x.reshape([2, 2, 3, 4]).conv2d(&filters, &values([3], &bias), window).square())
    });
}
