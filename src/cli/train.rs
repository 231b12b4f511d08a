//! `mtls-lab train`: a run, its own step 0, and its twin without transfer on the same seed and batches.

use super::eval::{Evaluation, describe, evaluation, json, table};
use super::run_folder::{Begun, RunFolder};
use super::source::Source;
use super::{ConfigArguments, parse_device};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use mtls_lab::analyze::report::Metrics;
use mtls_lab::config::Config;
use mtls_lab::device::{self, Choice};
use mtls_lab::error::{Error, Result};
use mtls_lab::tensor::Device;
use mtls_lab::train::{Event, Session};
use serde::Serialize;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Longest time between two looks at a run.
const LONGEST_SLICE: Duration = Duration::from_secs(30);

#[derive(Args)]
pub struct TrainArguments {
    /// emoji, emoji-1k, clipart, shapes (shapes:ITEMS, shapes:ITEMS:SEED), or a folder, a zip or a tar of pictures with captions (docs/formats.md).
    #[arg(long, default_value = "emoji")]
    data: String,
    /// Own pictures go through the pretrained image encoder.
    #[arg(long)]
    encoder: bool,
    /// Styles of the pack to train on, e.g. --views noto,twemoji; all where none is named.
    #[arg(long, value_delimiter = ',')]
    views: Vec<String>,
    /// Folder for the run; it can be searched, evaluated and resumed.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Go on with the run in --out where it was cut off; --data and the settings are the run's own.
    #[arg(long, requires = "out")]
    resume: bool,
    /// Longest time between two snapshots in --out; there is one at every evaluation, too.
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    save_every: u64,
    /// Go on with an experiment (.mtls) in the new folder --out.
    #[arg(long, value_name = "FILE", requires = "out", conflicts_with = "resume")]
    from: Option<PathBuf>,
    /// Do not train the twin without transfer.
    #[arg(long)]
    no_twin: bool,
    /// Print the report as JSON on standard output (progress goes to standard error).
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    config: ConfigArguments,
    /// auto (the GPU where there is a real one that computes as the CPU does, and faster), cpu or gpu.
    #[arg(long, default_value = "auto", value_parser = parse_device)]
    device: Choice,
}

/// `report.json`: the evaluation, and what it is to be compared with.
#[derive(Serialize)]
struct TrainReport {
    #[serde(flatten)]
    evaluation: Evaluation,
    /// Before the first step.
    step_0: Option<Metrics>,
    /// The same configuration, seed and batches with both lambdas 0; none when it was not trained.
    twin: Option<Metrics>,
    /// Image AMI of this run over the twin's.
    ami_image_ratio: Option<f64>,
    /// Seconds of training and evaluation, the twin not counted.
    seconds: f64,
    /// Milliseconds an iteration, median over slices.
    ms_per_step: f64,
    /// Every step and evaluation.
    history: Vec<Event>,
}

/// The run before its first step, or where it was cut off, and its folder.
async fn open(arguments: &TrainArguments) -> Result<(Session, Option<RunFolder>)> {
    // On the CPU first: its configuration says what the device has to compute.
    if let (Some(out), Some(from)) = (&arguments.out, &arguments.from) {
        let run = RunFolder::unpack(from, out)?;
        return Ok((run.session(Device::Cpu)?.0, Some(run)));
    }
    let cut_off = arguments.out.as_ref().filter(|_| arguments.resume).map(|out| (RunFolder::begun(out), out));
    let begun = match cut_off {
        Some((begun, out)) => match begun? {
            Some(begun) => begun,
            None => {
                let run = RunFolder::open(out)?;
                return Ok((run.session(Device::Cpu)?.0, Some(run)));
            }
        },
        None => Begun {
            config: arguments.config.resolve()?,
            source: Source::parse(&arguments.data, &arguments.views, arguments.encoder)?,
        },
    };
    match &arguments.out {
        Some(out) => RunFolder::begin(out, begun).await.map(|(folder, session)| (session, Some(folder))),
        None => Ok((Session::new(Rc::new(begun.source.open()?), begun.config, None, Device::Cpu)?, None)),
    }
}

pub async fn run(arguments: TrainArguments) -> Result<()> {
    let (mut session, folder) = open(&arguments).await?;
    eprintln!("{}", describe(&session));
    let opened = device::open(arguments.device, &session.workload()).await?;
    eprintln!("device: {} ({}), {}", opened.report.kind, opened.report.name, opened.report.reason);
    session.move_to(opened.device.clone()).await?;

    let on_cpu = opened.report.kind == "cpu";
    let step_0 = if session.steps_done() == 0 {
        session.evaluate().await?
    } else {
        eprintln!("going on from step {} of {}", session.steps_done(), session.plan().last_step);
        session.beginning()?.evaluate().await?
    };
    let start = Instant::now();
    let every = Duration::from_secs(arguments.save_every);
    let save = folder.as_ref().map(|folder| |bytes: &[u8]| folder.save(bytes));
    let saves = save.as_ref().map(|save| Saves { every, save });
    let timing = pump(&mut session, "training", saves, on_cpu).await?;
    let evaluation = evaluation(&session, opened.report.clone()).await?;
    let seconds = start.elapsed().as_secs_f64();

    let transfers = session.config().transfer.lambda_v + session.config().transfer.lambda_t > 0.0;
    let twin = if transfers && !arguments.no_twin {
        let mut config: Config = session.config().clone();
        (config.transfer.lambda_v, config.transfer.lambda_t) = (0.0, 0.0);
        let text = Some(session.inputs().text_features().clone());
        let (corpus, device) = (session.corpus_handle(), opened.device);
        let cut_off = folder.as_ref().filter(|_| arguments.resume).and_then(RunFolder::twin);
        let cut_off = cut_off.map(|bytes| Session::resume(corpus.clone(), &bytes, text.clone(), device.clone()));
        let mut twin = match cut_off {
            Some(Ok(twin)) if *twin.config() == config => twin,
            _ => Session::new(corpus, config, text, device)?,
        };
        let save = folder.as_ref().map(|folder| |bytes: &[u8]| folder.save_twin(bytes));
        let saves = save.as_ref().map(|save| Saves { every, save });
        pump(&mut twin, "twin", saves, on_cpu).await?;
        Some(twin.evaluate().await?)
    } else {
        None
    };
    let ami = |m: &Metrics| m.clustering.ami_image;
    let report = TrainReport {
        ami_image_ratio: twin.as_ref().and_then(ami).zip(ami(&evaluation.metrics)).map(|(t, r)| r / t),
        evaluation,
        step_0: Some(step_0),
        twin,
        seconds,
        ms_per_step: timing,
        history: session.history().to_vec(),
    };
    let text = json(&report)?;
    if let Some(folder) = &folder {
        folder.report(&text)?;
    }
    if arguments.json {
        println!("{text}");
    } else {
        print_table(&report);
    }
    Ok(())
}

