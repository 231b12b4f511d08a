//! Every objective that is compared: the rivals, structure transfer on each of them, ablations and controls.
//!
//! Same data, same number of pairs seen, same optimiser for all of them; each is a difference from the default
//! configuration. Rows that draw two pairs of an item (TBNN) pass over the items half as often; order-embeddings take
//! batches of 128 as published, and with them twice the steps; alternating takes up to three steps a batch.

use crate::config::{Config, TransferConfig};
use crate::error::{Error, Result};
use serde::Serialize;
use serde_json::{Value, json};

/// What part an objective plays in the comparison, in the order in which they are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Computed in closed form, without training.
    Closed,
    /// The product's default.
    Mtls,
    /// The default without its transfer terms.
    Twin,
    /// A published objective without structure transfer.
    Rival,
    /// A rival with structure transfer added.
    Added,
    /// The default with one part changed.
    Ablation,
    /// The default with a transfer weight of the curve.
    Weight,
}

/// How embeddings come about.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Input features as they are: clusters only, the two modalities have no common space.
    Raw,
    /// Regularised CCA.
    Cca,
    /// CCA on the mean of the word vectors that the SVD of the training texts gives.
    MeanVector,
    /// Training with this difference from the default.
    Trained(Value),
}

/// A row of the comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Objective {
    /// Stable name, e.g. `infonce/skip`.
    pub id: String,
    /// Its part.
    pub role: Role,
    /// What it is, with its source.
    pub about: String,
    /// How it is computed.
    pub method: Method,
}

impl Objective {
    /// The full configuration of a trained one; the default for the others.
    pub fn config(&self) -> Result<Config> {
        match &self.method {
            Method::Trained(difference) => Config::from_json(&difference.to_string()),
            _ => Ok(Config::default()),
        }
    }
}

/// Puts `from` over `into`, key by key.
pub fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                merge(into.entry(key).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from,
    }
}

/// Name, source, difference, and the transfer weight that suits its scale.
type Loss = (&'static str, &'static str, Value, f64);

fn losses() -> Vec<Loss> {
    let hinge = |negatives: usize, reduce: &str| json!({"loss": "hinge", "negatives": negatives, "reduce": reduce});
    vec![
        ("vse", "all negatives, summed (Kiros et al. 2014)", json!({"retrieval": hinge(0, "sum")}), 2.0),
        ("vse++", "the hardest negative (Faghri et al. 2018)", json!({"retrieval": hinge(1, "mean")}), 0.2),
        ("top-10", "the ten hardest negatives (TBNN's cross-view loss)", json!({"retrieval": hinge(10, "mean")}), 0.2),
        (
            "tbnn",
            "the ten hardest negatives and the within-view term (Wang et al. 2018)",
            json!({"retrieval": {"loss": "hinge", "negatives": 10, "within_text": 0.2, "within_image": 0.2},
                   "train": {"per_item": 2, "epochs": 30}}),
            0.2,
        ),
        (
            "order",
            "order-embeddings (Vendrov et al. 2016)",
            json!({"retrieval": {"loss": "order", "margin": 0.05, "negatives": 0, "reduce": "sum"},
                   "model": {"init": "random"}, "train": {"batch": 128, "learning_rate": 1e-3}}),
            2.0,
        ),
        ("infonce", "cross-entropy, learned temperature (CLIP, Radford et al. 2021)", json!({}), 2.0),
        (
            "siglip",
            "pairwise sigmoid, learned temperature and bias (Zhai et al. 2023)",
            json!({"retrieval": {"loss": "sigmoid", "temperature": 0.1}}),
            2.0,
        ),
    ]
}

fn without_transfer() -> Value {
    json!({"transfer": {"lambda_v": 0.0, "lambda_t": 0.0}})
}

