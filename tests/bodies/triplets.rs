//! The kernels for all triplets against the plain B^3 tensor, value and gradient, on fresh random inputs.

use mtls_lab::config::{Form, Order, TransferConfig};
use mtls_lab::loss::transfer::distances;
use mtls_lab::model::tower::unit_rows;
use mtls_lab::rng::{Purpose, Rng, stream};
use mtls_lab::tensor::{Device, Tensor};
use rand::Rng as _;

pub async fn all_triplets_equal_the_plain_tensor() {
    all_triplets_on(&Device::Cpu).await;
}

/// Unit rows. Every third repeats its neighbour, so that the teacher ties.
fn rows(b: usize, d: usize, rng: &mut Rng, device: &Device) -> Tensor<2> {
    let mut values: Vec<f32> = (0..b * d).map(|_| rng.random_range(-1.0..1.0)).collect();
    for i in (2..b).step_by(3) {
        values.copy_within((i - 1) * d..i * d, i * d);
    }
    unit_rows(Tensor::new(values, [b, d], device))
}

/// The definition, as one tensor of B^3 numbers; `teacher` are the numbers of its table.
fn plain(student: Tensor<2>, teacher: &[f32], config: &TransferConfig) -> Tensor<1> {
    let ([b, _], device) = (student.dims(), student.device());
    let gap = (student.clone().reshape([b, 1, b]) - student.reshape([b, b, 1])).reshape([b * b, b]);
    let table = |of: &dyn Fn([usize; 3], f32) -> f32| {
        let places = (0..b).flat_map(|i| (0..b).flat_map(move |j| (0..b).map(move |k| [i, j, k])));
        let numbers = places.map(|[i, j, k]| of([i, j, k], teacher[i * b + k] - teacher[i * b + j])).collect();
        Tensor::new(numbers, [b * b, b], &device)
    };
    let keep = table(&|[i, j, k], taught| f32::from(i != j && i != k && taught != 0.0));
    let p = table(&|_, taught| match config.order {
        Order::Hard => f32::from(taught > 0.0),
        Order::Soft => 1.0 / (1.0 + (-taught / config.tau as f32).exp()),
    });
    let each = match config.form {
        Form::Softplus => {
            let z = gap.mul_scalar(config.gamma as f32);
            z.clone().clamp_min(0.0) + z.clone().abs().mul_scalar(-1.0).exp().log1p() - p * z
        }
        Form::Hinge => {
            let short = |gap: Tensor<2>| gap.mul_scalar(-1.0).add_scalar(config.margin as f32).clamp_min(0.0);
            p.clone() * short(gap.clone()) + p.mul_scalar(-1.0).add_scalar(1.0) * short(gap.mul_scalar(-1.0))
        }
    };
    (each * keep.clone()).sum() / keep.sum().clamp_min(1.0)
}

/// Both forms and both orders, a student too sharp for the short cut, and sizes beside those of lanes and tiles.
pub async fn all_triplets_on(device: &Device) {
    let mut rng = stream(3, Purpose::Noise, 0);
    for (n, b) in [3, 4, 9, 17, 24, 32].into_iter().enumerate() {
        for (order, form, gamma) in [
            (Order::Hard, Form::Softplus, 3.0),
            (Order::Soft, Form::Softplus, 3.0),
            (Order::Hard, Form::Softplus, 50.0),
            (Order::Soft, Form::Hinge, 3.0),
            (Order::Hard, Form::Hinge, 3.0),
        ] {
            let config = TransferConfig { order, form, gamma, ..Default::default() };
            let teacher = distances(rows(b, 4, &mut rng, device));
            let student = distances(rows(b, 4, &mut rng, device));
            let known = teacher.clone().values().await.unwrap();
            let mut found = Vec::new();
            for kernel in [true, false] {
                let leaf = student.clone().tracked();
                let d = leaf.clone();
                let loss = if kernel { d.all_triplets(&teacher, &config) } else { plain(d, &known, &config) };
                let value = loss.clone().values().await.unwrap()[0];
                let gradient = leaf.grad(&loss.backward()).expect("it depends on the student").values().await.unwrap();
                found.push((value, gradient));
            }
            let [(value, gradient), (expected, exact)] = found.try_into().unwrap();
            let what = format!("case {n}, B = {b}, {order:?}, {form:?}, gamma {gamma}");
            assert!((value - expected).abs() <= 1e-5 * expected.abs().max(1.0), "{what}: {value} {expected}");
            let largest = exact.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            assert!(b < 9 || largest > 0.0, "{what}: a gradient of zero proves nothing");
            // `Q - P` of the plain form loses the last digits where Q is almost P.
            let rounding = 1e-6 * gamma as f32 / b as f32;
            for (ours, theirs) in gradient.iter().zip(&exact) {
                assert!((ours - theirs).abs() <= 1e-4 * largest + rounding, "{what}: {ours} {theirs}");
            }
        }
    }
}
