//! The examples in Python and JavaScript recompute what the engine has embedded, from nothing but exported files.
//!
//! `cargo xtask test` brings a Python with numpy and safetensors and names it in `MTLS_LAB_PYTHON`; elsewhere `python3` is tried.

use mtls_lab::config::Config;
use mtls_lab::data::{Corpus, QuerySet, synthetic};
use mtls_lab::export::{Choice, Folder, Options, export};
use mtls_lab::lab::Lab;
use mtls_lab::matrix::Matrix;
use mtls_lab::rng::{Purpose, stream};
use mtls_lab::train::Session;
use rand::Rng as _;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::rc::Rc;

/// Texts that ask for every rule of the text features.
const TEXTS: [&str; 16] = [
    "a red square",
    "RED Squares, top-left!",
    "ΟΔΟΣ İstanbul Straße",
    "cafe\u{301} na\u{ef}ve",
    "赤い鳥と iphoneを",
    "한국어 글",
    "हिन्दी में लिखा",
    "🍎 !?",
    "",
    "zzz qqq xxyyzz",
    "\u{1f}a\u{85}b\u{a0}c\u{2028}d",
    "- \u{301} x",
    "Ⓐ ½ x² Ⅷ",
    "face of an animal, Surface; red face",
    "red red red red square",
    "ﷺ \u{200d} क्\u{200d}ष",
];

/// Generated pictures, with captions of their own for the first items.
fn corpus(given: bool) -> Corpus {
    let mut corpus = synthetic::corpus(60, 1);
    for (item, text) in corpus.items.iter_mut().zip(TEXTS).skip(1) {
        item.captions.push(text.to_owned());
    }
    let mut texts: Vec<Vec<String>> = corpus.items.iter().map(|item| vec![item.title.clone()]).collect();
    for (own, text) in texts.iter_mut().zip(TEXTS) {
        *own = vec![text.to_owned()];
    }
    corpus.query_sets = vec![QuerySet { name: "en".into(), texts }];
    if given {
        let mut rng = stream(1, Purpose::Noise, 0);
        let data = (0..60 * 24).map(|_| rng.random_range(-2.0..3.0)).collect();
        corpus.views[0].features = Some(Matrix { rows: 60, cols: 24, data });
    }
    corpus
}

/// Every architecture, norm, stem, kind of features, objective with a space of its own, and rule for texts.
fn configurations() -> Vec<(&'static str, serde_json::Value)> {
    let model =
        |tower: &str, norm: &str| json!({"tower": tower, "norm": norm, "hidden": 20, "dim": 12, "init": "random"});
    let hog = json!({"image_features": "hog", "text_dim": 24});
    vec![
        ("linear", json!({"model": model("linear", "layer"), "data": hog})),
        ("mlp-layer", json!({"model": model("mlp", "layer"), "data": hog})),
        ("mlp-batch", json!({"model": model("mlp", "batch"), "data": hog})),
        ("mlp-none", json!({"model": model("mlp", "none"), "data": hog})),
        ("skip-batch", json!({"model": model("skip", "batch"), "data": hog})),
        ("skip-cca", json!({"model": {"tower": "skip", "hidden": 20, "dim": 12, "init": "cca"}, "data": hog})),
        ("order", json!({"model": model("skip", "layer"), "data": hog, "retrieval": {"loss": "order"}})),
        ("sigmoid", json!({"model": model("skip", "layer"), "data": hog, "retrieval": {"loss": "sigmoid"}})),
        ("given", json!({"model": model("skip", "layer"), "data": {"image_features": "given", "text_dim": 24}})),
        ("pixels32", json!({"model": model("mlp", "layer"), "data": {"image_features": "pixels32", "text_dim": 24}})),
        (
            "words",
            json!({"model": model("skip", "layer"), "data": {"image_features": "hog", "drop_generic_words": true}}),
        ),
        (
            "few-buckets",
            json!({"model": model("skip", "layer"), "data": {"image_features": "hog", "text_buckets": 50, "text_dim": 70}}),
        ),
        (
            "stem",
            json!({
                "model": {"tower": "mlp", "norm": "layer", "hidden": 20, "dim": 12, "init": "random", "stem": "conv"},
                "data": {"image_features": "pixels64", "text_dim": 24},
            }),
        ),
    ]
}

/// Trains a few steps of every configuration and exports what the examples read.
fn exports(dir: &Path) -> Vec<PathBuf> {
    let run = |(name, config): (&str, serde_json::Value)| {
        let mut config = Config::from_json(&config.to_string()).unwrap();
        config.train.batch = 16;
        let session =
            Session::new(Rc::new(corpus(name == "given")), config, None, mtls_lab::tensor::Device::Cpu).unwrap();
        let mut lab = Lab::new(session).unwrap();
        pollster::block_on(lab.step(3)).unwrap();
        let path = dir.join(name);
        let mut folder = Folder::create(&path).unwrap();
        for choice in [Choice::Weights, Choice::Features, Choice::Embeddings, Choice::Jsonl] {
            pollster::block_on(export(&mut lab, choice, &Options::default(), &mut folder)).unwrap();
        }
        path
    };
    configurations().into_iter().map(run).collect()
}

fn example(file: &str) -> PathBuf {
    // Asked when it runs: another checkout may have compiled this into the shared cache.
    Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").expect("cargo runs this")).join("examples").join(file)
}

/// What was said, after a run that succeeded.
fn good(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    said
}

