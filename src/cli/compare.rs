//! `mtls-lab compare`: objectives x splits x seeds into one JSON, a table and a figure; goes on where it was stopped.

use super::eval::json;
use super::source::Source;
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use mtls_lab::compare::run::{fingerprint, measure_job, stop_epoch, validating};
use mtls_lab::compare::summary::Summary;
use mtls_lab::compare::{Job, Part, Record, Suite, figure};
use mtls_lab::config::Config;
use mtls_lab::data::Corpus;
use mtls_lab::error::{Error, Result};
use mtls_lab::features::TextFeatures;
use mtls_lab::objectives::{self, Method, Objective};
use mtls_lab::tensor::Device;
use mtls_lab::train::Session;
use std::collections::{HashMap, VecDeque};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};

#[derive(Args)]
pub struct CompareArguments {
    /// paper: every objective, three splits x five seeds, five family folds, and the run without generic words.
    #[arg(long, value_parser = ["paper"])]
    suite: Option<String>,
    /// Only these objectives, by id.
    #[arg(long, value_delimiter = ',')]
    objectives: Vec<String>,
    /// Only these splits: concept, concept-fold, style, both.
    #[arg(long, value_delimiter = ',')]
    splits: Vec<String>,
    /// Seeds of each split.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// emoji, emoji-1k, clipart, shapes (shapes:ITEMS, shapes:ITEMS:SEED) or a folder.
    #[arg(long, default_value = "emoji")]
    data: String,
    /// Records, read first so that nothing is computed twice, and written as they come.
    #[arg(long, value_name = "FILE", default_value = "compare.json")]
    out: PathBuf,
    /// Jobs at a time; as many as there are cores where it is not given.
    #[arg(long)]
    threads: Option<usize>,
    /// Name every objective, control and preset, and compute nothing.
    #[arg(long)]
    list: bool,
    /// Compute nothing: put the tables of --out between the marks of this Markdown file, and the figure beside --out.
    #[arg(long, value_name = "FILE")]
    render: Option<PathBuf>,
    /// Print the records as JSON instead of tables.
    #[arg(long)]
    json: bool,
}

pub fn run(arguments: CompareArguments) -> Result<()> {
    if arguments.list {
        list();
        return Ok(());
    }
    let mut records = read(&arguments.out)?;
    if let Some(file) = &arguments.render {
        return render(&records, file, &arguments.out);
    }
    let suite = suite(&arguments)?;
    let source = Source::parse(&arguments.data, &[], false)?;
    compute(suite, &source, &arguments, &mut records)?;
    if arguments.json {
        println!("{}", json(&records)?);
    } else {
        println!("{}", Summary::new(&records).markdown());
    }
    Ok(())
}

fn list() {
    println!("objectives and controls (compare --objectives)");
    for o in objectives::all() {
        println!("  {:<24} {:<9} {}", o.id, format!("{:?}", o.role).to_lowercase(), o.about);
    }
    println!("\npresets (train --preset)");
    for p in mtls_lab::presets::all() {
        println!("  {:<24} {}", p.name, p.why);
    }
}

fn suite(arguments: &CompareArguments) -> Result<Suite> {
    let mut suite = Suite::paper();
    suite.seeds = arguments.seeds.max(1);
    for id in &arguments.objectives {
        objectives::find(id)?;
    }
    suite.objectives.clone_from(&arguments.objectives);
    if !arguments.splits.is_empty() {
        let part = |name: &String| {
            let names = Part::ALL.map(Part::name).join(", ");
            let found = Part::ALL.into_iter().find(|p| p.name() == name);
            found.ok_or_else(|| Error::Config(format!("there is no split {name}; choose {names}")))
        };
        suite.parts = arguments.splits.iter().map(part).collect::<Result<_>>()?;
    }
    // Asked for single rows or splits: nothing beside them.
    suite.label_leak = arguments.suite.is_some();
    if arguments.suite.is_none() && arguments.objectives.is_empty() && arguments.splits.is_empty() {
        return Err(Error::Config(
            "say what to compare: --suite paper, or --objectives and --splits (see --list)".into(),
        ));
    }
    Ok(suite)
}

