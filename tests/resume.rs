//! A run that is killed goes on, and ends with the same bytes as one that was not.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

const JOURNAL: &str = "pictures.journal";
/// A model that is ready in no time.
const SMALL: [&str; 8] =
    ["--init", "random", "--set", "data.text_dim=24", "--set", "model.dim=16", "--set", "model.hidden=32"];

fn program(verb: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mtls-lab"));
    command.arg(verb).args(arguments).args(["--device", "cpu"]).stdin(Stdio::null());
    command
}

fn train(arguments: &[&str]) -> Command {
    program("train", arguments)
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Runs to the end; what was said on the way.
fn finished(mut command: Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// `kill -9` as soon as `now` says so.
fn killed(mut command: Command, now: impl Fn() -> bool) {
    let mut child: Child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    while !now() {
        if child.try_wait().unwrap().is_some() {
            let said = child.wait_with_output().unwrap().stderr;
            panic!("it ended before it could be killed: {}", String::from_utf8_lossy(&said));
        }
        assert!(began.elapsed() < Duration::from_secs(60), "nothing to kill after a minute");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

fn length(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |about| about.len())
}

/// Iterations that the snapshot has behind it.
fn step(snapshot: &Path) -> u64 {
    let text = |value: &serde_json::Value| serde_json::from_str(value.as_str().unwrap_or_default());
    let read = || -> Option<u64> {
        let bytes = std::fs::read(snapshot).ok()?;
        let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).ok()?;
        let sealed: serde_json::Value =
            serde_json::from_str(metadata.metadata().as_ref()?.get("mtls-lab-snapshot")?).ok()?;
        let header: serde_json::Value = text(&sealed["header"]).ok()?;
        header["step"].as_u64()
    };
    read().unwrap_or(0)
}

/// Pictures of two-coloured grids, each a little different, with names that say what is on them.
fn pictures(folder: &Path, count: u32, side: u32) -> Vec<PathBuf> {
    std::fs::create_dir_all(folder).unwrap();
    let draw = |n: u32| {
        let (colour, cell) = (n % 6, 5 + n / 6 % 11);
        let picture = image::RgbImage::from_fn(side, side, |x, y| {
            let on = (x * cell / side + y * (3 + n % 7) / side).is_multiple_of(2);
            let shade = (40 + (x * 131 + y * 71 + n * 37) % 90) as u8;
            let channel = |bit: u32| if on && (colour + 1) >> bit & 1 == 1 { 255 - shade } else { shade };
            image::Rgb([channel(0), channel(1), channel(2)])
        });
        let name = ["red", "green", "yellow", "blue", "purple", "cyan"][colour as usize];
        let path = folder.join(format!("{name} grid of {} cells number {}.jpg", words(cell), words(n)));
        picture.save(&path).unwrap();
        path
    };
    (0..count).map(draw).collect()
}

/// A number as a word, because counters in file names are no captions.
fn words(n: u32) -> String {
    n.to_string()
        .bytes()
        .map(|digit| ["o", "un", "du", "tri", "qua", "qui", "sex", "sep", "oct", "non"][usize::from(digit - 48)])
        .collect()
}

#[test]
fn killed_while_it_reads_trains_and_compares_it_ends_with_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, whole, cut) = (dir.path().join("pictures"), dir.path().join("whole"), dir.path().join("cut"));
    let files = pictures(&folder, 330, 160);
    let data = ["--data", path(&folder), "--out"];
    let settings = [&SMALL[..], &["--epochs", "3", "--batch", "33"], &data].concat();
    finished(train(&[&settings[..], &[path(&whole)]].concat()));
    assert!(
        !whole.join(JOURNAL).exists() && !whole.join("begun.json").exists() && !whole.join("twin.safetensors").exists()
    );

    // While it reads. A group of 64 is 800 kB: the first is whole when there is more, and not while it is being written.
    let journal = cut.join(JOURNAL);
    killed(train(&[&settings[..], &[path(&cut)]].concat()), || length(&journal) > 1_000_000);
    let resume = ["--resume", "--out", path(&cut), "--save-every", "0"];
    // The same command goes on as well as --resume does.
    let before = length(&journal);
    killed(train(&[&settings[..], &[path(&cut)]].concat()), || length(&journal) > before);
    // What was read is not read again: its file may be another by now, if it looks the same from outside.
    let first = files.iter().min().unwrap();
    let (about, bytes) = (std::fs::metadata(first).unwrap(), std::fs::read(first).unwrap());
    std::fs::write(first, vec![0; bytes.len()]).unwrap();
    File::options().write(true).open(first).unwrap().set_modified(about.modified().unwrap()).unwrap();
    // Half a record, as of a machine that stopped.
    let half = length(&journal) - 1000;
    File::options().write(true).open(&journal).unwrap().set_len(half).unwrap();

    // Before the first step, in the midst of training, and the twin's; by the time it is looked at it may be past that.
    let (run, twin) = (cut.join("run.safetensors"), cut.join("twin.safetensors"));
    let begun = || std::fs::read_to_string(cut.join("begun.json")).unwrap_or_default();
    killed(train(&resume), || begun().contains("data.safetensors") || run.exists());
    // The pictures are not needed any more.
    std::fs::remove_dir_all(&folder).unwrap();
    killed(train(&resume), || step(&run) >= 3);
    let reached = step(&run);
    killed(train(&resume), || step(&run) > reached + 2 || twin.exists());
    killed(train(&resume), || step(&twin) >= 4);
    let reached = step(&twin);
    let said = finished(train(&resume));
    assert!(reached >= 4 && said.contains("going on from step"), "{said}");

    assert!(std::fs::read(&run).unwrap() == std::fs::read(whole.join("run.safetensors")).unwrap(), "other bytes");
    let report = |dir: &Path| -> serde_json::Value {
        let mut report: serde_json::Value =
            serde_json::from_slice(&std::fs::read(dir.join("report.json")).unwrap()).unwrap();
        for time in ["seconds", "ms_per_step"] {
            report.as_object_mut().unwrap().remove(time);
        }
        report
    };
    assert_eq!(report(&cut), report(&whole), "step 0, twin and history too");
    assert!(!twin.exists() && !journal.exists());
    println!("killed six times in all; {} bytes", length(&run));
}

