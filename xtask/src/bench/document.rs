//! `docs/benchmarks.md`.

use std::fmt::Write as _;

use serde_json::Value;

use super::Options;
use super::facts::{Facts, MEASURED};
use super::jobs;
use super::machine::Machine;
use super::row::Row;
use super::table::{disagreements, points};

/// Written by hand, once: how to read what follows.
const HEADER: &str = "\
# Benchmarks

Written by `cargo xtask bench`, which measures everything here side by side in one run; `docs/results/bench.json` holds the
same rows. Peers come from their registries at the versions of `benches/peers/` and take the very same step, from the same
weights and features; a peer that can use two threads was measured with one and with two, and the faster counts. All take
their turns several times, and the fastest round of each stays: times are its medians, with the 95th percentile behind the
slash. A ratio of speeds says how many times as fast as the peer we are; other ratios are ours over the peer's or over the
limit. What was not measured says why, and counts as neither met nor missed.
";

/// Said where it was so.
const BUSY: &str = "\nThe machine did other things meanwhile, as its load says: times are longer than on a quiet one, and peers whose two \
                    threads\nwait for each other suffer most.\n";

/// The whole page.
pub fn page(machine: &Machine, rows: &[Row], facts: &Facts, options: &Options) -> String {
    let mut page = String::from(HEADER);
    page.push_str("\n## Machine\n\n| | |\n|---|---|\n");
    for (name, value) in &machine.lines {
        let _ = writeln!(page, "| {name} | {} |", cell(value));
    }
    if machine.busy {
        page.push_str(BUSY);
    }
    let judged = rows.iter().filter_map(|row| row.met);
    let (met, all) = (judged.clone().filter(|met| *met).count(), judged.count());
    let _ = writeln!(page, "\n## Targets: {met} of {all} met\n");
    page.push_str("| # | what | ours | peer | its value | ratio | target | met |\n|---|---|---|---|---|---|---|---|\n");
    for row in rows.iter().filter(|row| row.row != 10) {
        let _ = writeln!(page, "{}", line(row));
    }
    page.push_str("\n## Growth\n\nNative; exponents are fitted by least squares on the logarithms of all sizes.\n\n");
    page.push_str("| what | exponent | why |\n|---|---|---|\n");
    for row in rows.iter().filter(|row| row.row == 10) {
        let _ = writeln!(page, "| {} | {} | {} |", cell(&row.what), value(row.ours, ""), cell(&row.note));
    }
    page.push_str("\n| what | size: milliseconds (MB above the idle program) |\n|---|---|\n");
    for growth in jobs::growth() {
        let (times, memory) = (points(facts, &growth, "median_ms"), points(facts, &growth, "peak_mb"));
        let shown = times.iter().map(|(size, ms)| {
            let mb =
                memory.iter().find(|(other, _)| other == size).map_or(String::new(), |(_, mb)| format!(" ({mb:.0})"));
            format!("{size}: {}{mb}", number(*ms))
        });
        let _ = writeln!(page, "| {} | {} |", growth.what, shown.collect::<Vec<_>>().join("; "));
    }
    page.push_str(
        "\n## Everything that was timed\n\n| by | job | median ms | p95 | runs | result |\n|---|---|---|---|---|---|\n",
    );
    for fact in facts.0.iter().filter(|fact| fact.contains_key("median_ms")) {
        let what = fact.get("what").and_then(Value::as_str).unwrap_or_default().to_owned();
        let shown = |name: &str| !MEASURED.contains(&name) && !["key", "peer", "what"].contains(&name);
        let rest = fact.iter().filter(|(name, _)| shown(name));
        let job: Vec<String> = [what]
            .into_iter()
            .chain(rest.map(|(name, value)| format!("{name} {}", value.to_string().trim_matches('"'))))
            .collect();
        let by = ["peer", "key"].iter().find_map(|name| fact.get(*name)?.as_str()).unwrap_or_default();
        let of = |name: &str| fact.get(name).and_then(Value::as_f64).map_or(String::new(), number);
        let _ = writeln!(
            page,
            "| {} | {} | {} | {} | {} | {} |",
            cell(by),
            cell(&job.join(", ")),
            of("median_ms"),
            of("p95_ms"),
            of("runs"),
            fact.get("check").and_then(Value::as_f64).map_or(String::new(), |check| format!("{check:.5}"))
        );
    }
    page.push_str("\nSteps and PCA give the same result whoever does them, within rounding, and k-means the same inertia within 1 %");
    let wrong = disagreements(facts);
    page.push_str(&if wrong.is_empty() {
        ".\n".to_owned()
    } else {
        format!(", except: {}\n", cell(&wrong.join("; ")))
    });
    let _ = write!(
        page,
        "\n## Commands\n\n    cargo xtask build                       # the site that the page's rows measure\n    cargo xtask bench{}\n    \
         cargo xtask bench --parts native,peers  # some of it, into target/bench/\n    \
         cargo run --release -- bench            # the reference step alone\n",
        options.line()
    );
    page
}

