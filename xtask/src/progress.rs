//! Long cargo calls with progress: what is done, how long it took, how long it may still take.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{clock, shown, text};

/// What a cargo call left.
pub struct Built {
    /// Whether cargo succeeded.
    pub success: bool,
    /// Files of the workspace's own targets (test programs, bundles).
    pub files: Vec<PathBuf>,
    /// Packages that were compiled in this call rather than found in the cache folder.
    pub compiled: usize,
}

/// Where the count of finished packages comes from.
enum Source {
    /// `--message-format=json` on standard output.
    Messages,
    /// `Compiling …` lines on standard error (`cargo install`).
    Lines,
}

enum Event {
    Message(Value),
    Line(String),
}

/// Runs a cargo command that was given `--message-format=json`. `total` is the number of packages.
pub fn cargo(command: &mut Command, total: usize) -> Result<Built> {
    watch(command, total, &Source::Messages)
}

/// Runs a cargo command that knows no such messages.
pub fn install(command: &mut Command, total: usize) -> Result<bool> {
    Ok(watch(command, total, &Source::Lines)?.success)
}

/// The number of different packages in `cargo tree` of a selection (`tree` has cargo's arguments).
pub fn packages(tree: &mut Command) -> usize {
    text(tree).map_or(0, |tree| {
        tree.lines()
            .map(|line| line.trim_end_matches(" (*)"))
            .filter(|line| !line.is_empty() && !line.starts_with('['))
            .collect::<HashSet<_>>()
            .len()
    })
}