#[test]
fn with_the_encoder_a_changed_picture_is_read_anew_and_the_others_are_not() {
    let dir = tempfile::tempdir().unwrap();
    let (folder, whole, cut) = (dir.path().join("pictures"), dir.path().join("whole"), dir.path().join("cut"));
    let mut files = pictures(&folder, 20, 60);
    files.sort();
    let data = ["--encoder", "--no-twin", "--data", path(&folder), "--epochs", "1", "--out"];
    let settings = [&SMALL[..], &data].concat();
    let journal = cut.join(JOURNAL);
    // Eight pictures with their features are 140,096 bytes: one group is whole, and perhaps more.
    killed(train(&[&settings[..], &[path(&cut)]].concat()), || length(&journal) > 150_000);
    // The last of those that went through the encoder together: the groups stay as they are.
    std::fs::copy(&files[19], &files[7]).unwrap();
    File::options().write(true).open(&files[7]).unwrap().set_modified(UNIX_EPOCH).unwrap();
    let said = finished(train(&["--resume", "--no-twin", "--out", path(&cut)]));
    assert!([8, 16, 20].iter().any(|n| said.contains(&format!("{n} pictures were read before"))), "{said}");
    finished(train(&[&settings[..], &[path(&whole)]].concat()));
    // The picture that was changed went through the encoder alone: its features differ in their last digits at most.
    let data =
        |dir: &Path| mtls_lab::data::prepared::read(&std::fs::read(dir.join("data.safetensors")).unwrap()).unwrap();
    let (cut, whole) = (data(&cut), data(&whole));
    assert_eq!(
        (&cut.fingerprint, &cut.items, &cut.views[0].tiles),
        (&whole.fingerprint, &whole.items, &whole.views[0].tiles)
    );
    let features = |corpus: &mtls_lab::data::Corpus| corpus.views[0].features.clone().unwrap();
    let (cut, whole) = (features(&cut), features(&whole));
    let most = cut.data.iter().zip(&whole.data).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(most < 1e-2, "{most}");
}

#[test]
fn killed_while_it_embeds_it_writes_the_same_file_and_no_other_runs() {
    let dir = tempfile::tempdir().unwrap();
    let [folder, run, other] = ["pictures", "run", "other"].map(|name| dir.path().join(name));
    let mut files = pictures(&folder, 330, 160);
    files.sort();
    std::fs::write(&files[2], "no picture").unwrap();
    for (run, seed) in [(&run, "1"), (&other, "2")] {
        let data = ["--no-twin", "--data", path(&folder), "--epochs", "1", "--seed", seed, "--out", path(run)];
        finished(train(&[&SMALL[..], &data].concat()));
    }
    for ending in ["npz", "jsonl"] {
        let [whole, cut] = ["whole", "cut"].map(|name| dir.path().join(format!("{name}.{ending}")));
        let embed =
            |run: &Path, out: &Path| program("embed", &[path(run), "--data", path(&folder), "--out", path(out)]);
        finished(embed(&run, &whole));
        let journal = dir.path().join(format!("cut.{ending}.journal"));
        // What another run embedded is of no use. A batch of 64 is 7,107 bytes.
        killed(embed(&other, &cut), || length(&journal) > 8_000);
        let subject = || std::fs::read(&journal).unwrap_or_default().into_iter().take(90).collect::<Vec<u8>>();
        let others = subject();
        // In this order: as long as the other's is there it is long enough.
        killed(embed(&run, &cut), || subject() != others && length(&journal) > 8_000);
        let said = finished(embed(&run, &cut));
        let before: usize =
            said.lines().find_map(|line| line.strip_suffix(" were embedded before")?.parse().ok()).unwrap();
        // All of them, where only the file was still to be written.
        let whole_batches = before >= 64 && before.is_multiple_of(64) || before == 330;
        assert!(whole_batches && said.contains("329 of 330"), "{said}");
        assert!(std::fs::read(&whole).unwrap() == std::fs::read(&cut).unwrap(), "{ending}: other bytes");
        assert!(!journal.exists());
    }
}