/// Whether the program answers; where it has to, because the project's own set-up brings it, it must.
fn there(program: &mut Command, name: &str, must: bool) -> bool {
    let found = program.output().is_ok_and(|output| output.status.success());
    assert!(found || !must, "{name} was named by the set-up, but does not run");
    if !found {
        eprintln!("SKIPPED: {name} is not here, so that this example was not run; `cargo xtask test` installs it");
    }
    found
}

#[test]
fn python_and_javascript_recompute_every_embedding() {
    let dir = tempfile::tempdir().unwrap();
    let folders = exports(dir.path());
    // Three comparisons a run, and all of them must have been made.
    let compared = |said: &str| said.lines().filter(|line| line.starts_with("ok ")).count();

    if there(Command::new("node").arg("--version"), "node", false) {
        let output = Command::new("node").arg(example("javascript/reproduce.mjs")).args(&folders).output().unwrap();
        let said = good(&output);
        eprint!("{said}");
        assert_eq!(compared(&said), 3 * folders.len(), "{said}");
    }
    let named = std::env::var_os("MTLS_LAB_PYTHON");
    let python = named.clone().unwrap_or("python3".into());
    let check = ["-c", "import numpy, safetensors"];
    if there(Command::new(&python).args(check), "Python with numpy and safetensors", named.is_some()) {
        let output = Command::new(&python).arg(example("python/reproduce.py")).args(&folders).output().unwrap();
        let said = good(&output);
        eprint!("{said}");
        assert!(compared(&said) >= 3 * folders.len(), "{said}");
    }
}

#[test]
fn the_examples_notice_a_difference() {
    let dir = tempfile::tempdir().unwrap();
    let config = json!({"model": {"dim": 4, "hidden": 5}, "data": {"image_features": "hog", "text_dim": 8}});
    let config = Config::from_json(&config.to_string()).unwrap();
    let session = Session::new(Rc::new(corpus(false)), config, None, mtls_lab::tensor::Device::Cpu).unwrap();
    let mut lab = Lab::new(session).unwrap();
    let mut folder = Folder::create(dir.path()).unwrap();
    for choice in [Choice::Weights, Choice::Features, Choice::Embeddings, Choice::Jsonl] {
        pollster::block_on(export(&mut lab, choice, &Options::default(), &mut folder)).unwrap();
    }
    // One number of one text's features is another.
    let path = dir.path().join("features.safetensors");
    let mut bytes = std::fs::read(&path).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let json: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    let start = 8 + header + json["text"]["data_offsets"][0].as_u64().unwrap() as usize;
    bytes[start..start + 4].copy_from_slice(&0.9f32.to_le_bytes());
    std::fs::write(&path, bytes).unwrap();
    if there(Command::new("node").arg("--version"), "node", false) {
        let output = Command::new("node").arg(example("javascript/reproduce.mjs")).arg(dir.path()).output().unwrap();
        assert!(!output.status.success());
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains("FAILED") && said.contains("text features"), "{said}");
    }
}

#[test]
fn the_exported_page_finds_what_the_engine_finds() {
    const K: usize = 10;
    if !there(Command::new("node").arg("--version"), "node", false) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    for loss in ["info_nce", "order"] {
        let config = json!({
            "model": {"dim": 24, "hidden": 32, "init": "random"}, "retrieval": {"loss": loss}, "train": {"batch": 16},
            "data": {"image_features": "hog", "text_dim": 48},
        });
        let config = Config::from_json(&config.to_string()).unwrap();
        let session = Session::new(Rc::new(corpus(false)), config, None, mtls_lab::tensor::Device::Cpu).unwrap();
        let mut lab = Lab::new(session).unwrap();
        pollster::block_on(lab.step(30)).unwrap();
        let mut folder = Folder::create(dir.path()).unwrap();
        pollster::block_on(export(&mut lab, Choice::Page, &Options::default(), &mut folder)).unwrap();
        // The page's own script, with what it does in a browser left out.
        let script = "
            import { readFileSync } from 'node:fs';
            const [folder, ...texts] = process.argv.slice(1);
            const { Model, readSafetensors } = await import(`${folder}/search.mjs`);
            const read = (name) => new Uint8Array(readFileSync(`${folder}/${name}`)).buffer;
            const model = new Model(read('model.safetensors'));
            const image = readSafetensors(read('index.safetensors')).tensors.get('image');
            for (const text of texts) {
                const query = model.embedText(text);
                const scores = Array.from({ length: image.shape[0] }, (_, i) => model.scoreOf('text', query, image, i));
                console.log(JSON.stringify(scores));
            }";
        let page = dir.path().join("page");
        std::fs::copy(page.join("search.js"), page.join("search.mjs")).unwrap();
        let texts = ["a red square", "blue disc at the bottom", "赤い鳥", "nothing known: zzz"];
        let output =
            Command::new("node").args(["--input-type=module", "-e", script]).arg(&page).args(texts).output().unwrap();
        for (text, line) in texts.iter().zip(good(&output).lines()) {
            let scores: Vec<f32> = serde_json::from_str(line).unwrap();
            let found = pollster::block_on(lab.search_text(text, K, mtls_lab::lab::Moment::Now)).unwrap();
            for hit in &found.images {
                // What 8 bits a number leave open.
                assert!((scores[hit.index] - hit.score).abs() < 0.01, "{loss} {text}: {} {hit:?}", scores[hit.index]);
            }
            let best = scores.iter().copied().fold(f32::MIN, f32::max);
            assert!(best - scores[found.images[0].index] < 0.01, "{loss} {text}");
        }
        assert_eq!(good(&output).lines().count(), texts.len());
    }
}
