//! `metrics.csv` and `metrics.json`: what the run has reported, over time.

use super::{EXPORT_VERSION, Sink};
use crate::error::Result;
use crate::train::{Event, Session};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Both files.
pub fn write(session: &Session, sink: &mut dyn Sink) -> Result<()> {
    let table = csv(session.history());
    sink.file("metrics.csv", &mut |to| to.write_all(table.as_bytes()))?;
    let corpus = session.corpus();
    let all = json!({
        "format": "mtls-lab-metrics", "version": EXPORT_VERSION, "program": crate::program(),
        "config": session.config(), "corpus": corpus.name, "fingerprint": corpus.fingerprint,
        "step": session.steps_done(), "history": session.history(),
    });
    sink.file("metrics.json", &mut |to| Ok(serde_json::to_writer_pretty(to, &all)?))
}

/// A row a step: the losses of that iteration, and the metrics where one was evaluated. Step 0 is before training.
fn csv(history: &[Event]) -> String {
    let mut rows: BTreeMap<usize, Map<String, Value>> = BTreeMap::new();
    let mut columns: Vec<String> = vec!["step".to_owned(), "epoch".to_owned()];
    for event in history {
        let (step, values) = match event {
            Event::Step(at) => (at.step, numbers(&json!(at), "")),
            Event::Evaluation { step, epoch, metrics } => {
                let mut values = vec![("epoch".to_owned(), json!(epoch))];
                values.extend(numbers(&json!(metrics), ""));
                (*step, values)
            }
            Event::Retuned { .. } | Event::Finished { .. } => continue,
        };
        let row = rows.entry(step).or_default();
        row.insert("step".to_owned(), json!(step));
        for (name, value) in values {
            if !columns.contains(&name) {
                columns.push(name.clone());
            }
            row.insert(name, value);
        }
    }
    // Names of our own and numbers: nothing to quote.
    let mut table = columns.join(",") + "\n";
    for row in rows.values() {
        let cell = |name| row.get(name).filter(|value| !value.is_null()).map_or(String::new(), Value::to_string);
        table += &columns.iter().map(cell).collect::<Vec<_>>().join(",");
        table.push('\n');
    }
    table
}

/// Every number of an object under its name; those of an object inside it as `outer.inner`.
fn numbers(value: &Value, outer: &str) -> Vec<(String, Value)> {
    let Value::Object(fields) = value else { return Vec::new() };
    fields
        .iter()
        .flat_map(|(name, value)| match value {
            Value::Object(_) => numbers(value, &format!("{outer}{name}.")),
            Value::Number(_) | Value::Null => vec![(format!("{outer}{name}"), value.clone())],
            _ => Vec::new(),
        })
        .collect()
}
