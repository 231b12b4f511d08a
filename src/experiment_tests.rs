use super::*;
use crate::data::{Corpus, synthetic};
use crate::tensor::Device;
use crate::train::Session;
use pollster::block_on;
use std::io::Cursor;
use std::rc::Rc;

fn session(corpus: Rc<Corpus>) -> Session {
    let config = r#"{"model": {"dim": 6, "hidden": 8}, "data": {"text_dim": 12}, "train": {"batch": 16, "epochs": 4}}"#;
    Session::new(corpus, Config::from_json(config).unwrap(), None, Device::Cpu).unwrap()
}

fn corpus() -> Rc<Corpus> {
    Rc::new(synthetic::corpus(60, 3))
}

/// A run after three steps, as a file.
fn packed(data: bool) -> Vec<u8> {
    let mut session = session(corpus());
    block_on(session.step(3)).unwrap();
    let page = Some(serde_json::json!({"address": "?view=matrix", "own": [1, null]}));
    block_on(write(&mut Lab::new(session).unwrap(), &Attached { origin: Origin::Own, data, page })).unwrap()
}

fn read(bytes: &[u8]) -> Result<Experiment> {
    Experiment::read("run.mtls", Cursor::new(bytes))
}

#[test]
fn a_run_goes_on_from_the_file_as_if_it_had_never_left() {
    let experiment = read(&packed(true)).unwrap();
    let corpus = prepared::read(&experiment.data.unwrap()).unwrap();
    let mut moved = Session::resume(Rc::new(corpus), &experiment.snapshot, None, Device::Cpu).unwrap();
    let mut stayed = session(self::corpus());
    assert_eq!(moved.steps_done(), 3);
    block_on(async {
        stayed.step(3).await.unwrap();
        moved.step(1_000).await.unwrap();
        stayed.step(1_000).await.unwrap();
    });
    assert!(moved.finished() && stayed.finished());
    assert_eq!(block_on(moved.snapshot()).unwrap(), block_on(stayed.snapshot()).unwrap());
}

#[test]
fn the_header_says_what_it_is_and_what_the_page_said() {
    let Experiment { header, data, .. } = read(&packed(false)).unwrap();
    assert_eq!((header.step, header.corpus.as_str(), header.origin, data), (3, "synthetic", Origin::Own, None));
    assert_eq!(header.page, Some(serde_json::json!({"address": "?view=matrix", "own": [1, null]})));
    assert_eq!(header.fingerprint, corpus().fingerprint);
}

#[test]
fn it_begins_with_its_name() {
    // The page tells it from other archives by this.
    assert_eq!(&packed(false)[..45][30..], b"experiment.json");
}

#[test]
fn what_is_cut_off_changed_or_foreign_is_refused_in_one_sentence() {
    let whole = packed(true);
    for length in [0, 1, 40, 300, whole.len() / 2, whole.len() - 1] {
        let problem = read(&whole[..length]).unwrap_err().to_string();
        assert!(problem.starts_with("run.mtls: ") && problem.contains("cut off or damaged"), "{length}: {problem}");
    }
    // One byte of the weights: the zip's own checksum, or ours.
    let mut changed = whole.clone();
    let at = whole.windows(SNAPSHOT.len()).position(|bytes| bytes == SNAPSHOT.as_bytes()).unwrap() + 5_000;
    changed[at] ^= 1;
    assert!(read(&changed).unwrap_err().to_string().contains("cut off or damaged"));

    let zip = |name: &str, text: &str| {
        let mut zip = Zip::default();
        zip.add(name, true, 0, &mut |to| to.write_all(text.as_bytes())).unwrap();
        zip.finish().unwrap().into_inner()
    };
    let said = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    assert!(said(&zip("a.png", "")).contains("no experiment"));
    assert!(said(&zip(HEADER, "{")).contains("cannot be read"));
    assert!(said(&zip(HEADER, r#"{"format": "x", "version": 1}"#)).contains("is a x file"));
    assert!(said(&zip(HEADER, r#"{"format": "mtls-lab-experiment", "version": 9}"#)).contains("version 9"));
    assert!(said(&zip(HEADER, r#"{"format": "mtls-lab-experiment", "version": 1}"#)).contains("missing field"));
    // 17 MiB of spaces take 17 kB in a zip.
    assert!(said(&zip(HEADER, &" ".repeat(17 << 20))).contains("larger than 16 MiB"));
}
