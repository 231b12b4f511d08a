//! The tests of the built page, by Playwright. Each file of them is run, or known to have passed, for itself.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::bundle::Finished;
use crate::passed::Passed;
use crate::preset::Preset;
use crate::process::text;
use crate::server;
use crate::setup::Ready;
use crate::site;
use crate::stages::{self, Tally};
use crate::stamp;
use crate::verify::LIMIT;
use crate::workspace::read;

/// Where the tests find the page: below a path, as on a project site.
const PREFIX: &str = "/some/path/";
/// How a file of tests is named.
const TESTS: &str = ".spec.ts";
/// What every one of them may depend on is the whole checkout but this.
pub const APART: [&str; 8] = [
    TESTS,
    "benches/",
    "docs/benchmarks.md",
    "docs/formats.md",
    "docs/method.md",
    "docs/results/",
    "tests/",
    "README.md",
];

/// What earlier stages of the same call leave for this one.
#[derive(Default)]
pub struct Made {
    /// The bundles.
    pub bundles: Vec<(Preset, Finished)>,
    /// Whether the native program was compiled.
    pub native: bool,
    /// Whether the page was laid out.
    pub site: bool,
}

/// How many bundles the whole page has.
const BUNDLES: usize = 4;

/// Playwright on the built page, served as a static host would, for the files that did not pass as they are. `begun`: the
/// checkout (without [`APART`]) as it was before anything of it was built.
pub fn tests(ready: &Ready, passed: &Passed, made: &Made, begun: Option<String>) -> Result<Tally> {
    let browser = ready.browser.as_ref().context("no browser was set up")?;
    let out = ready.workspace.dist_test();
    if made.bundles.is_empty() {
        bail!("no bundle was built in this call: run the stages bundle and site-build too");
    }
    for (preset, bundle) in &made.bundles {
        site::add(&out, preset, bundle)?;
    }
    let www = ready.workspace.www();
    let inputs = |page: Option<&String>, file: &str| -> Result<Option<String>> {
        let text = read(&www.join("tests").join(file))?;
        Ok(page.map(|page| stamp::parts(&[page.as_bytes(), text.as_bytes()])))
    };
    // What was built in another call may be of other files.
    let page = begun.filter(|_| made.native && made.site && made.bundles.len() == BUNDLES);
    let mut tally = Tally::default();
    let mut files = Vec::new();
    for file in stamp::walk(&www.join("tests"), &[])? {
        let file = file.to_string_lossy().into_owned();
        if file.ends_with(TESTS) {
            let inputs = inputs(page.as_ref(), &file)?;
            match passed.before(&file, inputs.as_deref()) {
                Some(before) => tally += before,
                None => files.push((file, inputs)),
            }
        }
    }
    if files.is_empty() {
        return Ok(tally);
    }
    files.iter().for_each(|(file, _)| passed.forget(file));
    let native = native_run(ready)?;
    let served = server::start(&out, 9_080, PREFIX)?;
    let report = ready.workspace.root.join("target").join("page-tests.json");
    let _ = std::fs::remove_file(&report); // An earlier run's would count, where this one writes none.
    tally += stages::tests(
        ready
            .tool("npx")?
            .args(["--no-install", "playwright", "test", "--reporter", "list,json"])
            .args(files.iter().map(|(file, _)| format!("tests/{file}")))
            .current_dir(&www)
            .env("PLAYWRIGHT_JSON_OUTPUT_NAME", &report)
            .env("CHROMIUM", &browser.chrome)
            .env("SITE_URL", &served.url)
            .env("NATIVE_RUN", native),
        LIMIT,
    )?;
    let report: Report = serde_json::from_str(&read(&report)?).context("Playwright's report")?;
    let page = passed.inputs(&APART);
    for (file, before) in &files {
        let same = inputs(page.as_ref(), file).is_ok_and(|now| now == *before);
        if let Some(count) = report.passed(file).filter(|_| same) {
            passed.note(file, before.as_deref(), count)?;
        }
    }
    Ok(tally)
}

/// The run that the page repeats and compares with, step by step: the report of the native program.
fn native_run(ready: &Ready) -> Result<PathBuf> {
    let program = ready.workspace.target().join("debug").join("mtls-lab");
    if !program.is_file() {
        bail!("{} is missing: run the stage test too, it compiles it", program.display());
    }
    let arguments = "train --data emoji-1k --views noto --preset retrieval --epochs 20 --seed 7 --no-twin --json";
    let report = text(ready.tool(program)?.args(arguments.split(' ')))?;
    let file = ready.workspace.root.join("target").join("native-run.json");
    std::fs::write(&file, report).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// What Playwright's JSON reporter writes, as far as it is read here.
#[derive(Deserialize)]
struct Report {
    suites: Vec<Suite>,
}

#[derive(Deserialize)]
struct Suite {
    file: String,
    specs: Vec<Spec>,
    #[serde(default)]
    suites: Vec<Suite>,
}

#[derive(Deserialize)]
struct Spec {
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    status: String,
}

impl Report {
    /// How many tests of a file passed, where all did and at once: what passed only when it was tried again is run again.
    fn passed(&self, file: &str) -> Option<usize> {
        let (count, all) = self.suites.iter().filter(|suite| suite.file == file).fold((0, true), Suite::add);
        (all && count > 0).then_some(count)
    }
}

impl Suite {
    fn add((count, all): (usize, bool), suite: &Self) -> (usize, bool) {
        let statuses = || suite.specs.iter().flat_map(|spec| &spec.tests).map(|test| test.status.as_str());
        let all = all && statuses().all(|status| status == "expected" || status == "skipped");
        let count = count + statuses().filter(|status| *status == "expected").count();
        suite.suites.iter().fold((count, all), Self::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_passed_when_each_of_its_tests_did_at_the_first_try() {
        let file = |name: &str, statuses: [&str; 2]| {
            let [outer, inner] = statuses.map(|status| format!(r#"[{{"tests":[{{"status":"{status}"}}]}}]"#));
            format!(r#"{{"file":"{name}","specs":{outer},"suites":[{{"file":"{name}","specs":{inner}}}]}}"#)
        };
        let files = [
            file("a", ["expected", "expected"]),
            file("b", ["expected", "flaky"]),
            file("c", ["unexpected", "expected"]),
            file("d", ["skipped", "expected"]),
        ];
        let report: Report = serde_json::from_str(&format!(r#"{{"suites":[{}]}}"#, files.join(","))).unwrap();
        assert_eq!(["a", "b", "c", "d", "e"].map(|file| report.passed(file)), [Some(2), None, None, Some(1), None]);
    }
}
