//! `cargo xtask bench`: this project and its peers on this machine, in one run.
//!
//! | part | what it measures |
//! |---|---|
//! | `native` | the engine, compiled in release, a process a job |
//! | `peers` | PyTorch, JAX and scikit-learn, in an environment of their own in the cache folder |
//! | `browser` | the engine's CPU bundle, jax-js and TensorFlow.js in the same browser |
//! | `page` | what lies in `dist/`: its sizes, how soon it shows something, how fluid it stays |
//!
//! All parts together write `docs/benchmarks.md` and `docs/results/bench.json`; some of them, the same files in `target/bench/`.
//! A peer that cannot be installed is a row that says so.

mod browser;
mod document;
mod facts;
mod jobs;
mod machine;
mod native;
mod payload;
mod peers;
mod row;
mod statistics;
mod table;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::setup::Ready;
use facts::Facts;
use machine::Machine;

const PARTS: [&str; 4] = ["native", "peers", "browser", "page"];

/// What the words after `cargo xtask bench` ask for.
#[derive(Debug, Eq, PartialEq)]
pub struct Options {
    /// Timed runs of what takes milliseconds, over all rounds.
    repeat: usize,
    /// Times that everybody takes their turn: what else the machine does hits one and spares another.
    rounds: usize,
    /// The parts to measure.
    parts: Vec<&'static str>,
}

impl Options {
    /// `--repeat N` (30), `--rounds N` (3; ask for more of both where others use the machine too) and `--parts A,B` (all).
    pub fn parse(words: &[&str]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let value = rest.next().ok_or_else(|| format!("{word} needs a value"))?;
            match *word {
                "--repeat" => options.repeat = count(word, value)?,
                "--rounds" => options.rounds = count(word, value)?,
                "--parts" => {
                    let known = |name: &str| PARTS.into_iter().find(|part| *part == name);
                    let named = value.split(',').map(|name| {
                        known(name)
                            .ok_or_else(|| format!("there is no part {name:?}; the parts are {}", PARTS.join(", ")))
                    });
                    options.parts = named.collect::<Result<_, _>>()?;
                }
                other => return Err(format!("bench has no option {other:?}")),
            }
        }
        Ok(options)
    }

    /// The words for `--repeat` and `--rounds` that ask for these again, with a space before each.
    fn line(&self) -> String {
        let default = Self::default();
        let said = [("repeat", self.repeat, default.repeat), ("rounds", self.rounds, default.rounds)];
        said.into_iter()
            .filter(|(_, own, usual)| own != usual)
            .map(|(name, own, _)| format!(" --{name} {own}"))
            .collect()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self { repeat: 30, rounds: 3, parts: PARTS.to_vec() }
    }
}

/// A number that is not zero.
fn count(word: &str, value: &str) -> Result<usize, String> {
    value
        .parse()
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("{word} takes a number above 0, not {value:?}"))
}

/// Measures and writes. Fails, after writing, when a peer got another result than we did.
pub fn bench(ready: &Ready, options: &Options) -> Result<()> {
    let wanted = |part: &str| options.parts.contains(&part);
    if wanted("page") {
        payload::product(&ready.workspace.dist())?;
    }
    let mut machine = Machine::now(ready)?;
    let mut facts = Facts::default();
    let work = ready.workspace.root.join("target").join("bench");
    std::fs::create_dir_all(&work)?;
    let inputs = work.join("inputs");
    let program = native::compile(ready)?;
    native::inputs(ready, &program, &inputs)?;
    let repeat = options.repeat.div_ceil(options.rounds);
    for round in 1..=options.rounds {
        eprintln!("bench: round {round} of {}", options.rounds);
        if wanted("native") || wanted("browser") {
            match native::side_by_side(ready, &program, repeat) {
                Ok(times) => machine.saw(times),
                Err(error) => eprintln!("bench: two programs at a time were not measured: {error:#}"),
            }
        }
        if wanted("native") {
            native::measure(ready, &program, jobs::both(repeat), &mut facts)?;
        }
        if wanted("peers") {
            peers::measure(ready, &inputs, repeat, &mut facts);
        }
        if wanted("browser") {
            machine.browser = browser::engine(ready, &inputs, repeat, &mut facts)?;
        }
    }
    if wanted("native") {
        eprintln!("bench: growth");
        native::measure(ready, &program, jobs::growing(options.repeat.div_ceil(3)), &mut facts)?;
    }
    if wanted("page") {
        eprintln!("bench: the page");
        if let Err(error) = payload::measure(&ready.workspace.dist(), &mut facts) {
            facts.fail("payload", &error);
        }
        if let Err(error) = browser::page(ready, &mut facts) {
            facts.fail("page", &error);
        }
    }
    machine.finish();
    let rows = table::rows(&facts);
    let docs = if options.parts.len() == PARTS.len() { ready.workspace.root.join("docs") } else { work };
    let files = [
        (docs.join("results").join("bench.json"), serde_json::to_string_pretty(&rows)? + "\n"),
        (docs.join("benchmarks.md"), document::page(&machine, &rows, &facts, options)),
    ];
    for (file, text) in files {
        write(file, &text)?;
    }
    for row in &rows {
        println!("{}", document::line(row));
    }
    let wrong = table::disagreements(&facts);
    if !wrong.is_empty() {
        bail!("peers got other results, so that their times say nothing:\n  {}", wrong.join("\n  "));
    }
    Ok(())
}

fn write(file: PathBuf, text: &str) -> Result<()> {
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)?;
    }
    std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
    println!("wrote {}", file.display());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_read_and_wrong_ones_are_said() {
        assert_eq!(Options::parse(&[]), Ok(Options::default()));
        let some = Options::parse(&["--parts", "browser,native", "--repeat", "3", "--rounds", "2"]).unwrap();
        assert_eq!((some.line().as_str(), Options::default().line().as_str()), (" --repeat 3 --rounds 2", ""));
        assert_eq!(some, Options { repeat: 3, rounds: 2, parts: vec!["browser", "native"] });
        for wrong in [
            &["--repeat"][..],
            &["--repeat", "0"],
            &["--rounds", "-1"],
            &["--parts", "nativ"],
            &["--quick", "1"],
            &["native"],
        ] {
            assert!(Options::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