/// A row as a line of the table.
pub fn line(row: &Row) -> String {
    let with = |value: String, p95: Option<f64>| p95.map_or(value.clone(), |p95| format!("{value} / {}", number(p95)));
    let met = match row.met {
        Some(true) => "yes",
        Some(false) => "**no**",
        None => "",
    };
    let note = if row.note.is_empty() { String::new() } else { format!(" ({})", row.note) };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {met} |",
        row.row,
        cell(&format!("{}{note}", row.what)),
        with(value(row.ours, row.unit), row.p95),
        cell(row.peer.as_deref().unwrap_or_default()),
        with(value(row.peer_value, row.unit), row.peer_p95),
        row.ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
        row.target.as_deref().unwrap_or_default(),
    )
}

fn value(value: Option<f64>, unit: &str) -> String {
    value.map_or(String::new(), |value| format!("{} {unit}", number(value)).trim_end().to_owned())
}

/// Three digits where there are that many to show.
fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 100.0 || v.fract() == 0.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Text that cannot end a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::facts::Reading;
    use crate::bench::row::Target;
    use serde_json::json;

    #[test]
    fn a_line_shows_both_sides_the_ratio_and_the_verdict() {
        let at = |value: f64, peer: &str| Some(Reading { value, p95: Some(value * 1.5), peer: Some(peer.into()) });
        let row = Row::new(2, "step", "ms", at(7.25, ""), at(120.0, "a|b"), Target::Faster(1.0));
        assert_eq!(line(&row), "| 2 | step | 7.25 ms / 10.9 | a\\|b | 120 ms / 180 | 16.55 | ≥ 1× as fast | yes |");
        let missing = Row::new(5, "threads", "", None, None, Target::Open).note("none");
        assert_eq!(line(&missing), "| 5 | threads (none) |  |  |  |  |  |  |");
    }

    #[test]
    fn the_page_names_machine_targets_and_every_time() {
        let mut facts = Facts::default();
        facts.add(
            "native",
            [json!({"what": "step", "batch": 128, "median_ms": 7.0, "p95_ms": 8.0, "runs": 30, "check": 0.5})],
        );
        facts.add("tfjs", [json!({"error": "offline"})]);
        let machine =
            Machine { lines: vec![("processor", "X, 2 cores".into())], browser: None, busy: false, side_by_side: None };
        let rows = [Row::new(
            8,
            "search",
            "ms",
            Some(Reading { value: 4.0, p95: None, peer: None }),
            None,
            Target::AtMost(5.0),
        )];
        let page = page(&machine, &rows, &facts, &Options::default());
        for part in [
            "| processor | X, 2 cores |",
            "1 of 1 met",
            "| 8 | search |",
            "| native | step, batch 128 | 7 | 8 | 30 | 0.50000 |",
        ] {
            assert!(page.contains(part), "{part} is not in\n{page}");
        }
        assert!(!page.contains("offline"));
    }
}
