//! What was measured: one JSON object each, with the field names of `mtls-lab bench --json` and a `key` that says by whom.
//!
//! Keys: `native`, `browser` and `threads` (this project's engine), `page`, `payload`, and the peers `torch`, `jax`, `sklearn`, `jaxjs`,
//! `tfjs`. An object with `error` stands for what could not be measured, and why. Of several rounds of one job the fastest stays:
//! what else the machine did slows a round down, and nothing speeds one up.

use serde_json::{Map, Value};

/// Everything that one run has measured.
#[derive(Debug, Default)]
pub struct Facts(pub Vec<Map<String, Value>>);

/// Fields that say how a job went; all others say what it was.
pub const MEASURED: [&str; 7] = ["median_ms", "p95_ms", "runs", "check", "peak_mb", "gflops", "device"];

/// A value and where it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// The value.
    pub value: f64,
    /// The 95th percentile of what it is the median of.
    pub p95: Option<f64>,
    /// Name and version of a peer.
    pub peer: Option<String>,
}

impl Facts {
    /// Adds objects of one key, each in the place of a slower round of the same job.
    pub fn add(&mut self, key: &str, objects: impl IntoIterator<Item = Value>) {
        for object in objects {
            let Value::Object(mut fields) = object else { continue };
            fields.entry("key").or_insert_with(|| key.into());
            let job = |of: &Map<String, Value>| -> Map<String, Value> {
                of.iter()
                    .filter(|(name, _)| !MEASURED.contains(&name.as_str()))
                    .map(|(n, v)| (n.clone(), v.clone()))
                    .collect()
            };
            let time = |of: &Map<String, Value>| of.get("median_ms").and_then(Value::as_f64);
            let same = job(&fields);
            match self.0.iter_mut().find(|other| job(other) == same) {
                Some(other) if time(&fields) < time(other) => *other = fields,
                Some(_) => {}
                None => self.0.push(fields),
            }
        }
    }

    /// Remembers why there is nothing of this key.
    pub fn fail(&mut self, key: &str, error: &anyhow::Error) {
        self.add(key, [serde_json::json!({"error": format!("{error:#}")})]);
    }

    /// All objects of `key` that have every field of `pattern`.
    pub fn all<'a>(&'a self, key: &'a str, pattern: &'a Value) -> impl Iterator<Item = &'a Map<String, Value>> {
        self.0.iter().filter(move |fields| {
            fields.get("key").and_then(Value::as_str) == Some(key)
                && !fields.contains_key("error")
                && matches(fields, pattern)
        })
    }

    /// The least `median_ms` of what matches: a peer that was tried with one thread and with two stands for its better side.
    pub fn time(&self, key: &str, pattern: &Value) -> Option<Reading> {
        let readings = self.all(key, pattern).filter_map(|fields| reading(fields, "median_ms"));
        readings.min_by(|a, b| a.value.total_cmp(&b.value))
    }

    /// The largest of another field of what matches.
    pub fn most(&self, key: &str, pattern: &Value, field: &str) -> Option<Reading> {
        let readings = self.all(key, pattern).filter_map(|fields| reading(fields, field));
        readings.max_by(|a, b| a.value.total_cmp(&b.value))
    }

    /// Why there is nothing of `key` that matches, if somebody said so: of this job, or of all of them.
    pub fn error(&self, key: &str, pattern: &Value) -> Option<&str> {
        let failed = |fields: &&Map<String, Value>| {
            fields.get("key").and_then(Value::as_str) == Some(key)
                && (!fields.contains_key("what") || matches(fields, pattern))
        };
        self.0.iter().filter(failed).find_map(|fields| fields.get("error")?.as_str())
    }
}

fn matches(fields: &Map<String, Value>, pattern: &Value) -> bool {
    pattern.as_object().is_some_and(|wanted| wanted.iter().all(|(name, value)| fields.get(name) == Some(value)))
}

fn reading(fields: &Map<String, Value>, field: &str) -> Option<Reading> {
    Some(Reading {
        value: fields.get(field)?.as_f64()?,
        p95: (field == "median_ms").then(|| fields.get("p95_ms")?.as_f64()).flatten(),
        peer: fields.get("peer").and_then(Value::as_str).map(str::to_owned),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_peer_stands_for_its_better_side_and_an_error_for_nothing() {
        let mut facts = Facts::default();
        facts.add("native", [json!({"what": "step", "batch": 128, "median_ms": 9.0, "p95_ms": 10.0})]);
        facts.add(
            "peers",
            [
                json!({"key": "torch", "peer": "PyTorch 2", "what": "step", "batch": 128, "threads": 2, "median_ms": 30.0, "p95_ms": 31.0}),
                json!({"key": "torch", "peer": "PyTorch 2", "what": "step", "batch": 128, "threads": 1, "median_ms": 8.0, "p95_ms": 12.0}),
                json!({"key": "torch", "peer": "PyTorch 2", "what": "step", "batch": 512, "median_ms": 1.0}),
                json!({"key": "jax", "error": "cannot be imported"}),
            ],
        );
        let step = json!({"what": "step", "batch": 128});
        let torch = facts.time("torch", &step).unwrap();
        assert_eq!((torch.value, torch.p95, torch.peer.as_deref()), (8.0, Some(12.0), Some("PyTorch 2")));
        assert_eq!(facts.time("native", &step).unwrap().value, 9.0);
        assert_eq!(facts.time("jax", &json!({})), None);
        assert_eq!(facts.error("jax", &step), Some("cannot be imported"));
        assert_eq!((facts.error("torch", &step), facts.time("tfjs", &step)), (None, None));
        assert_eq!(facts.most("torch", &json!({"what": "step"}), "median_ms").unwrap().value, 30.0);
    }

    #[test]
    fn of_several_rounds_the_fastest_stays() {
        let round = |ms: f64, batch: u32| json!({"what": "step", "batch": batch, "median_ms": ms, "p95_ms": 2.0 * ms, "runs": 10});
        let mut facts = Facts::default();
        facts.add("native", [round(8.0, 128), round(20.0, 512)]);
        facts.add("native", [round(7.0, 128), round(21.0, 512)]);
        facts.add("browser", [round(1.0, 128)]);
        assert_eq!(facts.0.len(), 3);
        let read = |batch: u32| facts.time("native", &json!({"batch": batch})).unwrap();
        assert_eq!((read(128).value, read(128).p95, read(512).value), (7.0, Some(14.0), 20.0));
    }

    #[test]
    fn a_failure_says_its_whole_reason() {
        let mut facts = Facts::default();
        facts.fail("sklearn", &anyhow::anyhow!("no network").context("pip"));
        assert_eq!(facts.error("sklearn", &json!({"what": "kmeans"})), Some("pip: no network"));
        facts.add("native", [json!({"what": "step", "batch": 256, "error": "too many triplets"})]);
        assert_eq!(facts.error("native", &json!({"what": "step", "batch": 256})), Some("too many triplets"));
        assert_eq!(facts.error("native", &json!({"what": "step", "batch": 128})), None);
    }
}
