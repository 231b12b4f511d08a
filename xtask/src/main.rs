//! Developer commands: `cargo xtask <verb>`. Everything that the project needs beyond cargo, Node
//! and a C linker is installed by these commands themselves; what they compile lies in one cache
//! folder that may be deleted at any time.

mod bench;
mod browser;
mod bundle;
mod debian;
mod kernels;
mod page;
mod passed;
mod preset;
mod process;
mod progress;
mod serve;
mod server;
mod setup;
mod site;
mod soak;
mod split;
mod stages;
mod stamp;
mod toolchain;
mod verify;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;

use crate::preset::Presets;
use crate::setup::{Needs, Ready, setup};
use crate::workspace::Workspace;

const HELP: &str = "\
cargo xtask <verb>

  setup                  install what is missing (also the browser for the tests)
  build [--preset A,B]   build the bundles and the site into dist/ (default: cpu,files,threads,gpu)
  serve [--port N] [--preset A,B]
                         build, and serve on loopback as soon as the CPU bundle is there
  test [--again] [FILTER ...]
                         all checks and tests, or the stages whose name contains a filter; tests that passed on the
                         very same files are not run again, but with --again
  test --list            the names of the stages
  bench [--repeat N] [--rounds N] [--parts native,peers,browser,page]
                         measure this machine and the peers in one run: docs/benchmarks.md
  soak [CYCLES]          many cycles of the built page (200): memory over time
  pack emoji|clipart     rebuild packs/emoji or packs/clipart from its sources

Presets are in wasm-pack.toml. The cache folder is $MTLS_LAB_CACHE, else
$XDG_CACHE_HOME/mtls-lab, else ~/.cache/mtls-lab.
Exit codes: 0 done, 1 something failed, 2 wrong usage.";

/// What the command line asks for.
#[derive(Debug, Eq, PartialEq)]
enum Verb<'a> {
    Help,
    Setup,
    Build(Vec<&'a str>),
    Serve { port: u16, presets: Vec<&'a str> },
    ListStages,
    Test { again: bool, filters: Vec<&'a str> },
    Bench(bench::Options),
    Soak(Vec<&'a str>),
    Pack(&'a str),
}

/// Reads the words after `cargo xtask`; an error is a sentence for the user.
fn parse<'a>(words: &[&'a str]) -> Result<Verb<'a>, String> {
    let Some((&verb, rest)) = words.split_first() else {
        return Ok(Verb::Help);
    };
    let none = |verb_value| match rest.first() {
        None => Ok(verb_value),
        Some(word) => Err(format!("{verb} takes no {word:?}")),
    };
    match verb {
        "help" | "--help" | "-h" => Ok(Verb::Help),
        "setup" => none(Verb::Setup),
        "build" => {
            let (port, presets) = options(rest)?;
            match port {
                None => Ok(Verb::Build(presets)),
                Some(_) => Err("build takes no --port".into()),
            }
        }
        "serve" => {
            let (port, presets) = options(rest)?;
            let port = port.unwrap_or(8080);
            Ok(Verb::Serve { port, presets })
        }
        "test" if rest == ["--list"] => Ok(Verb::ListStages),
        "test" => {
            let (again, filters): (Vec<&str>, Vec<&str>) = rest.iter().partition(|word| **word == "--again");
            let unknown = filters.iter().find(|filter| !verify::NAMES.iter().any(|name| name.contains(**filter)));
            match unknown {
                Some(filter) => {
                    Err(format!("no stage's name contains {filter:?}; the stages are {}", verify::NAMES.join(", ")))
                }
                None => Ok(Verb::Test { again: !again.is_empty(), filters }),
            }
        }
        "bench" => bench::Options::parse(rest).map(Verb::Bench),
        "soak" => Ok(Verb::Soak(rest.to_vec())),
        "pack" => match rest {
            [name @ ("emoji" | "clipart")] => Ok(Verb::Pack(name)),
            _ => Err("pack takes the name of a pack: emoji or clipart".into()),
        },
        other => Err(format!("there is no verb {other:?}")),
    }
}

/// `--port N` and `--preset A,B`, each at most once useful; the default presets are the products.
fn options<'a>(words: &[&'a str]) -> Result<(Option<u16>, Vec<&'a str>), String> {
    let (mut port, mut presets) = (None, vec!["cpu", "files", "threads", "gpu"]);
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let value = rest.next().ok_or_else(|| format!("{word} needs a value"))?;
        match *word {
            "--port" => match value.parse() {
                Ok(number) if number > 0 => port = Some(number),
                _ => return Err(format!("{value:?} is no port")),
            },
            "--preset" => presets = value.split(',').collect(),
            other => return Err(format!("there is no option {other:?}")),
        }
    }
    Ok((port, presets))
}

