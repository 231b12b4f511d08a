//! The products and sums of this build (natively another one than in a browser) against three loops.

use mtls_lab::rng::{Purpose, stream};
use mtls_lab::tensor::{Device, Tensor, square_sum};
use rand::Rng as _;

pub async fn matrix_products_equal_plain_loops() {
    let mut rng = stream(1, Purpose::Noise, 0);
    // Beside the sizes of tiles (4 x 8) and panels (256 deep).
    for [m, k, n] in [[1, 1, 1], [4, 8, 8], [3, 5, 7], [5, 256, 9], [13, 300, 17], [33, 513, 31], [128, 768, 64]] {
        let mut table = |rows, cols| (0..rows * cols).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let (a, b, c, bias, g) = (table(m, k), table(k, n), table(n, k), table(1, n), table(m, n));
        let leaf = |values: &[f32], shape| Tensor::new(values.to_vec(), shape, &Device::Cpu).tracked();
        let numbers = async |t: Option<Tensor<2>>| t.expect("it depends on it").values().await.unwrap();
        let weighed = |t: Tensor<2>| (t * Tensor::new(g.clone(), [m, n], &Device::Cpu)).sum().backward();
        let sum = |length: usize, term: &dyn Fn(usize) -> f32| (0..length).map(|p| f64::from(term(p))).sum::<f64>();
        let check =
            |what: &str, found: &[f32], cols: usize, depth: usize, term: &dyn Fn(usize, usize, usize) -> f32| {
                for (at, x) in found.iter().enumerate() {
                    let expected = sum(depth, &|p| term(at / cols, at % cols, p));
                    let error = (f64::from(*x) - expected).abs();
                    assert!(error < 1e-6 * depth as f64, "{what} of {m} x {k} x {n}, {at}: {x} {expected}");
                }
            };
        let (x, w, shift) = (leaf(&a, [m, k]), leaf(&b, [k, n]), leaf(&bias, [1, n]));
        let product = x.clone().affine(w.clone(), shift.clone());
        let by = weighed(product.clone());
        let product = numbers(Some(product)).await;
        let without: Vec<f32> = product.iter().enumerate().map(|(at, y)| y - bias[at % n]).collect();
        check("x W + b", &without, n, k + 1, &|i, j, p| if p < k { a[i * k + p] * b[p * n + j] } else { 0.0 });
        check("its gradient by x", &numbers(x.grad(&by)).await, k, n, &|i, p, j| g[i * n + j] * b[p * n + j]);
        check("its gradient by W", &numbers(w.grad(&by)).await, n, m, &|p, j, i| a[i * k + p] * g[i * n + j]);
        check("its gradient by b", &numbers(shift.grad(&by)).await, n, m, &|_, j, i| g[i * n + j]);
        let (x, y) = (leaf(&a, [m, k]), leaf(&c, [n, k]));
        let product = x.clone().matmul_transposed(y.clone());
        let by = weighed(product.clone());
        check("x y^T", &numbers(Some(product)).await, n, k, &|i, j, p| a[i * k + p] * c[j * k + p]);
        check("its gradient by x", &numbers(x.grad(&by)).await, k, n, &|i, p, j| g[i * n + j] * c[j * k + p]);
        check("its gradient by y", &numbers(y.grad(&by)).await, k, m, &|j, p, i| g[i * n + j] * a[i * k + p]);
    }
}

pub async fn sums_of_squares_equal_a_plain_loop() {
    // Beside the lanes and the runs that are summed together.
    for n in [0, 1, 15, 17, 1023, 1024, 1025, 300_000] {
        let values: Vec<f32> = (0..n).map(|k| (k % 13) as f32 - 5.5).collect();
        let expected: f64 = values.iter().map(|x| f64::from(*x).powi(2)).sum();
        let found = square_sum(&[Tensor::new(values, [1, n], &Device::Cpu)]).values().await.unwrap()[0];
        assert!((f64::from(found) - expected).abs() <= 1e-6 * expected, "{n}: {found} {expected}");
    }
}
