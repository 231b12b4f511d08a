use super::*;

fn facts() -> Facts {
    let mut facts = Facts::default();
    let mut step = jobs::step(128, "none");
    step["median_ms"] = 10.0.into();
    step["check"] = 0.5.into();
    facts.add("browser", [step.clone()]);
    facts.add("native", [step]);
    facts.add("jaxjs", [json!({"what": "step", "batch": 128, "median_ms": 30.0, "check": 0.5001, "peer": "jax-js 1"})]);
    facts.add("tfjs", [json!({"error": "npm ci failed"})]);
    facts.add("jaxjs", [json!({"what": "product", "gflops": 80.0, "peer": "jax-js 1"})]);
    facts
}

#[test]
fn the_reference_step_is_the_plan_s_arithmetic() {
    // 0.58 GFLOP at batch 128.
    assert!((gflop(128) - 0.577).abs() < 0.001, "{}", gflop(128));
}

#[test]
fn what_was_measured_is_judged_and_what_was_not_says_why() {
    let rows = rows(&facts());
    let find = |what: &str, peer: &str| {
        let mut found =
            rows.iter().filter(|r| r.what.contains(what) && r.peer.as_deref().is_some_and(|p| p.contains(peer)));
        found.next().unwrap_or_else(|| panic!("{what} / {peer}"))
    };
    let step = "reference step in the browser, one thread, batch 128";
    let jax = find(step, "jax-js 1");
    assert_eq!((jax.ratio, jax.met, jax.note.as_str()), (Some(3.0), Some(true), ""));
    let tf = find(step, "tfjs");
    assert_eq!((tf.ratio, tf.met), (None, None));
    assert!(tf.note.contains("npm ci failed"), "{}", tf.note);
    let share = find("hand-tuned product, batch 128", "jax-js 1");
    assert!((share.ratio.unwrap() - gflop(128) / 0.010 / 80.0).abs() < 1e-9);
    assert_eq!(share.met, Some(true));
}

#[test]
fn every_row_of_the_plan_is_there_in_order() {
    let numbers: Vec<u8> = rows(&Facts::default()).iter().map(|r| r.row).collect();
    assert!(numbers.is_sorted());
    assert!((1..=12).all(|row| numbers.contains(&row)), "{numbers:?}");
    assert!(rows(&Facts::default()).iter().all(|r| r.met.is_none() && r.ours.is_none()));
}

#[test]
fn memory_is_counted_above_the_idle_program_and_fitted() {
    let mut facts = Facts::default();
    let mut idle = jobs::idle();
    idle["peak_mb"] = 20.0.into();
    facts.add("native", [idle]);
    let growth = &jobs::growth()[0];
    for (size, job) in &growth.sizes {
        let mut job = job.clone();
        job["peak_mb"] = json!(20.0 + 0.5 * f64::from(u32::try_from(*size).unwrap()));
        facts.add("native", [job]);
    }
    assert!((exponent(&points(&facts, growth, "peak_mb")).unwrap() - 1.0).abs() < 1e-9);
    assert!(points(&facts, growth, "median_ms").is_empty());
}

#[test]
fn another_result_is_noticed() {
    let mut facts = facts();
    assert_eq!(disagreements(&facts), Vec::<String>::new());
    facts.add("torch", [json!({"what": "step", "batch": 128, "median_ms": 1.0, "check": 0.6})]);
    let wrong = disagreements(&facts);
    assert!(wrong.len() == 1 && wrong[0].contains("torch 0.6"), "{wrong:?}");
}
