//! From what was measured to the rows of the result.

use serde_json::{Value, json};

use super::facts::{Facts, Reading};
use super::jobs::{self, ALL_TRIPLETS, BATCHES};
use super::row::{Row, Target};
use super::statistics::{exponent, quantiles};

/// Multiplications and additions of the reference step, in 10⁹: forward, by the weights, and by the hidden layer; the scores
/// and their two gradients.
pub fn gflop(batch: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "small")]
    let b = batch as f64;
    let (first, second) = ((768.0 + 1000.0) * 512.0, 2.0 * 512.0 * 128.0);
    2.0 * b * (2.0 * first + 3.0 * second + 3.0 * b * 128.0) / 1e9
}

/// All rows, in the order of the plan.
pub fn rows(facts: &Facts) -> Vec<Row> {
    let mut rows = Vec::new();
    browser_step(facts, &mut rows);
    native_step(facts, &mut rows);
    all_triplets(facts, &mut rows);
    rows.push(missing(
        4,
        "step on a GPU",
        "`cargo xtask bench` measures the CPU; on a machine with a GPU: `mtls-lab bench --gpu`",
    ));
    threads(facts, &mut rows);
    payload(facts, &mut rows);
    page(facts, &mut rows);
    analysis(facts, &mut rows);
    growth(facts, &mut rows);
    rows.push(missing(
        11,
        "`cargo xtask test`, `serve` and the paper's suite",
        "`cargo xtask test` prints its own times",
    ));
    rows.sort_by_key(|row| row.row);
    rows
}

fn missing(row: u8, what: &str, why: &str) -> Row {
    Row::new(row, what, "", None, None, Target::Open).note(why)
}

/// A comparison whose missing sides say why they are missing.
fn compared(
    facts: &Facts,
    row: u8,
    what: String,
    (key, job): (&str, &Value),
    (peer, pattern): (&str, &Value),
    target: Target,
) -> Row {
    let (ours, theirs) = (facts.time(key, job), facts.time(peer, pattern));
    let mut why = Vec::new();
    for (key, pattern, there) in [(key, job, ours.is_some()), (peer, pattern, theirs.is_some())] {
        if !there {
            why.push(why_missing(facts, key, pattern));
        }
    }
    why.dedup();
    let why = why.join("; ");
    let mut row = Row::new(row, what, "ms", ours, theirs, target).note(why);
    row.peer = row.peer.or_else(|| Some(peer.to_owned()));
    row
}

fn why_missing(facts: &Facts, key: &str, pattern: &Value) -> String {
    format!("{key}: {}", facts.error(key, pattern).unwrap_or("not measured in this run"))
}

/// A value of our own against a limit.
fn limited(
    facts: &Facts,
    (row, what): (u8, String),
    unit: &'static str,
    at: (&str, &Value, &str),
    target: Target,
) -> Row {
    let (key, pattern, field) = at;
    let found = if field == "median_ms" { facts.time(key, pattern) } else { facts.most(key, pattern, field) };
    let why = if found.is_some() { String::new() } else { why_missing(facts, key, pattern) };
    Row::new(row, what, unit, found, None, target).note(why)
}

fn browser_step(facts: &Facts, rows: &mut Vec<Row>) {
    let rate = facts.most("jaxjs", &json!({"what": "product"}), "gflops").into_iter();
    let best = rate
        .chain(facts.most("tfjs", &json!({"what": "product"}), "gflops"))
        .max_by(|a, b| a.value.total_cmp(&b.value));
    for batch in BATCHES {
        let (ours, theirs) = (jobs::step(batch, "none"), json!({"what": "step", "batch": batch}));
        for (peer, times) in [("jaxjs", 2.5), ("tfjs", 12.0)] {
            let what = format!("reference step in the browser, one thread, batch {batch}");
            rows.push(compared(facts, 1, what, ("browser", &ours), (peer, &theirs), Target::Faster(times)));
        }
        let reached = facts.time("browser", &ours).map(|t| Reading {
            value: gflop(batch) / t.value * 1e3,
            p95: None,
            peer: None,
        });
        let product = best.clone().map(|r| Reading { peer: r.peer.map(|name| format!("512³ product, {name}")), ..r });
        let what = format!("arithmetic of that step against a hand-tuned product, batch {batch}");
        rows.push(Row::new(1, what, "GFLOP/s", reached, product, Target::Share(0.6)));
        let (on, off) = (jobs::step(batch, "sampled"), jobs::step(batch, "none"));
        let what = format!("step with both transfer terms in the browser, batch {batch}");
        let mut row = compared(facts, 1, what, ("browser", &on), ("browser", &off), Target::Open);
        row.peer = Some("retrieval only".into());
        rows.push(row);
    }
}

