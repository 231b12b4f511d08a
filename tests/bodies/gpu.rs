//! Bodies that need a GPU, a software one included (lavapipe natively, SwiftShader in the browser).

use super::{losses, session, smooth};
use mtls_lab::config::{
    Config, Form, ImageFeatures, Init, ModelConfig, Neighbours, Retrieval, Schedule, Stem, Teacher, Tower, TrainConfig,
    Triplets,
};
use mtls_lab::device::{Choice, Opened, open};
use mtls_lab::error::Error;
use mtls_lab::rng::{Purpose, stream};
use mtls_lab::tensor::{Adam, Device, Tensor, adam};
use mtls_lab::train::{Event, Session};
use rand::Rng as _;

/// One test, since burn opens a GPU once in a process, and the last part destroys it.
pub async fn the_gpu_computes_as_the_cpu_until_it_is_lost() {
    let opened = open(Choice::Gpu, &Default::default())
        .await
        .expect("a GPU is installed by the project's own set-up (a software one will do)");
    it_follows_the_cpu(&opened).await;
    adam_moves_as_on_the_cpu(&opened.device).await;
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