fn read(path: &Path) -> Result<Vec<Record>> {
    if !path.is_file() {
        return Ok(Vec::new());
    }
    let text = std::fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
    serde_json::from_str(&text).map_err(|e| {
        Error::format(path.display().to_string(), format!("not the records of a comparison ({e}); use another --out"))
    })
}

/// Through a temporary name: a kill leaves the old records whole.
fn write(path: &Path, records: &[Record]) -> Result<()> {
    let part = path.with_extension("part");
    if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    }
    let rows: std::result::Result<Vec<String>, _> = records.iter().map(serde_json::to_string).collect();
    let rows = rows.map_err(|e| Error::format("records", e.to_string()))?;
    std::fs::write(&part, format!("[\n{}\n]\n", rows.join(",\n"))).map_err(|e| Error::io(&part, e))?;
    std::fs::rename(&part, path).map_err(|e| Error::io(path, e))
}

/// Jobs of one objective on one split: they share the choice of the epoch.
struct Group {
    objective: Objective,
    jobs: Vec<Job>,
    stop: Option<usize>,
}

fn compute(mut suite: Suite, source: &Source, arguments: &CompareArguments, records: &mut Vec<Record>) -> Result<()> {
    let corpus = source.open()?;
    suite.parts.retain(|part| {
        let lacking = part.lacking(&corpus);
        if let Some(why) = lacking {
            eprintln!("{} is left out of the comparison: {}, {why}", part.name(), corpus.name);
        }
        lacking.is_none()
    });
    if suite.parts.is_empty() {
        return Err(Error::Config(format!(
            "{} has none of the splits asked for; --splits concept always works",
            corpus.name
        )));
    }
    if let Some(other) = records.iter().find(|r| r.data != corpus.name) {
        return Err(Error::Data(format!(
            "{} holds records of {}, not of {}; give another --out",
            arguments.out.display(),
            other.data,
            corpus.name
        )));
    }
    let all = objectives::all();
    // Of another configuration (or of an objective that is no more): they and the epochs chosen for them are gone.
    records.retain(|r| {
        let now = all.iter().find(|o| o.id == r.job.objective).and_then(|o| Some((r.job.config(o).ok()?, o)));
        now.is_some_and(|(config, o)| fingerprint(&config, &corpus, &o.method) == r.configuration)
    });
    let mut groups: Vec<Group> = Vec::new();
    let mut todo = 0;
    for job in suite.jobs(&all) {
        let objective = objectives::find(&job.objective)?;
        let same = |other: &Job| {
            (&other.objective, other.split, other.fold, other.without_generic_words)
                == (&job.objective, job.split, job.fold, job.without_generic_words)
        };
        let stop = records.iter().find(|r| same(&r.job)).and_then(|r| r.stop_epoch);
        if records.iter().any(|r| r.job == job) {
            continue;
        }
        todo += 1;
        match groups.iter_mut().find(|g| same(&g.jobs[0])) {
            Some(group) => group.jobs.push(job),
            None => groups.push(Group { objective, jobs: vec![job], stop }),
        }
    }
    drop(corpus);
    eprintln!("{} records found, {todo} to compute", records.len());
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta} left  {msg}")
        .map_err(|e| Error::Config(e.to_string()))?;
    let bar = ProgressBar::new(todo as u64).with_style(style);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let threads = arguments.threads.unwrap_or(cores).clamp(1, groups.len().max(1));
    let queue = Mutex::new(VecDeque::from(groups));
    // Jobs side by side are faster than one job on all cores; what is left of the cores goes to each. Each works inside a
    // pool of its own: in a common one they would wait for each other at every step.
    let pools = (0..threads)
        .map(|_| rayon::ThreadPoolBuilder::new().num_threads((cores / threads).max(1)).build())
        .collect::<std::result::Result<Vec<_>, _>>()
        .map_err(|e| Error::Config(format!("--threads {threads}: {e}")))?;
    let texts = Texts::default();
    let (sender, results) = mpsc::channel::<Result<Record>>();
    std::thread::scope(|scope| {
        for pool in &pools {
            let (sender, queue, texts) = (sender.clone(), &queue, &texts);
            scope.spawn(move || {
                let failed = sender.clone();
                if let Err(error) = pool.install(|| pollster::block_on(worker(source, queue, texts, sender))) {
                    let _ = failed.send(Err(error));
                }
            });
        }
        drop(sender);
        let mut outcome = Ok(());
        for result in results {
            match result {
                Ok(record) => {
                    let line = format!("{} {}", record.job.objective, record.job.split.name());
                    bar.set_message(line.clone());
                    bar.inc(1);
                    if bar.is_hidden() && bar.position().is_multiple_of(20) {
                        eprintln!("{} of {todo}: {line}, {:.0} s left", bar.position(), bar.eta().as_secs_f64());
                    }
                    records.push(record);
                    write(&arguments.out, records)?;
                }
                Err(error) => {
                    // The rest is computed all the same; the first error is the one that is told at the end.
                    eprintln!("{error}");
                    outcome = outcome.and(Err(error));
                }
            }
        }
        bar.finish_and_clear();
        outcome
    })?;
    records.sort_by(|a, b| a.job.cmp(&b.job));
    write(&arguments.out, records)
}