/// All of them, in the order of the table.
pub fn all() -> Vec<Objective> {
    let mut list = Vec::new();
    let mut put = |id: String, role: Role, about: &str, parts: &[Value]| {
        let mut difference = json!({});
        parts.iter().for_each(|part| merge(&mut difference, part.clone()));
        list.push(Objective { id, role, about: about.into(), method: Method::Trained(difference) });
    };
    // Random weights have further to go than a CCA start: at the others' rate they are far from done after 60 epochs.
    let mlp = json!({"model": {"tower": "mlp", "init": "random"}, "train": {"learning_rate": 1e-3}});
    let towers = [
        ("linear", json!({"model": {"tower": "linear"}})),
        ("mlp", mlp.clone()),
        ("skip", json!({"model": {"tower": "skip"}})),
    ];
    for (name, about, loss, _) in losses() {
        for (tower, architecture) in &towers {
            let about = format!("{about}; {tower} towers");
            // That is the twin.
            if (name, *tower) == ("infonce", "skip") {
                continue;
            }
            put(
                format!("{name}/{tower}"),
                Role::Rival,
                &about,
                &[architecture.clone(), loss.clone(), without_transfer()],
            );
        }
    }
    for (name, about, loss, lambda) in losses().into_iter().filter(|(name, ..)| *name != "infonce") {
        let transfer = json!({"transfer": {"lambda_v": lambda, "lambda_t": lambda}});
        let about = format!("{about}, with structure transfer; skip towers");
        put(format!("{name}+transfer"), Role::Added, &about, &[loss, transfer]);
    }
    put("mtls".into(), Role::Mtls, "the default: InfoNCE with structure transfer, skip towers", &[]);
    put(
        "twin".into(),
        Role::Twin,
        "the default without its transfer terms: InfoNCE on skip towers",
        &[without_transfer()],
    );
    let ablations = [
        ("text teaches image only", "t2v", json!({"transfer": {"lambda_t": 0.0}})),
        ("image teaches text only", "v2t", json!({"transfer": {"lambda_v": 0.0}})),
        ("each modality teaches itself", "self-teacher", json!({"transfer": {"control": "self_teacher"}})),
        ("orders from permuted items", "shuffled", json!({"transfer": {"control": "shuffled"}})),
        ("uniform triplets, as MAI", "uniform", json!({"transfer": {"triplets": "uniform", "neighbours": "batch"}})),
        ("soft orders", "soft", json!({"transfer": {"order": "soft", "tau": 0.03}})),
        ("finite margin", "hinge", json!({"transfer": {"form": "hinge"}})),
        ("input features teach", "feature-teacher", json!({"transfer": {"teacher": "features"}})),
        ("averaged weights teach", "average-teacher", json!({"transfer": {"teacher": "average"}})),
        ("fused CCA neighbours teach", "fused-teacher", json!({"transfer": {"teacher": "fused"}})),
        ("neighbours from all training items", "corpus-neighbours", json!({"transfer": {"neighbours": "corpus"}})),
        ("three steps in turn", "alternating", json!({"train": {"schedule": "alternating"}})),
        ("transfer only", "transfer-only", json!({"retrieval": {"weight": 0.0}})),
        ("two pairs of each item in a batch", "two-pairs", json!({"train": {"per_item": 2, "epochs": 30}})),
        ("linear towers", "linear", json!({"model": {"tower": "linear"}})),
        ("MLP towers", "mlp", mlp),
    ];
    for (about, name, difference) in ablations {
        put(format!("mtls:{name}"), Role::Ablation, about, &[difference]);
    }
    let TransferConfig { lambda_v, lambda_t, .. } = Config::default().transfer;
    for weight in WEIGHTS {
        let difference = json!({"transfer": {"lambda_v": weight, "lambda_t": weight * lambda_t / lambda_v}});
        put(format!("mtls:weight-{weight}"), Role::Weight, "a point of the weight curve", &[difference]);
    }
    let closed =
        |id: &str, about: &str, method| Objective { id: id.into(), role: Role::Closed, about: about.into(), method };
    let mut all = vec![
        closed("raw", "input features", Method::Raw),
        closed("cca", "regularised canonical correlation (Hotelling 1936; Vinod 1976)", Method::Cca),
        closed("mean-vector", "CCA on the mean of word vectors", Method::MeanVector),
    ];
    all.append(&mut list);
    all
}

/// Values of lambda_v on the curve, beside 0 (the twin) and the default; lambda_t in the default's proportion.
pub const WEIGHTS: [f64; 5] = [0.25, 0.5, 1.0, 2.0, 4.0];

/// The one called `id`.
pub fn find(id: &str) -> Result<Objective> {
    all()
        .into_iter()
        .find(|o| o.id == id)
        .ok_or_else(|| Error::Config(format!("there is no objective {id}; mtls-lab compare --list names them all")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_objective_is_valid_and_has_a_name_of_its_own() {
        let all = all();
        for objective in &all {
            objective.config().unwrap_or_else(|e| panic!("{}: {e}", objective.id));
            let same = |o: &&Objective| o.id == objective.id || o.method == objective.method;
            assert_eq!(all.iter().filter(same).count(), 1, "{}", objective.id);
        }
        assert_eq!(find("mtls").unwrap().config().unwrap(), Config::default());
        assert!(find("nonsense").unwrap_err().to_string().contains("--list"));
    }

    #[test]
    fn rivals_have_no_transfer_and_the_twin_differs_in_nothing_else() {
        for objective in all().iter().filter(|o| matches!(o.role, Role::Rival | Role::Twin)) {
            let config = objective.config().unwrap();
            assert_eq!(config.transfer.lambda_v + config.transfer.lambda_t, 0.0, "{}", objective.id);
        }
        let mut twin = find("twin").unwrap().config().unwrap();
        let mtls = Config::default();
        (twin.transfer.lambda_v, twin.transfer.lambda_t) = (mtls.transfer.lambda_v, mtls.transfer.lambda_t);
        assert_eq!(twin, mtls);
    }
}