fn carry_out(verb: Verb) -> Result<bool> {
    let ready = |needs: Needs| -> Result<Ready> { setup(Workspace::find()?, needs) };
    match verb {
        Verb::Help => println!("{HELP}"),
        Verb::ListStages => println!("{}", verify::NAMES.join("\n")),
        Verb::Setup => {
            ready(Needs::Tests)?;
        }
        Verb::Build(names) => {
            let presets = Presets::load(&Workspace::find()?.root)?.choose(&names)?;
            serve::build(&ready(Needs::Build)?, &presets)?;
        }
        Verb::Serve { port, presets } => {
            let presets = Presets::load(&Workspace::find()?.root)?.choose(&presets)?;
            serve::serve(&ready(Needs::Build)?, &presets, port)?;
        }
        Verb::Test { again, filters } => {
            return Ok(verify::verify(&ready(Needs::Tests)?, &filters, again)?.failed == 0);
        }
        Verb::Bench(options) => bench::bench(&ready(Needs::Tests)?, &options)?,
        Verb::Soak(rest) => soak::soak(&ready(Needs::Tests)?, &rest)?,
        Verb::Pack(name) => process::run(ready(Needs::Build)?.tool("cargo")?.args([
            "run",
            "--release",
            "--package",
            "packer",
            "--",
            name,
        ]))?,
    }
    Ok(true)
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match parse(&words).map(carry_out) {
        Ok(Ok(true)) => ExitCode::SUCCESS,
        Ok(Ok(false)) => ExitCode::from(1),
        Ok(Err(error)) => {
            eprintln!("error: {error:#}");
            ExitCode::from(1)
        }
        Err(sentence) => {
            eprintln!("error: {sentence}\n\n{HELP}");
            ExitCode::from(2)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_read_as_the_help_says() {
        assert_eq!(parse(&[]), Ok(Verb::Help));
        assert_eq!(parse(&["build"]), Ok(Verb::Build(vec!["cpu", "files", "threads", "gpu"])));
        assert_eq!(
            parse(&["serve", "--port", "9000", "--preset", "cpu-test"]),
            Ok(Verb::Serve { port: 9000, presets: vec!["cpu-test"] })
        );
        assert_eq!(parse(&["test", "wasm"]), Ok(Verb::Test { again: false, filters: vec!["wasm"] }));
        assert_eq!(parse(&["test", "--again"]), Ok(Verb::Test { again: true, filters: vec![] }));
        assert_eq!(parse(&["pack", "clipart"]), Ok(Verb::Pack("clipart")));
    }

    #[test]
    fn wrong_usage_is_said_and_never_ignored() {
        for wrong in [
            &["bild"][..],
            &["setup", "now"],
            &["serve", "--port"],
            &["serve", "--port", "0"],
            &["serve", "--port", "70000"],
            &["serve", "--prot", "8080"],
            &["build", "--port", "8080"],
            &["test", "no-such-stage"],
            &["pack"],
            &["pack", "photos"],
            &["bench", "--parts", "gpu"],
        ] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