fn native_step(facts: &Facts, rows: &mut Vec<Row>) {
    for batch in BATCHES {
        let (ours, theirs) = (jobs::step(batch, "none"), json!({"what": "step", "batch": batch}));
        for peer in ["torch", "jax"] {
            let what = format!("reference step, native, batch {batch}");
            rows.push(compared(facts, 2, what, ("native", &ours), (peer, &theirs), Target::Faster(1.0)));
        }
        let (on, off) = (jobs::step(batch, "sampled"), jobs::step(batch, "none"));
        let what = format!("step with both transfer terms, native, batch {batch}");
        let mut row = compared(facts, 2, what, ("native", &on), ("native", &off), Target::Open);
        row.peer = Some("retrieval only".into());
        rows.push(row);
    }
}

fn all_triplets(facts: &Facts, rows: &mut Vec<Row>) {
    let (on, off) = (jobs::step(ALL_TRIPLETS, "all"), jobs::step(ALL_TRIPLETS, "none"));
    for (key, place) in [("native", "native"), ("browser", "in the browser")] {
        let what = format!("all triplets, both directions, {place}, batch {ALL_TRIPLETS}");
        let mut row = compared(facts, 3, what, (key, &on), (key, &off), Target::Within(1.25));
        row.peer = Some("retrieval only".into());
        rows.push(row);
    }
}

fn threads(facts: &Facts, rows: &mut Vec<Row>) {
    for (job, _) in jobs::threaded(1) {
        let (batch, transfer) =
            (&job["batch"], if job["transfer"] == "none" { "" } else { " with both transfer terms" });
        let what = format!("step{transfer} in the browser, all cores, batch {batch}");
        let mut row = compared(facts, 5, what, ("threads", &job), ("browser", &job), Target::Faster(1.7));
        row.peer = Some("one thread".into());
        rows.push(row);
    }
}

fn payload(facts: &Facts, rows: &mut Vec<Row>) {
    let limits = [
        ("first paint: page, scripts, styles", 120.0),
        ("CPU bundle", 300.0),
        ("GPU bundle", 1_200.0),
        ("Emoji-1k with its first style", 1_100.0),
    ];
    for (what, limit) in limits {
        let at = ("payload", &json!({"what": what}), "kb");
        rows.push(limited(facts, (6, format!("{what}, brotli")), "kB", at, Target::AtMost(limit)));
    }
    for bundle in ["CPU", "GPU"] {
        let what = format!("{bundle} bundle: the rest, when a run stands");
        let at = ("payload", &json!({"what": what}), "kb");
        rows.push(limited(facts, (6, format!("{what}, brotli")), "kB", at, Target::Open));
    }
}

fn page(facts: &Facts, rows: &mut Vec<Row>) {
    let mut of = |row, what: &str, field: &str, unit, name: &str, target| {
        rows.push(limited(facts, (row, name.into()), unit, ("page", &json!({"what": what}), field), target));
    };
    of(7, "cold", "median_ms", "ms", "link to first held-out R@1, nothing kept", Target::AtMost(8_000.0));
    of(7, "warm", "median_ms", "ms", "link to first held-out R@1, second visit", Target::AtMost(5_000.0));
    let what = "longest main-thread task while training (of those over 50 ms)";
    of(12, "training", "longest_ms", "ms", what, Target::AtMost(50.0));
    let what = "longest main-thread task while training, its processor time (of all, in a run of its own)";
    of(12, "training", "longest_processor_ms", "ms", what, Target::AtMost(50.0));
    of(12, "training", "over_50_ms", "", "main-thread tasks over 50 ms in a run", Target::AtMost(0.0));
    // Two timers never agree to the last digit.
    of(12, "training", "frames", "frames/s", "frames when idle", Target::AtLeast(59.5));
    of(12, "training", "moved_kb", "kB", "coordinates an update: copied from the engine, then moved", Target::Open);
    of(12, "training", "cloned_kb", "kB", "events an update: cloned from worker to page", Target::Open);
}

