//! Losses and gradients against PyTorch (`tests/golden/losses.py`), on any device.

use mtls_lab::config::{RetrievalConfig, TransferConfig};
use mtls_lab::loss::retrieval::{Calibration, retrieval};
use mtls_lab::loss::transfer::{Draw, Space, distances, orders, transfer};
use mtls_lab::loss::within::within;
use mtls_lab::model::tower::unit_rows;
use mtls_lab::rng::{Purpose, stream};
use mtls_lab::tensor::{Device, Indices, Mask, Tensor};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Golden {
    batch: usize,
    dim: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    config: serde_json::Value,
    value: f32,
    inputs: BTreeMap<String, Vec<f32>>,
    gradients: BTreeMap<String, Vec<f32>>,
    #[serde(default)]
    known: Vec<[usize; 2]>,
    #[serde(default)]
    teacher: Vec<f32>,
    #[serde(default)]
    partner: Vec<i32>,
}

pub async fn losses_and_gradients_agree_with_pytorch() {
    losses_on(&Device::Cpu, 1e-5).await;
}

/// All cases on `device`; values and gradients within `tolerance` of the largest of their kind.
pub async fn losses_on(device: &Device, tolerance: f32) {
    let golden: Golden = serde_json::from_str(include_str!("../golden/losses.json")).expect("golden file");
    let (b, d) = (golden.batch, golden.dim);
    for case in &golden.cases {
        let name = format!("{} {}, {} known", case.name, case.config, case.known.len());
        let leaves: BTreeMap<&str, Tensor<2>> = (case.inputs.iter())
            .map(|(name, values)| {
                let shape = if values.len() == 1 { [1, 1] } else { [b, d] };
                (name.as_str(), Tensor::new(values.clone(), shape, device).tracked())
            })
            .collect();
        let loss = loss_of(case, &leaves, b, d, device);
        let grads = loss.clone().backward();
        let value = loss.values().await.unwrap()[0];
        assert!((value - case.value).abs() <= tolerance * case.value.abs().max(1.0), "{name}: {value} {}", case.value);
        for (leaf, expected) in &case.gradients {
            let grad = leaves[leaf.as_str()].grad(&grads).unwrap_or_else(|| panic!("{name}: none for {leaf}"));
            let grad = grad.values().await.unwrap();
            let largest = expected.iter().fold(0.0f32, |m, x| m.max(x.abs()));
            assert!(largest > 0.0, "{name}: a gradient of zero proves nothing");
            for (ours, theirs) in grad.iter().zip(expected) {
                assert!((ours - theirs).abs() <= 10.0 * tolerance * largest, "{name}, {leaf}: {ours} {theirs}");
            }
        }
    }
}

fn loss_of(case: &Case, leaves: &BTreeMap<&str, Tensor<2>>, b: usize, d: usize, device: &Device) -> Tensor<1> {
    let leaf = |name: &str| leaves[name].clone();
    let one = |x: f32| Tensor::new(vec![x], [1, 1], device);
    let known = (!case.known.is_empty()).then(|| {
        let mut table = vec![false; b * b];
        case.known.iter().for_each(|[i, j]| table[i * b + j] = true);
        Mask::new(table, [b, b], device)
    });
    let retrieval_config = || serde_json::from_value::<RetrievalConfig>(case.config.clone()).expect("a configuration");
    match case.name.as_str() {
        "retrieval" => {
            let calibration = Calibration {
                log_scale: leaves.get("log_scale").cloned().unwrap_or_else(|| one(0.0)),
                bias: leaves.get("bias").cloned().unwrap_or_else(|| one(0.0)),
            };
            // Order-embeddings make their rows non-negative before the loss (`trainer::represent`).
            let positive = case.config["loss"] == "order";
            let rows = |e| if positive { mtls_lab::loss::order::non_negative(unit_rows(e)) } else { unit_rows(e) };
            retrieval(rows(leaf("v")), rows(leaf("t")), calibration, known, &retrieval_config())
        }
        "transfer" => {
            let config: TransferConfig = serde_json::from_value(case.config.clone()).expect("a configuration");
            let teacher = Space::new(Tensor::new(case.teacher.clone(), [b, d], device));
            let draw = Draw::new(b, &config, &mut stream(1, Purpose::Triplets, 0), device).expect("three items");
            transfer(&Space::new(unit_rows(leaf("student"))), None, &orders(&teacher, &draw, &config), &config)
        }
        "within" => {
            let partner = Indices::new(case.partner.clone(), [b, 1], device);
            within(distances(unit_rows(leaf("e"))), partner, known, &retrieval_config())
        }
        other => panic!("no loss is called {other}"),
    }
}