fn watch(command: &mut Command, total: usize, source: &Source) -> Result<Built> {
    let name = shown(command);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let (sender, events) = mpsc::channel();
    let mut readers = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        let sender = sender.clone();
        readers.push(thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let event = match serde_json::from_str(&line) {
                    Ok(message) => Event::Message(message),
                    Err(_) => Event::Line(line),
                };
                let _ = sender.send(event);
            }
        }));
    }
    if let Some(stderr) = child.stderr.take() {
        readers.push(thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _ = sender.send(Event::Line(line));
            }
        }));
    } // The channel closes when both ends are read.

    let mut meter = Meter::new(total);
    let mut built = Built { success: false, files: Vec::new(), compiled: 0 };
    let mut seen = HashSet::new();
    loop {
        match events.recv_timeout(Duration::from_secs(1)) {
            Ok(Event::Message(message)) => take(&message, &mut seen, &mut built, &mut meter),
            Ok(Event::Line(line)) => {
                if matches!(source, Source::Lines) && line.trim_start().starts_with("Compiling ") {
                    built.compiled += 1;
                    meter.count(built.compiled, built.compiled);
                }
                if !routine(&line) {
                    meter.say(&line);
                }
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        meter.tick();
    }
    for reader in readers {
        let _ = reader.join();
    }
    built.success = child.wait().with_context(|| name)?.success();
    meter.clear();
    Ok(built)
}

fn take(message: &Value, seen: &mut HashSet<String>, built: &mut Built, meter: &mut Meter) {
    match message["reason"].as_str() {
        Some("compiler-artifact") => {
            let script = message["target"]["kind"][0] == "custom-build";
            let package = message["package_id"].as_str().unwrap_or_default();
            if package.starts_with("path+") {
                let files = message["filenames"].as_array().into_iter().flatten();
                built.files.extend(files.filter_map(Value::as_str).map(PathBuf::from));
            }
            if !script && seen.insert(package.to_owned()) {
                built.compiled += usize::from(message["fresh"] == false);
                meter.count(seen.len(), built.compiled);
            }
        }
        Some("compiler-message") => {
            if let Some(rendered) = message["message"]["rendered"].as_str() {
                meter.say(rendered.trim_end());
            }
        }
        _ => {}
    }
}

/// Cargo's own report of what it does, which the meter replaces.
fn routine(line: &str) -> bool {
    const WORDS: [&str; 16] = [
        "Compiling",
        "Checking",
        "Documenting",
        "Downloading",
        "Downloaded",
        "Updating",
        "Locking",
        "Adding",
        "Fresh",
        "Finished",
        "Executable",
        "Installing",
        "Generated",
        "Running",
        "Installed",
        "Replacing",
    ];
    let line = line.trim_start();
    line.is_empty() || WORDS.iter().any(|word| line.strip_prefix(word).is_some_and(|rest| rest.starts_with(' ')))
}

/// One line that says how far a step is.
struct Meter {
    total: usize,
    done: usize,
    compiled: usize,
    started: Instant,
    shown: Instant,
    terminal: bool,
    dirty: bool,
}

impl Meter {
    fn new(total: usize) -> Self {
        let now = Instant::now();
        Self {
            total,
            done: 0,
            compiled: 0,
            started: now,
            shown: now,
            terminal: std::io::stderr().is_terminal(),
            dirty: false,
        }
    }

    fn count(&mut self, done: usize, compiled: usize) {
        (self.done, self.compiled) = (done, compiled);
    }

    fn tick(&mut self) {
        let pause = Duration::from_secs(if self.terminal { 1 } else { 20 });
        if self.shown.elapsed() < pause {
            return;
        }
        self.shown = Instant::now();
        let line = status(self.done, self.total, self.compiled, self.started.elapsed());
        if self.terminal {
            eprint!("\r\x1b[2K      {line}");
            let _ = std::io::stderr().flush();
            self.dirty = true;
        } else {
            eprintln!("      {line}");
        }
    }

    fn say(&mut self, line: &str) {
        self.clear();
        eprintln!("{line}");
    }

    fn clear(&mut self) {
        if self.dirty {
            eprint!("\r\x1b[2K");
            self.dirty = false;
        }
    }
}

/// The meter's words. The time left is a straight line through the packages compiled so far; it
/// is offered only once some have been, and called rough because the last crates are the largest.
fn status(done: usize, total: usize, compiled: usize, elapsed: Duration) -> String {
    let total = total.max(done);
    let mut line = format!("{done} of {total} packages, {} so far", clock(elapsed));
    if done == total {
        line.push_str(", linking or compiling the last ones");
    } else if let (true, Ok(compiled), Ok(left)) = (compiled >= 8, u32::try_from(compiled), u32::try_from(total - done))
    {
        line.push_str(&format!(", roughly {} left", clock(elapsed * left / compiled)));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_counts_only_what_was_compiled() {
        // 300 were found in the cache, 50 compiled in 100 s: 50 more take about as long.
        let line = status(350, 400, 50, Duration::from_secs(100));
        assert!(line.ends_with("roughly 1:40 min left"), "{line}");
        // Too little to go by.
        assert!(!status(3, 400, 3, Duration::from_secs(2)).contains("left"));
        // An estimate of the total that was too small does not count past 100 %.
        assert!(status(5, 4, 5, Duration::from_secs(1)).starts_with("5 of 5"));
    }

    #[test]
    fn routine_lines_are_dropped_and_errors_are_not() {
        assert!(routine("   Compiling serde v1.0.0"));
        assert!(routine(""));
        assert!(!routine("error: could not compile `x`"));
        assert!(!routine("    Blocking waiting for file lock on build directory"));
        assert!(!routine("Runningless"));
    }

    #[test]
    fn failure_and_messages_of_the_program_come_through() {
        let script = r#"echo '{"reason":"compiler-artifact","package_id":"path+file:///x#a@1","target":{"kind":["cdylib"]},"filenames":["/x/a.wasm"],"fresh":false}'; exit 1"#;
        let built = cargo(crate::process::command("sh").args(["-c", script]), 1).unwrap();
        assert!(!built.success);
        assert_eq!(built.files, [PathBuf::from("/x/a.wasm")]);
        assert_eq!(built.compiled, 1);
    }
}
