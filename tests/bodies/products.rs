//! The matrix product of this build (natively another one than in a browser) against three loops.

use mtls_lab::rng::{Purpose, stream};
use mtls_lab::tensor::{Device, Tensor};
use rand::Rng as _;

pub async fn matrix_products_equal_plain_loops() {
    let mut rng = stream(1, Purpose::Noise, 0);
    // Beside the sizes of tiles (4 x 8) and panels (256 deep).
    for [m, k, n] in [[1, 1, 1], [4, 8, 8], [3, 5, 7], [5, 256, 9], [13, 300, 17], [33, 513, 31], [128, 768, 64]] {
        let mut table = |rows, cols| (0..rows * cols).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let (a, b, g) = (table(m, k), table(k, n), table(m, n));
        let leaf = |values: &[f32], shape| Tensor::new(values.to_vec(), shape, &Device::Cpu).tracked();
        let (x, y) = (leaf(&a, [m, k]), leaf(&b, [k, n]));
        let product = x.clone().matmul(y.clone());
        let found = product.clone().values().await.unwrap();
        let gradients = (product * Tensor::new(g.clone(), [m, n], &Device::Cpu)).sum().backward();
        let by_x = x.grad(&gradients).unwrap().values().await.unwrap();
        let by_y = y.grad(&gradients).unwrap().values().await.unwrap();
        let sum = |length: usize, term: &dyn Fn(usize) -> f32| (0..length).map(|p| f64::from(term(p))).sum::<f64>();
        let check =
            |what: &str, found: &[f32], cols: usize, depth: usize, term: &dyn Fn(usize, usize, usize) -> f32| {
                for (at, x) in found.iter().enumerate() {
                    let expected = sum(depth, &|p| term(at / cols, at % cols, p));
                    let error = (f64::from(*x) - expected).abs();
                    assert!(error < 1e-6 * depth as f64, "{what} of {m} x {k} x {n}, {at}: {x} {expected}");
                }
            };
        check("product", &found, n, k, &|i, j, p| a[i * k + p] * b[p * n + j]);
        check("gradient by the left", &by_x, k, n, &|i, p, j| g[i * n + j] * b[p * n + j]);
        check("gradient by the right", &by_y, n, m, &|p, j, i| a[i * k + p] * g[i * n + j]);
    }
}
