//! Running the stages of `cargo xtask test`: all of them, the later ones also after a failure,
//! then a table and one closing line.

use std::io::{BufRead, BufReader, Read, Write};
use std::ops::AddAssign;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process::{clock, shown};

/// Checks and tests that passed and failed.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// How many passed.
    pub passed: usize,
    /// How many failed.
    pub failed: usize,
    /// How many were not run again: they passed on the same files (`passed.rs`).
    pub before: usize,
}

impl Tally {
    /// A check that has no tests of its own and passed.
    pub const CHECK: Self = Self { passed: 1, failed: 0, before: 0 };
    /// One failure.
    const FAILURE: Self = Self { passed: 0, failed: 1, before: 0 };
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.before += other.before;
    }
}

/// One stage: its name, and what it does. An error counts as one failure.
pub struct Stage<'a> {
    /// What a filter is compared with.
    pub name: &'static str,
    /// Does the work.
    pub work: Work<'a>,
}

/// What a stage does; its result counts its tests.
pub type Work<'a> = Box<dyn Fn() -> Result<Tally> + 'a>;

/// Runs the stages and prints the table. The last line is `N passed, N failed`.
pub fn run(stages: Vec<Stage>) -> Tally {
    let started = Instant::now();
    let count = stages.len();
    let mut rows = Vec::new();
    for (index, stage) in stages.into_iter().enumerate() {
        println!("\n== {} ({} of {count}, {} so far)", stage.name, index + 1, clock(started.elapsed()));
        let begun = Instant::now();
        let (tally, note) = match (stage.work)() {
            Ok(tally) if tally == Tally::default() => (Tally::FAILURE, "nothing ran".to_owned()),
            Ok(tally) => (tally, String::new()),
            Err(error) => (Tally::FAILURE, format!("{error:#}")),
        };
        if !note.is_empty() {
            println!("{} failed: {note}", stage.name);
        }
        rows.push((stage.name, tally, begun.elapsed(), note));
    }
    let mut total = Tally::default();
    let line = |name: &str, tally: Tally, time: Duration, note: &str| {
        let Tally { passed, failed, before } = tally;
        let line = format!("{name:<18} {passed:>7} {failed:>7} {before:>7} {:>12}  {note}", clock(time));
        println!("{}", line.trim_end());
    };
    println!("\n{:<18} {:>7} {:>7} {:>7} {:>12}", "stage", "passed", "failed", "before", "time");
    for (name, tally, time, note) in &rows {
        total += *tally;
        line(name, *tally, *time, note.lines().next().unwrap_or_default());
    }
    line("all", total, started.elapsed(), "");
    if total.before > 0 {
        println!(
            "before: passed in an earlier run, on the very same files and tools, and not run again (--again runs all)"
        );
    }
    println!("\n{} passed, {} failed", total.passed, total.failed);
    total
}

/// Runs a test program, its output passing through, and counts its tests. Fails when it fails
/// without a failed test, when it ran none, and when it takes longer than `limit`.
pub fn tests(command: &mut Command, limit: Duration) -> Result<Tally> {
    let name = shown(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let (sender, lines) = mpsc::channel();
    let follow = |pipe: Option<Box<dyn Read + Send>>| {
        let sender = sender.clone();
        if let Some(pipe) = pipe {
            thread::spawn(move || {
                for line in BufReader::new(pipe).lines().map_while(Result::ok) {
                    let _ = sender.send(line);
                }
            });
        }
    };
    follow(child.stdout.take().map(|pipe| Box::new(pipe) as _));
    follow(child.stderr.take().map(|pipe| Box::new(pipe) as _));
    drop(sender);
    let end = Instant::now() + limit;
    let mut tally = Tally::default();
    loop {
        match lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                count(&line, &mut tally);
                println!("{line}");
                let _ = std::io::stdout().flush();
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => {
                let _ = child.kill();
                bail!("{name} took longer than {}", clock(limit));
            }
        }
    }
    let status = child.wait()?;
    if !status.success() && tally.failed == 0 {
        bail!("{name} failed ({status})");
    }
    if tally == Tally::default() {
        bail!("{name} ran no test");
    }
    Ok(tally)
}

/// Adds what a closing line of cargo test, wasm-bindgen-test or Playwright counts.
fn count(line: &str, tally: &mut Tally) {
    if let Some(result) = line.trim_start().strip_prefix("test result: ") {
        for part in result.split([';', '.']) {
            let mut words = part.split_whitespace();
            let number = words.next().and_then(|word| word.parse::<usize>().ok());
            match (number, words.next()) {
                (Some(number), Some("passed")) => tally.passed += number,
                (Some(number), Some("failed")) => tally.failed += number,
                _ => {}
            }
        }
    } else if line.starts_with("  ") {
        // Playwright: "  12 passed (1.2m)", "  1 failed", and what passed only when it was tried again
        // ("flaky"), which it names above.
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            [number, "passed", time] if time.starts_with('(') => {
                tally.passed += number.parse().unwrap_or(0);
            }
            [number, "flaky"] => tally.passed += number.parse().unwrap_or(0),
            [number, "failed"] => tally.failed += number.parse().unwrap_or(0),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::command;

    fn shell(script: &str) -> Result<Tally> {
        tests(command("sh").args(["-c", script]), Duration::from_secs(20))
    }

    fn tally(passed: usize, failed: usize) -> Tally {
        Tally { passed, failed, before: 0 }
    }

    #[test]
    fn closing_lines_of_all_three_runners_are_added_up() {
        let mut sum = Tally::default();
        for line in [
            "test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 3 filtered out; finished in 0.1s",
            "test result: FAILED. 2 passed; 1 failed; 0 ignored; 0 filtered out",
            "  7 passed (1.2m)",
            "  2 failed",
            "  1 flaky",
            "    [chromium] tests/a.ts:3:1 > 5 failed",
            "the word 9 passed",
        ] {
            count(line, &mut sum);
        }
        assert_eq!(sum, tally(22, 3));
    }

    #[test]
    fn a_runner_that_fails_or_finds_nothing_or_hangs_is_an_error() {
        assert_eq!(shell("echo 'test result: ok. 2 passed; 0 failed'").unwrap(), tally(2, 0));
        assert_eq!(shell("echo 'test result: FAILED. 2 passed; 1 failed'; exit 101").unwrap(), tally(2, 1));
        let crashed = shell("echo 'test result: ok. 2 passed; 0 failed'; exit 1");
        assert!(crashed.unwrap_err().to_string().contains("failed (exit"));
        let none = shell("echo 'test result: ok. 0 passed; 0 failed'");
        assert!(none.unwrap_err().to_string().contains("ran no test"));
        let hung = tests(command("sleep").arg("30"), Duration::from_millis(50));
        assert!(hung.unwrap_err().to_string().contains("longer"));
    }

    #[test]
    fn later_stages_run_after_a_failure_and_an_empty_stage_is_one() {
        let ran = std::cell::Cell::new(0);
        let stage = |name, result: fn() -> Result<Tally>| Stage {
            name,
            work: Box::new({
                let ran = &ran;
                move || {
                    ran.set(ran.get() + 1);
                    result()
                }
            }),
        };
        let total = run(vec![
            stage("error", || bail!("no")),
            stage("empty", || Ok(Tally::default())),
            stage("good", || Ok(tally(3, 0))),
        ]);
        assert_eq!((ran.get(), total), (3, tally(3, 2)));
    }
}