/// Takes groups until there is none. A corpus of its own: it is shared inside a thread, not between threads.
async fn worker(
    source: &Source,
    queue: &Mutex<VecDeque<Group>>,
    texts: &Texts,
    sender: mpsc::Sender<Result<Record>>,
) -> Result<()> {
    let corpus = Rc::new(source.open()?);
    let device = Device::Cpu;
    loop {
        let Some(group) = queue.lock().unwrap_or_else(|e| e.into_inner()).pop_front() else { return Ok(()) };
        let mut stop = group.stop;
        for job in &group.jobs {
            let record = async {
                let config = job.config(&group.objective)?;
                if stop.is_none() && matches!(group.objective.method, Method::Trained(_)) {
                    let config = validating(config.clone());
                    let text = texts.fitted(&corpus, &config)?;
                    stop = Some(stop_epoch(&corpus, &config, Some(text), &device).await?);
                }
                let text = texts.fitted(&corpus, &config)?;
                measure_job(&corpus, &group.objective, job, stop, Some(text), &device).await
            };
            let named = |e: Error| {
                let Job { objective, split, fold, seed, .. } = job;
                let fold = fold.map_or(String::new(), |f| format!(" fold {f}"));
                Error::Data(format!("{objective}, {}{fold}, seed {seed}: {e}", split.name()))
            };
            if sender.send(record.await.map_err(named)).is_err() {
                return Ok(());
            }
        }
    }
}

/// Fitting the texts is the slowest part of a start, and most jobs share it: one of each for all threads.
#[derive(Default)]
struct Texts(Mutex<HashMap<String, Arc<TextFeatures>>>);

impl Texts {
    fn fitted(&self, corpus: &Rc<Corpus>, config: &Config) -> Result<TextFeatures> {
        let key = format!("{} {:?}", config.seed, config.data);
        let table = || self.0.lock().unwrap_or_else(|e| e.into_inner());
        let known = table().get(&key).cloned();
        if let Some(text) = known {
            return Ok((*text).clone());
        }
        let text = Session::fit_text(corpus, config)?;
        table().insert(key, Arc::new(text.clone()));
        Ok(text)
    }
}

const BEGIN: &str = "<!-- results: written by mtls-lab compare --render; edit the records, not this -->";
const END: &str = "<!-- end of results -->";

fn render(records: &[Record], file: &Path, out: &Path) -> Result<()> {
    let old = std::fs::read_to_string(file).map_err(|e| Error::io(file, e))?;
    let parts = old.split_once(BEGIN).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let Some((head, tail)) = parts else {
        return Err(Error::format(file.display().to_string(), format!("it lacks the marks `{BEGIN}` and `{END}`")));
    };
    let figure_file = out.with_file_name("weights.svg");
    match figure::weights(records) {
        Ok(svg) => std::fs::write(&figure_file, svg).map_err(|e| Error::io(&figure_file, e))?,
        Err(why) => eprintln!("no figure: {why}"),
    }
    let text = format!("{head}{BEGIN}\n\n{}{END}{tail}", Summary::new(records).markdown());
    std::fs::write(file, text).map_err(|e| Error::io(file, e))
}