fn analysis(facts: &Facts, rows: &mut Vec<Row>) {
    for (key, place, limit) in [("native", "native", 1.0), ("browser", "in the browser", 5.0)] {
        let what = format!("search, 100,000 × 128, top 10, {place}, a query");
        rows.push(limited(facts, (8, what), "ms", (key, &jobs::search(), "median_ms"), Target::AtMost(limit)));
        let what = format!("that search against reading its table once, {place}");
        let mut row = compared(facts, 8, what, (key, &jobs::search()), (key, &jobs::read()), Target::Open);
        row.peer = Some("reading 51 MB".into());
        rows.push(row);
    }
    for (name, job) in jobs::analysis() {
        for (key, place, target) in
            [("native", "native", Target::Faster(1.0)), ("browser", "in the browser", Target::Within(2.0))]
        {
            let what = format!("{name}, 6,248 × 128, {place}");
            rows.push(compared(facts, 9, what, (key, &job), ("sklearn", &job), target));
        }
    }
}

fn growth(facts: &Facts, rows: &mut Vec<Row>) {
    for growth in jobs::growth() {
        let points = points(facts, &growth, "median_ms");
        let row = |what: String, points: &[(f64, f64)], target, reason: &str| {
            let whole = points.len() == growth.sizes.len();
            let found = exponent(points).filter(|_| whole).map(|value| Reading { value, p95: None, peer: None });
            let row = if what.contains("triplets: memory") { 3 } else { 10 };
            let last = growth.sizes.last().map_or(Value::Null, |(_, job)| job.clone());
            let note = if found.is_some() { reason.to_owned() } else { why_missing(facts, "native", &last) };
            Row::new(row, what, "exponent", found, None, target).note(note)
        };
        rows.push(row(format!("{}: time", growth.what), &points, Target::Open, growth.reason));
        if let Some(reason) = growth.memory {
            let triplets = growth.what.contains("all triplets");
            let (what, target) = if triplets {
                ("step with all triplets: memory".to_owned(), Target::AtMost(2.1))
            } else {
                (format!("{}: memory", growth.what), Target::Open)
            };
            rows.push(row(what, &self::points(facts, &growth, "peak_mb"), target, reason));
        }
    }
}

/// Size and value of every job of a growth; memory without what the program holds when it does nothing.
pub fn points(facts: &Facts, growth: &jobs::Growth, field: &str) -> Vec<(f64, f64)> {
    let idle = match field {
        "peak_mb" => facts.most("native", &jobs::idle(), field).map_or(0.0, |r| r.value),
        _ => 0.0,
    };
    #[expect(clippy::cast_precision_loss, reason = "sizes")]
    let point = |(size, job): &(usize, Value)| {
        let found = if field == "median_ms" { facts.time("native", job) } else { facts.most("native", job, field) };
        Some((*size as f64, found?.value - idle))
    };
    growth.sizes.iter().filter_map(point).collect()
}

/// Peers whose result differs from ours: they did other work, and their time says nothing.
pub fn disagreements(facts: &Facts) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |job: &Value, pattern: &Value, tolerance: f64| {
        let of = |key: &str, pattern: &Value| facts.most(key, pattern, "check").map(|r| r.value);
        let Some(ours) = of("native", job) else { return };
        for key in ["browser", "threads", "torch", "jax", "jaxjs", "tfjs", "sklearn"] {
            if let Some(theirs) = of(key, if ["browser", "threads"].contains(&key) { job } else { pattern })
                && (theirs - ours).abs() > tolerance * ours.abs()
            {
                wrong.push(format!("{pattern}: native {ours}, {key} {theirs}"));
            }
        }
    };
    for batch in BATCHES {
        check(&jobs::step(batch, "none"), &json!({"what": "step", "batch": batch}), 1e-3);
    }
    let [(_, kmeans), (_, flat), (_, deep), _] = jobs::analysis();
    // Other starts find other minima, of nearly the same inertia.
    check(&kmeans, &kmeans, 1e-2);
    check(&flat, &flat, 1e-3);
    check(&deep, &deep, 1e-3);
    wrong
}

/// Adds the times of visits under what they are called.
pub fn visits(facts: &mut Facts, what: &str, times: &[f64]) {
    if let Some((median, p95)) = quantiles(times) {
        facts.add("page", [json!({"what": what, "median_ms": median, "p95_ms": p95, "runs": times.len()})]);
    }
}

#[cfg(test)]
#[path = "table_tests.rs"]
mod tests;
