//! Bodies that need a GPU, a software one included (lavapipe natively, SwiftShader in the browser).

use super::{losses, session, smooth};
use mtls_lab::config::{
    Config, Control, Form, ImageFeatures, Init, ModelConfig, Neighbours, Order, Reduce, Retrieval, Schedule, Stem,
    Teacher, Tower, TrainConfig, TransferConfig, Triplets,
};
use mtls_lab::device::{Choice, Opened, open};
use mtls_lab::error::Error;
use mtls_lab::loss::retrieval::{hinge, info_nce};
use mtls_lab::loss::transfer::{Orders, Space, transfer};
use mtls_lab::model::tower::unit_rows;
use mtls_lab::rng::{Purpose, stream};
use mtls_lab::tensor::{Adam, Device, Indices, Mask, Tensor, adam, square_sum};
use mtls_lab::train::{Event, Session};
use rand::Rng as _;

/// One test, since burn opens a GPU once in a process, and the last part destroys it.
pub async fn the_gpu_computes_as_the_cpu_until_it_is_lost() {
    let opened = open(Choice::Gpu, &Default::default())
        .await
        .expect("a GPU is installed by the project's own set-up (a software one will do)");
    it_follows_the_cpu(&opened).await;
    adam_moves_as_on_the_cpu(&opened.device).await;
    norms_and_losses_are_those_of_the_cpu(&opened.device).await;
    super::triplets::all_triplets_on(&opened.device).await;
    options_follow_the_cpu(&opened).await;
    super::golden::losses_on(&opened.device, 1e-4).await;
    a_lost_device_is_an_error_and_the_run_goes_on(&opened).await;
}

/// A shape small enough for a software GPU.
fn tiny() -> Config {
    let base = smooth();
    Config {
        model: ModelConfig { hidden: 16, dim: 8, ..base.model },
        train: TrainConfig { batch: 16, epochs: 4, ..base.train },
        ..base
    }
}

async fn it_follows_the_cpu(opened: &Opened) {
    let test = opened.report.self_test.expect("a GPU is never used untested");
    assert!(test.passed, "{test:?}");
    let cpu = losses(&mut session(tiny(), Device::Cpu), 8).await;
    let gpu = losses(&mut session(tiny(), opened.device.clone()), 8).await;
    for (a, b) in cpu.iter().zip(&gpu) {
        assert!((a - b).abs() <= 0.02 * a.abs(), "{cpu:?} {gpu:?}");
    }
}

