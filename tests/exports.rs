//! What `mtls-lab export` and `mtls-lab embed` write, as other programs would find it.

use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Pictures, and as many texts.
const N: usize = 30;
const DIM: usize = 6;

fn program(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_mtls-lab")).args(arguments).output().unwrap()
}

fn done(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(output: Output) -> String {
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// A folder with pictures and a run on them.
struct Trained {
    dir: tempfile::TempDir,
}

impl Trained {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let pictures = dir.path().join("pictures");
        std::fs::create_dir(&pictures).unwrap();
        let mut metadata = "file_name,text,label\n".to_owned();
        for n in 0..N as u8 {
            let name = ["red", "green", "blue"][usize::from(n % 3)];
            let mut rgb = [30; 3];
            rgb[usize::from(n % 3)] = 90 + 5 * n;
            image::RgbImage::from_pixel(9, 9, image::Rgb(rgb)).save(pictures.join(format!("{n:02}.png"))).unwrap();
            metadata += &format!("{n:02}.png,\"a {name} tile\tof shade {n}\",{name}\n");
        }
        std::fs::write(pictures.join("metadata.csv"), metadata).unwrap();
        let this = Self { dir };
        let config =
            r#"{"model": {"dim": 6, "hidden": 8}, "data": {"text_dim": 12}, "train": {"batch": 8, "epochs": 2}}"#;
        std::fs::write(this.path("config.json"), config).unwrap();
        let [data, out, config] = ["pictures", "run", "config.json"].map(|name| this.name(name));
        done(program(&["train", "--data", &data, "--out", &out, "--config", &config, "--no-twin", "--device", "cpu"]));
        this
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn name(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    fn rows(&self, name: &str) -> Vec<Value> {
        self.read(name).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn export(&self, out: &str, more: &[&str]) -> String {
        let [run, out] = ["run", out].map(|name| self.name(name));
        done(program(&[&["export", &run, "--out", &out], more].concat()))
    }
}

fn vector(row: &Value) -> Vec<f32> {
    row["vector"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect()
}

/// The header and the numbers of a `.npy` member.
fn array(npz: &Path, name: &str) -> (String, Vec<u8>) {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(npz).unwrap()).unwrap();
    let mut bytes = Vec::new();
    zip.by_name(&format!("{name}.npy")).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\x00");
    let header = usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    assert_eq!((10 + header) % 64, 0, "numbers begin at a multiple of 64");
    (String::from_utf8(bytes[10..10 + header].to_vec()).unwrap(), bytes[10 + header..].to_vec())
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

#[test]
fn every_export_says_the_same_about_the_same_rows() {
    let run = Trained::new();
    let said = run.export("out", &["--what", "weights,features,embeddings,tsv,jsonl,parquet,metrics,page"]);
    for name in ["weights.safetensors", "embeddings.npz", "vectors.parquet", "page/index.html", "page/pictures-0.jpg"] {
        assert!(said.contains(name), "{said}");
    }
    let rows = run.rows("out/vectors.jsonl");
    assert_eq!(rows.len(), 2 * N);
    assert_eq!((rows[3]["modality"].as_str(), rows[N + 3]["modality"].as_str()), (Some("image"), Some("text")));
    assert_eq!((rows[3]["key"].as_str(), rows[3]["label"].as_str()), (Some("03.png"), Some("red")));
    assert_eq!(rows[N + 3]["text"].as_str(), Some("a red tile\tof shade 3"));

    // NPZ.
    let npz = run.path("out/embeddings.npz");
    for (name, start) in [("image", 0), ("text", N)] {
        let (header, numbers) = array(&npz, name);
        assert!(header.contains("'descr': '<f4'") && header.contains(&format!("'shape': ({N}, {DIM},)")), "{header}");
        let wanted: Vec<f32> = rows[start..start + N].iter().flat_map(vector).collect();
        assert_eq!(floats(&numbers), wanted);
    }
    let (header, labels) = array(&npz, "labels");
    assert!(header.contains("'<U5'") && header.contains(&format!("'shape': ({N},)")), "{header}");
    let first: String = labels[..20].chunks(4).filter_map(|c| char::from_u32(c[0].into())).collect();
    assert_eq!(first, "red\0\0");
    let (header, held_out) = array(&npz, "held_out");
    assert!(header.contains("'|b1'"), "{header}");
    assert!(rows[..N].iter().zip(&held_out).all(|(row, &held)| row["held_out"].as_bool() == Some(held == 1)));
    assert!(held_out.contains(&1) && held_out.contains(&0));

    // TSV: one line a row, whatever a text has in it.
    let vectors = run.read("out/vectors.tsv");
    let metadata = run.read("out/metadata.tsv");
    assert_eq!((vectors.lines().count(), metadata.lines().count()), (2 * N, 2 * N + 1));
    for (line, row) in vectors.lines().zip(&rows) {
        assert_eq!(line.split('\t').map(|v| v.parse::<f32>().unwrap()).collect::<Vec<_>>(), vector(row));
    }
    assert!(metadata.lines().all(|line| line.split('\t').count() == 6));
    assert!(metadata.contains("a red tile of shade 3"));

    // Parquet.
    let reader = SerializedFileReader::new(std::fs::File::open(run.path("out/vectors.parquet")).unwrap()).unwrap();
    assert_eq!(reader.metadata().file_metadata().num_rows(), 2 * N as i64);
    for (found, row) in reader.get_row_iter(None).unwrap().zip(&rows) {
        for (name, field) in found.unwrap().get_column_iter() {
            let good = match field {
                Field::Long(v) => row[name].as_i64() == Some(*v),
                Field::Str(v) => row[name].as_str() == Some(v),
                Field::Bool(v) => row[name].as_bool() == Some(*v),
                Field::Float(v) => row[name].as_f64().map(|w| w as f32) == Some(*v),
                Field::ListInternal(list) => {
                    let of = |f: &Field| if let Field::Float(v) = f { *v } else { f32::NAN };
                    list.elements().iter().map(of).collect::<Vec<_>>() == vector(row)
                }
                other => panic!("{name}: {other:?}"),
            };
            assert!(good, "{name} of {row}: {field:?}");
        }
    }

    // Metrics: a row a step, and the evaluations in their rows.
    let mut metrics = csv::Reader::from_path(run.path("out/metrics.csv")).unwrap();
    let head: Vec<String> = metrics.headers().unwrap().iter().map(str::to_owned).collect();
    let column = |name: &str| head.iter().position(|h| h == name).unwrap_or_else(|| panic!("no {name} in {head:?}"));
    let table: Vec<csv::StringRecord> = metrics.records().map(Result::unwrap).collect();
    let last = table.last().unwrap();
    let json: Value = serde_json::from_str(&run.read("out/metrics.json")).unwrap();
    let evaluated = json["history"].as_array().unwrap().iter().rfind(|e| e["type"] == "evaluation").unwrap();
    assert_eq!(last[column("mr")].parse::<f64>().ok(), evaluated["metrics"]["mr"].as_f64());
    assert!(last[column("total")].parse::<f64>().unwrap() > 0.0);
    assert_eq!(last[column("step")].parse::<u64>().ok(), json["step"].as_u64());

    // The page: what it names is there, and nothing in it is somebody else's.
    let set: Value = serde_json::from_str(&run.read("out/page/set.json")).unwrap();
    assert_eq!(set["items"].as_array().unwrap().len(), N);
    for sheet in set["sheets"].as_array().unwrap() {
        let sheet = image::open(run.path("out/page").join(sheet.as_str().unwrap())).unwrap();
        assert!(sheet.width().max(sheet.height()) <= 4096);
    }
    for name in ["index.html", "style.css", "search.js"] {
        let text = run.read(&format!("out/page/{name}"));
        assert!(!text.contains("http://") && !text.contains("https://"), "{name}");
    }
    assert!(!run.path("out").read_dir().unwrap().any(|e| e.unwrap().path().extension().is_some_and(|e| e == "part")));
}

#[test]
fn large_sets_come_in_shards_that_together_are_the_whole() {
    let run = Trained::new();
    run.export("whole", &["--what", "jsonl"]);
    run.export("shards", &["--what", "jsonl,parquet", "--shard-rows", "25"]);
    let shards: Vec<Value> = (0..3).flat_map(|n| run.rows(&format!("shards/vectors-{n:05}-of-00003.jsonl"))).collect();
    assert_eq!(shards, run.rows("whole/vectors.jsonl"));
    let rows = |n| {
        let file = std::fs::File::open(run.path(&format!("shards/vectors-{n:05}-of-00003.parquet"))).unwrap();
        SerializedFileReader::new(file).unwrap().metadata().file_metadata().num_rows()
    };
    assert_eq!([rows(0), rows(1), rows(2)], [25, 25, 10]);
}

#[test]
fn new_pictures_and_texts_get_the_embeddings_that_known_ones_have() {
    let run = Trained::new();
    run.export("out", &["--what", "jsonl"]);
    let rows = run.rows("out/vectors.jsonl");
    let texts: Vec<&str> = rows[N..].iter().map(|row| row["text"].as_str().unwrap()).collect();
    std::fs::write(run.path("texts.txt"), texts.join("\n")).unwrap();
    let [trained, texts, lines, pictures, npz] =
        ["run", "texts.txt", "texts.jsonl", "pictures", "pictures.npz"].map(|name| run.name(name));
    done(program(&["embed", &trained, "--texts", &texts, "--out", &lines]));
    let near = |a: &[f32], b: &[f32]| a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
    let found = run.rows("texts.jsonl");
    assert_eq!(found.len(), N);
    for (found, row) in found.iter().zip(&rows[N..]) {
        assert_eq!(found["key"], row["text"]);
        assert!(near(&vector(found), &vector(row)), "{found} {row}");
    }

    // One that cannot be read is named and left out; the others keep their names.
    std::fs::create_dir(run.path("pictures/more")).unwrap();
    std::fs::write(run.path("pictures/more/broken.png"), b"no picture").unwrap();
    std::fs::copy(run.path("pictures/07.png"), run.path("pictures/more/again.PNG")).unwrap();
    let output = program(&["embed", &trained, "--data", &pictures, "--out", &npz]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    done(output);
    assert!(said.contains("broken.png") && said.contains(&format!("{} of {}", N + 1, N + 2)), "{said}");
    let (header, numbers) = array(&run.path("pictures.npz"), "vectors");
    assert!(header.contains(&format!("'shape': ({}, {DIM},)", N + 1)), "{header}");
    let numbers = floats(&numbers);
    let wanted: Vec<f32> = rows[..N].iter().flat_map(vector).chain(vector(&rows[7])).collect();
    assert!(near(&numbers, &wanted));
}

#[test]
fn an_experiment_is_a_run_wherever_it_lies() {
    let run = Trained::new();
    let said = run.export("out", &["--what", "experiment"]);
    assert!(said.contains("experiment.mtls"), "{said}");
    let [trained, file, moved] = ["run", "out/experiment.mtls", "moved"].map(|name| run.name(name));
    let mr = |run: &str| serde_json::from_str::<Value>(&done(program(&["eval", run, "--json"]))).unwrap()["mr"].clone();
    let expected = mr(&trained);
    // The pictures are in it: those beside it may go.
    std::fs::rename(run.path("pictures"), run.path("away")).unwrap();
    assert_eq!(mr(&file), expected);
    let found = done(program(&["search", &file, "--text", "a red tile", "--json"]));
    assert!(found.contains("red"), "{found}");

    // It goes on in a folder of its own, and stays as it was.
    let before = std::fs::read(run.path("out/experiment.mtls")).unwrap();
    done(program(&["train", "--from", &file, "--out", &moved, "--no-twin", "--device", "cpu"]));
    done(program(&["train", "--resume", "--out", &moved, "--no-twin", "--device", "cpu"]));
    assert_eq!(std::fs::read(run.path("out/experiment.mtls")).unwrap(), before);
    let weights = |name: &str| std::fs::read(run.path(name)).unwrap();
    assert!(weights("moved/run.safetensors") == weights("run/run.safetensors"), "a run at its end has no more to do");
    let again = refused(program(&["train", "--from", &file, "--out", &moved, "--no-twin"]));
    assert!(again.contains("there is a run here already"), "{again}");
    // Its data are data like others.
    done(program(&[
        "train",
        "--data",
        &file,
        "--no-twin",
        "--epochs",
        "1",
        "--device",
        "cpu",
        "--set",
        "train.batch=8",
    ]));

    // Without them it says so.
    std::fs::rename(run.path("away"), run.path("pictures")).unwrap();
    run.export("bare", &["--what", "experiment", "--data", "never"]);
    let said = refused(program(&["eval", &run.name("bare/experiment.mtls")]));
    assert!(said.contains("without its data"), "{said}");
    assert!(refused(program(&["eval", &run.name("pictures/00.png")])).contains("00.png"));
}

#[test]
fn mistakes_are_named_before_anything_is_written() {
    let run = Trained::new();
    let [trained, out, empty, txt] = ["run", "nothing", "empty", "out.txt"].map(|name| run.name(name));
    std::fs::create_dir(&empty).unwrap();
    let said = refused(program(&["export", &trained, "--out", &out, "--what", "weights,wieghts"]));
    assert!(said.contains("wieghts") && said.contains("embeddings"), "{said}");
    assert!(!run.path("nothing").exists());
    assert!(refused(program(&["export", &empty, "--out", &out])).contains("there is no run"));
    assert!(refused(program(&["embed", &trained, "--data", &empty, "--out", &txt])).contains(".npz or .jsonl"));
    let jsonl = run.name("out.jsonl");
    assert!(refused(program(&["embed", &trained, "--data", &empty, "--out", &jsonl])).contains("no picture"));
    std::fs::write(run.path("none.txt"), "").unwrap();
    let said = refused(program(&["embed", &trained, "--texts", &run.name("none.txt"), "--out", &jsonl]));
    assert!(said.contains("a text a line"), "{said}");
    assert!(!run.path("out.jsonl").exists());
}