fn print_table(report: &TrainReport) {
    let mut rows = Vec::new();
    if let Some(m) = &report.step_0 {
        rows.push(("before training", m));
    }
    if let Some(m) = &report.twin {
        rows.push(("twin without transfer", m));
    }
    rows.push(("this run", &report.evaluation.metrics));
    println!(
        "\nheld-out {} pairs, seed {}",
        report.evaluation.metrics.retrieval.gallery, report.evaluation.config.seed
    );
    print!("{}", table(&rows));
    if let Some(ratio) = report.ami_image_ratio {
        println!("image AMI is {ratio:.2} times the twin's");
    }
    match report.ms_per_step {
        // Every step was one with an evaluation, which is not timed.
        ms if ms.is_nan() => println!("{:.1} s", report.seconds),
        ms => println!("{:.1} s, {ms:.1} ms a step", report.seconds),
    }
}

/// Takes the bytes of a snapshot.
type Save<'a> = dyn Fn(&[u8]) -> Result<()> + 'a;

/// Where snapshots go, and how often at least.
struct Saves<'a> {
    every: Duration,
    save: &'a Save<'a>,
}

/// Steps until the run is over; saves at every evaluation, and as often as `saves` says. Returns the median milliseconds a step.
async fn pump(session: &mut Session, name: &str, saves: Option<Saves<'_>>, mut on_cpu: bool) -> Result<f64> {
    let total = session.plan().last_step;
    let style = ProgressStyle::with_template("{prefix:>8} {bar:30} {pos}/{len} {eta} left  {msg}")
        .map_err(|e| Error::Config(e.to_string()))?;
    let bar = ProgressBar::new(total as u64).with_style(style).with_prefix(name.to_owned());
    let mut times = Vec::new();
    let mut saved = session.snapshot().await?;
    let mut saved_at = Instant::now();
    let mut slice = 1;
    while !session.finished() {
        let (before, start) = (session.steps_done(), Instant::now());
        let events = match session.step(slice).await {
            // A lost device ends no run: the CPU goes on from the last snapshot.
            Err(Error::Device(problem)) if !on_cpu => {
                eprintln!("the device failed ({problem}); going on, on the CPU, from step {}", session.steps_done());
                let text = Some(session.inputs().text_features().clone());
                *session = Session::resume(session.corpus_handle(), &saved, text, Device::Cpu)?;
                on_cpu = true;
                continue;
            }
            events => events?,
        };
        let mut evaluated = false;
        for event in &events {
            match event {
                Event::Step(s) => bar.set_message(format!("loss {:.3}", s.total)),
                Event::Evaluation { epoch, metrics, .. } => {
                    evaluated = true;
                    let line = format!(
                        "{name} epoch {epoch:.0}: i2t R@1 {:.1} R@10 {:.1}, t2i R@1 {:.1} R@10 {:.1}, image AMI {}",
                        metrics.retrieval.i2t_r1,
                        metrics.retrieval.i2t_r10,
                        metrics.retrieval.t2i_r1,
                        metrics.retrieval.t2i_r10,
                        metrics.clustering.ami_image.map_or("-".to_owned(), |a| format!("{a:.3}"))
                    );
                    // Without a terminal the bar swallows lines, so they go out by themselves.
                    if bar.is_hidden() { eprintln!("{line}") } else { bar.println(line) }
                }
                Event::Retuned { .. } | Event::Finished { .. } => {}
            }
        }
        let seconds = start.elapsed().as_secs_f64() / (session.steps_done() - before).max(1) as f64;
        if !evaluated {
            times.push(seconds * 1e3);
        }
        let every = saves.as_ref().map_or(LONGEST_SLICE, |saves| saves.every);
        if evaluated || saved_at.elapsed() >= every {
            saved = session.snapshot().await?;
            if let Some(saves) = &saves {
                (saves.save)(&saved)?;
            }
            saved_at = Instant::now();
        }
        // Several slices an interval, so that it is kept to; at most an epoch, so that the bar moves.
        slice = ((every.min(LONGEST_SLICE).as_secs_f64() / 5.0 / seconds) as usize)
            .clamp(1, session.plan().steps_per_epoch);
        bar.set_position(session.steps_done() as u64);
    }
    bar.finish_and_clear();
    if let Some(saves) = saves {
        (saves.save)(&session.snapshot().await?)?;
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(times.len() / 2).copied().unwrap_or(f64::NAN))
}