/// Updates of tables of several sizes, with and without a factor; whoever kept the weights keeps them.
async fn adam_moves_as_on_the_cpu(device: &Device) {
    let mut rng = stream(2, Purpose::Noise, 0);
    for [rows, columns] in [[1, 1], [1, 300], [300, 513]] {
        let mut table = || (0..rows * columns).map(|_| rng.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let (weights, gradients) = (table(), [table(), table(), table()]);
        let moved = async |device: &Device| {
            let tensor = |values: &[f32]| Tensor::new(values.to_vec(), [rows, columns], device);
            let begun = tensor(&weights);
            let mut state =
                [begun.clone(), Tensor::zeros([rows, columns], device), Tensor::zeros([rows, columns], device)];
            for (t, gradient) in (1..).zip(&gradients) {
                let correct = [0.9f32, 0.999].map(|beta| 1.0 - beta.powi(t));
                let numbers = Adam { rate: 1e-2, keep: 0.99, beta: [0.9, 0.999], correct, epsilon: 1e-8 };
                let factor = (t > 1).then(|| Tensor::new(vec![0.5], [1, 1], device));
                state = adam(&numbers, state, tensor(gradient), factor.as_ref());
            }
            let mut all = Vec::new();
            for tensor in state {
                all.extend(tensor.values().await.expect("numbers"));
            }
            assert_eq!(begun.values().await.expect("numbers"), weights, "kept by somebody else");
            all
        };
        let (cpu, gpu) = (moved(&Device::Cpu).await, moved(device).await);
        for (a, b) in cpu.iter().zip(&gpu) {
            assert!((a - b).abs() <= 1e-5 * (1.0 + a.abs()), "{rows} x {columns}: {a} {b}");
        }
    }
}

/// Shaders that do at once what the CPU does in loops: value and gradient, for sizes beside those of their workgroups, with
/// scores and orders that tie, and known matches.
async fn norms_and_losses_are_those_of_the_cpu(device: &Device) {
    let mut rng = stream(4, Purpose::Noise, 0);
    let mut agree = 0;
    for b in [3, 40, 300] {
        let mut table = |[rows, columns]: [usize; 2]| -> Vec<f32> {
            (0..rows * columns).map(|_| (rng.random_range(-1.0..1.0f32) * 40.0).round() / 40.0).collect()
        };
        let (scores, m) = (table([b, b]), 2 * b);
        let gap = table([b, m]);
        let places = |salt: usize| (0..b * m).map(|n| ((n * 7 + n / m * salt) % b) as i32).collect::<Vec<_>>();
        let (near, far) = (places(3), places(11));
        let known: Vec<bool> = (0..b * b).map(|n| n % 13 == 5).collect();
        type Loss<'a> = Box<dyn Fn(Tensor<2>, &Device) -> Tensor<1> + 'a>;
        let mut losses: Vec<(String, Loss)> = Vec::new();
        for negatives in [1, 2, 10, 0] {
            for masked in [false, true] {
                let known = &known;
                let loss = move |s: Tensor<2>, device: &Device| {
                    let known = masked.then(|| Mask::new(known.clone(), [b, b], device));
                    hinge(s, known, 0.2, negatives, if masked { Reduce::Mean } else { Reduce::Sum })
                };
                losses.push((format!("hinge, {negatives} of {b}, known matches: {masked}"), Box::new(loss)));
            }
        }
        for masked in [false, true] {
            let known = &known;
            let loss = move |s: Tensor<2>, device: &Device| {
                let known = masked.then(|| Mask::new(known.clone(), [b, b], device));
                info_nce(s, Tensor::new(vec![3.0], [1, 1], device), known)
            };
            losses.push((format!("cross-entropy of {b}, known matches: {masked}"), Box::new(loss)));
        }
        for (form, order) in [(Form::Softplus, Order::Hard), (Form::Softplus, Order::Soft), (Form::Hinge, Order::Soft)]
        {
            // Both measure gaps in their own way: among 180,000 some lie on the hinge's edge for one of them.
            if form == Form::Hinge && b > 40 {
                continue;
            }
            let (near, far, gap) = (&near, &far, &gap);
            let config = TransferConfig { form, order, ..Default::default() };
            let loss = move |s: Tensor<2>, device: &Device| {
                let [near, far] = [near, far].map(|places| Indices::new(places.clone(), [b, m], device));
                let orders = Orders::given(near, far, Tensor::new(gap.clone(), [b, m], device));
                transfer(&Space::new(unit_rows(s)), None, &orders, &config)
            };
            losses.push((format!("sampled triplets, {form:?}, {order:?}, {b}"), Box::new(loss)));
        }
        for (what, loss) in &losses {
            let found = async |device: &Device| {
                let leaf = Tensor::new(scores.clone(), [b, b], device).tracked();
                let loss = loss(leaf.clone(), device);
                let gradient = leaf.grad(&loss.clone().backward()).expect("it depends on the scores");
                let norm = square_sum(&[gradient.clone(), Tensor::new(vec![0.5; 700], [7, 100], device)]);
                let mut all = loss.values().await.expect("numbers");
                all.extend(norm.values().await.expect("numbers"));
                all.extend(gradient.values().await.expect("numbers"));
                all
            };
            let (cpu, gpu) = (found(&Device::Cpu).await, found(device).await);
            let largest = cpu[2..].iter().fold(0.0f32, |m, x| m.max(x.abs()));
            assert!(largest > 0.0, "{what}: a gradient of zero proves nothing");
            for (n, (a, b)) in cpu.iter().zip(&gpu).enumerate() {
                let scale = if n < 2 { a.abs() } else { largest };
                assert!((a - b).abs() <= 1e-5 * scale, "{what}, number {n}: {a} {b}");
            }
            agree += 1;
        }
    }
    assert_eq!(agree, 3 * 13 - 1);
}

/// The options that bring operations of their own, a few steps each.
async fn options_follow_the_cpu(opened: &Opened) {
    let mut variants: Vec<(&str, Config)> = Vec::new();
    let mut with = |name, change: &dyn Fn(&mut Config)| {
        let mut c = tiny();
        change(&mut c);
        variants.push((name, c));
    };
    with("stem", &|c| (c.data.image_features, c.model.stem) = (ImageFeatures::Pixels64, Stem::Conv));
    with("order", &|c| (c.retrieval.loss, c.retrieval.negatives, c.retrieval.margin) = (Retrieval::Order, 0, 0.05));
    with("within", &|c| (c.train.per_item, c.retrieval.within_text) = (2, 0.2));
    with("corpus", &|c| {
        c.transfer.triplets = Triplets::Local;
        (c.transfer.neighbours, c.transfer.teacher) = (Neighbours::Corpus, Teacher::Average);
    });
    with("self", &|c| (c.transfer.triplets, c.transfer.control) = (Triplets::All, Control::SelfTeacher));
    with("fused", &|c| (c.transfer.teacher, c.transfer.form) = (Teacher::Fused, Form::Hinge));
    with("skip", &|c| {
        (c.model.tower, c.model.init, c.train.schedule) = (Tower::Skip, Init::Cca, Schedule::Alternating)
    });
    for (name, config) in variants {
        // The gradient's norm says more of the backward pass than a loss after three careful steps.
        let steps = async |device: Device| -> Vec<f32> {
            let events = session(config.clone(), device).step(3).await.expect("it trains");
            let steps = events.iter().filter_map(|e| if let Event::Step(s) = e { Some(s) } else { None });
            steps.flat_map(|s| [s.total, s.gradient_norm]).collect()
        };
        let (cpu, gpu) = (steps(Device::Cpu).await, steps(opened.device.clone()).await);
        assert_eq!(cpu.len(), 6);
        for (a, b) in cpu.iter().zip(&gpu) {
            assert!((a - b).abs() <= 0.02 * a.abs(), "{name}: {cpu:?} {gpu:?}");
        }
    }
}

async fn a_lost_device_is_an_error_and_the_run_goes_on(opened: &Opened) {
    let mut run = session(tiny(), opened.device.clone());
    run.step(2).await.unwrap();
    let snapshot = run.snapshot().await.unwrap();
    opened.lose();
    let error = run.step(1).await.expect_err("a destroyed device computes nothing");
    assert!(matches!(error, Error::Device(_)), "{error}");
    let mut resumed = Session::resume(run.corpus_handle(), &snapshot, None, Device::Cpu).unwrap();
    assert_eq!(resumed.steps_done(), 2);
    let curve = losses(&mut resumed, 2).await;
    assert!(curve.len() == 2 && curve.iter().all(|l| l.is_finite()));
}
