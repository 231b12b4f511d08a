//! The program as a user calls it.

use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtls-lab"));
    command.stdin(Stdio::null());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn done(output: &Output) -> String {
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Forty pictures of four colours in many shades, with captions and labels.
fn folder(dir: &Path) {
    let mut metadata = "file_name,text,label\n".to_owned();
    for n in 0..40u8 {
        let (name, mut rgb) = (["red", "green", "blue", "grey"][usize::from(n % 4)], [20; 3]);
        for (channel, value) in rgb.iter_mut().enumerate() {
            if n % 4 == 3 || usize::from(n % 4) == channel {
                *value = 60 + 4 * n;
            }
        }
        let file = format!("{n}.png");
        image::RgbImage::from_pixel(8, 8, image::Rgb(rgb)).save(dir.join(&file)).unwrap();
        metadata += &format!("{file},a {name} square of shade {n},{name}\n");
    }
    std::fs::write(dir.join("metadata.csv"), metadata).unwrap();
}

fn records(file: &Path) -> Vec<Value> {
    std::fs::read_to_string(file).map(|t| serde_json::from_str(&t).expect("records are whole")).unwrap_or_default()
}

#[test]
fn the_list_names_objectives_controls_and_presets() {
    let list = done(&program().args(["compare", "--list"]).output().unwrap());
    for name in ["raw", "cca", "mean-vector", "order/linear", "siglip+transfer", "mtls:self-teacher", "twin", "paper"] {
        assert!(list.lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}: {list}");
    }
}

#[test]
fn a_killed_comparison_goes_on_and_what_the_data_lacks_is_said() {
    let dir = tempfile::tempdir().unwrap();
    folder(dir.path());
    let out = dir.path().join("records.json");
    let compare = || {
        let mut command = program();
        command.args([
            "compare",
            "--objectives",
            "raw,cca,infonce/linear,siglip/skip",
            "--seeds",
            "2",
            "--threads",
            "1",
        ]);
        command.arg("--data").arg(dir.path()).arg("--out").arg(&out);
        command
    };
    let mut first = compare().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let began = Instant::now();
    while records(&out).len() < 2 {
        assert!(began.elapsed() < Duration::from_secs(120), "no record after two minutes");
        assert!(first.try_wait().unwrap().is_none() || records(&out).len() >= 2, "it ended early");
        std::thread::sleep(Duration::from_millis(5));
    }
    first.kill().unwrap();
    first.wait().unwrap();
    let before = records(&out);

    let output = compare().output().unwrap();
    let table = done(&output);
    let said = text(&output.stderr);
    assert!(said.contains("style is left out") && said.contains("no folds"), "{said}");
    assert!(said.contains(&format!("{} records found", before.len())), "{said}");
    let after = records(&out);
    assert_eq!(after.len(), 2 + 2 * 2, "two closed forms, two objectives with two seeds");
    // What was there is kept to the last digit, the seconds it took included.
    assert!(before.iter().all(|old| after.contains(old)), "{before:?} {after:?}");
    assert!(table.contains("| siglip/skip | 2 |"), "{table}");
}

#[test]
fn a_wrong_name_is_named_and_nothing_is_overwritten() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("notes.json");
    std::fs::write(&out, "my notes").unwrap();
    for (arguments, name) in [
        (vec!["--objectives", "mtsl"], "mtsl"),
        (vec!["--objectives", "cca", "--splits", "nowhere"], "nowhere"),
        (vec!["--objectives", "cca"], "notes.json"),
        (vec![], "--suite paper"),
    ] {
        let mut command = program();
        command.arg("compare").args(&arguments);
        if name == "notes.json" {
            command.arg("--out").arg(&out);
        }
        let output = command.current_dir(dir.path()).output().unwrap();
        assert!(!output.status.success() && text(&output.stderr).contains(name), "{}", text(&output.stderr));
    }
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "my notes");
}
