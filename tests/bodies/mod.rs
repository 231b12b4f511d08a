//! Test bodies, shared by the native runner and the browser's.

use mtls_lab::config::{
    Config, Control, Form, ImageFeatures, Init, ModelConfig, Neighbours, Norm, Order, Reduce, Retrieval, Schedule,
    Stem, Teacher, Tower, TrainConfig, TransferConfig, Triplets,
};
use mtls_lab::data::synthetic;
use mtls_lab::error::Error;
use mtls_lab::lab::{Lab, Moment};
use mtls_lab::model::Side;
use mtls_lab::neighbourhood::Neighbourhood;
use mtls_lab::tensor::Device;
use mtls_lab::train::{Event, Session};
use std::rc::Rc;

mod golden;
#[cfg(feature = "gpu")]
mod gpu;
mod products;
mod triplets;
pub use golden::losses_and_gradients_agree_with_pytorch;
#[cfg(feature = "gpu")]
pub use gpu::*;
pub use products::{matrix_products_equal_plain_loops, sums_of_squares_equal_a_plain_loop};
pub use triplets::all_triplets_equal_the_plain_tensor;

/// Small towers on the synthetic corpus; what the recorded curve hangs on is said here, not left to the defaults.
pub fn config() -> Config {
    let base = Config::default();
    Config {
        model: ModelConfig { tower: Tower::Mlp, hidden: 32, dim: 16, init: Init::Random, dropout: 0.1, ..base.model },
        transfer: TransferConfig { lambda_v: 1.0, lambda_t: 1.0, gamma: 5.0, kappa: 15, ..base.transfer },
        train: TrainConfig { batch: 32, epochs: 20, eval_every: 0, learning_rate: 1e-3, noise: 0.0, ..base.train },
        data: mtls_lab::config::DataConfig { text_dim: 32, ..base.data },
        ..base
    }
}

pub fn session(config: Config, device: Device) -> Session {
    Session::new(Rc::new(synthetic::corpus(120, 3)), config, None, device).expect("the corpus trains")
}

async fn losses(session: &mut Session, steps: usize) -> Vec<f32> {
    let events = session.step(steps).await.expect("training goes on");
    events.iter().filter_map(|e| if let Event::Step(s) = e { Some(s.total) } else { None }).collect()
}

pub async fn the_same_seed_gives_the_same_bytes() {
    let run = async || {
        let mut s = session(config(), Device::Cpu);
        s.step(25).await.unwrap();
        s.snapshot().await.unwrap()
    };
    assert!(run().await == run().await, "two runs of one seed differ");
}

pub async fn a_resumed_run_ends_in_the_same_bytes() {
    for (schedule, neighbours) in [(Schedule::Joint, Neighbours::Corpus), (Schedule::Alternating, Neighbours::Batch)] {
        let mut config = config();
        config.train.schedule = schedule;
        config.model.norm = Norm::Batch;
        (config.transfer.neighbours, config.transfer.teacher) = (neighbours, Teacher::Average);
        config.transfer.refresh_epochs = 2;
        let mut whole = session(config.clone(), Device::Cpu);
        let mut first = session(config, Device::Cpu);
        // In different slices, with the cut in the middle of an epoch.
        for n in [7, 1, 12] {
            whole.step(n).await.unwrap();
        }
        first.step(10).await.unwrap();
        let corpus = first.corpus_handle();
        let mut second = Session::resume(corpus, &first.snapshot().await.unwrap(), None, Device::Cpu).unwrap();
        second.step(10).await.unwrap();
        assert!(whole.snapshot().await.unwrap() == second.snapshot().await.unwrap(), "{schedule:?}");
    }
}

pub async fn another_seed_gives_another_run() {
    let mut other = config();
    other.seed = 2;
    let (mut a, mut b) = (session(config(), Device::Cpu), session(other, Device::Cpu));
    assert_ne!(losses(&mut a, 3).await, losses(&mut b, 3).await);
}

pub async fn damaged_snapshots_are_refused() {
    let mut run = session(config(), Device::Cpu);
    run.step(2).await.unwrap();
    let bytes = run.snapshot().await.unwrap();
    let refuse = |bytes: &[u8], what: &str| {
        let error = Session::resume(run.corpus_handle(), bytes, None, Device::Cpu).err();
        let error = error.unwrap_or_else(|| panic!("{what} was accepted")).to_string();
        assert!(error.starts_with("snapshot: "), "{what}: {error}");
    };
    refuse(&[], "nothing");
    refuse(b"not a snapshot at all", "text");
    refuse(&bytes[..bytes.len() / 2], "a truncated file");
    for at in [bytes.len() - 1, bytes.len() / 2, 200] {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        refuse(&flipped, &format!("a flipped bit at {at} of {}", bytes.len()));
    }
    let other = Rc::new(synthetic::corpus(100, 3));
    let error = Session::resume(other, &bytes, None, Device::Cpu).err().expect("other data").to_string();
    assert!(error.contains("open that one first"), "{error}");
}

pub async fn training_finds_the_pairs() {
    let mut run = session(config(), Device::Cpu);
    let before = run.evaluate().await.unwrap();
    run.step(usize::MAX / 2).await.unwrap();
    let after = run.last_metrics().expect("the last step evaluates").clone();
    assert!(run.finished());
    assert!(after.retrieval.mr > before.retrieval.mr + 20.0, "{} -> {}", before.retrieval.mr, after.retrieval.mr);
    assert!(after.order_agreement > before.order_agreement, "{} -> {}", before.order_agreement, after.order_agreement);
}

pub async fn transfer_raises_the_order_agreement_of_unseen_items() {
    let with = config();
    let mut without = config();
    (without.transfer.lambda_v, without.transfer.lambda_t) = (0.0, 0.0);
    let mut agreement = Vec::new();
    for config in [without, with] {
        let mut run = session(config, Device::Cpu);
        run.step(usize::MAX / 2).await.unwrap();
        agreement.push(run.last_metrics().unwrap().order_agreement);
    }
    assert!(agreement[1] > agreement[0], "{agreement:?}");
}

pub async fn every_option_trains() {
    let mut variants: Vec<Config> = Vec::new();
    let mut with = |change: &dyn Fn(&mut Config)| {
        let mut c = config();
        change(&mut c);
        variants.push(c);
    };
    with(&|c| c.model.tower = Tower::Linear);
    with(&|c| (c.model.tower, c.model.init) = (Tower::Skip, Init::Cca));
    with(&|c| c.model.norm = Norm::Batch);
    with(&|c| c.model.norm = Norm::None);
    with(&|c| (c.retrieval.loss, c.retrieval.negatives) = (Retrieval::Hinge, 1));
    with(&|c| (c.retrieval.loss, c.retrieval.negatives, c.retrieval.reduce) = (Retrieval::Hinge, 0, Reduce::Sum));
    with(&|c| c.retrieval.weight = 0.0);
    with(&|c| c.transfer.order = Order::Soft);
    with(&|c| c.transfer.triplets = Triplets::Uniform);
    with(&|c| c.transfer.triplets = Triplets::All);
    with(&|c| c.transfer.teacher = Teacher::Features);
    with(&|c| c.transfer.control = Control::SelfTeacher);
    with(&|c| c.transfer.control = Control::Shuffled);
    with(&|c| c.transfer.lambda_v = 0.0);
    with(&|c| c.transfer.lambda_t = 0.0);
    with(&|c| c.train.schedule = Schedule::Alternating);
    with(&|c| (c.train.schedule, c.retrieval.weight) = (Schedule::Alternating, 0.0));
    with(&|c| c.train.warmup_epochs = 2);
    with(&|c| c.train.noise = 0.1);
    with(&|c| c.data.image_features = ImageFeatures::Pixels32);
    with(&|c| (c.data.image_features, c.model.stem) = (ImageFeatures::Pixels64, Stem::Conv));
    with(&|c| c.retrieval.loss = Retrieval::Sigmoid);
    with(&|c| (c.retrieval.loss, c.retrieval.negatives, c.retrieval.margin) = (Retrieval::Order, 0, 0.05));
    with(&|c| c.train.per_item = 2);
    with(&|c| (c.train.per_item, c.retrieval.within_text) = (2, 0.2));
    with(&|c| (c.train.per_item, c.retrieval.within_image) = (2, 0.2));
    with(&|c| c.transfer.form = Form::Hinge);
    with(&|c| c.transfer.teacher = Teacher::Average);
    with(&|c| c.transfer.teacher = Teacher::Fused);
    for teacher in [Teacher::Embedding, Teacher::Features, Teacher::Average, Teacher::Fused] {
        with(&|c| (c.transfer.neighbours, c.transfer.teacher) = (Neighbours::Corpus, teacher));
    }
    with(&|c| (c.transfer.neighbours, c.transfer.control) = (Neighbours::Corpus, Control::SelfTeacher));
    with(&|c| (c.transfer.neighbours, c.transfer.control) = (Neighbours::Corpus, Control::Shuffled));
    let mut curves = vec![losses(&mut session(config(), Device::Cpu), 4).await];
    for c in variants {
        let curve = losses(&mut session(c.clone(), Device::Cpu), 4).await;
        assert!(curve.len() == 4 && curve.iter().all(|l| l.is_finite()), "{c:?}: {curve:?}");
        assert!(!curves.contains(&curve), "an option that changes nothing: {c:?}");
        curves.push(curve);
    }
}

pub async fn divergence_is_reported_with_its_step() {
    let mut config = config();
    config.train.learning_rate = 1e30;
    config.train.clip = 0.0;
    let error = session(config, Device::Cpu).step(30).await.expect_err("a rate of 1e30 diverges");
    assert!(matches!(error, Error::Diverged { step, .. } if step > 0), "{error}");
    assert!(error.to_string().contains("lower the learning rate"));
}

/// InfoNCE and uniform triplets: no hard selection, so that rounding cannot flip a choice.
pub fn smooth() -> Config {
    let mut config = config();
    config.transfer.triplets = Triplets::Uniform;
    config.transfer.order = Order::Soft;
    config
}

pub async fn the_curve_equals_the_recorded_one() {
    let curve = losses(&mut session(smooth(), Device::Cpu), 50).await;
    let golden: Vec<f32> = include_str!("../golden/curve.txt").split_whitespace().map(|v| v.parse().unwrap()).collect();
    assert_eq!(golden.len(), 50, "tests/golden/curve.txt holds 50 losses; it should read:\n{curve:?}");
    for (n, (a, b)) in curve.iter().zip(&golden).enumerate() {
        assert!((a - b).abs() <= 1e-3 * b.abs(), "step {}: {a}, recorded {b}", n + 1);
    }
}

pub async fn search_goes_both_ways() {
    let mut run = session(config(), Device::Cpu);
    run.step(usize::MAX / 2).await.unwrap();
    let mut lab = Lab::new(run).unwrap();
    let titles = |lab: &Lab, hits: &[mtls_lab::analyze::Hit]| -> Vec<String> {
        hits.iter().map(|h| lab.session().corpus().items[h.index].title.clone()).collect()
    };
    let found = lab.search_text("something red", 5, Moment::Now).await.unwrap();
    let pictures = titles(&lab, &found.images);
    assert!(pictures.iter().filter(|t| t.contains("red")).count() >= 3, "{pictures:?}");
    // From a picture to texts: item 0 is a square at the top left (small towers mix up its colour).
    let found = lab.search_item(0, 5, Moment::Now).await.unwrap();
    assert!(found.images.iter().all(|h| h.index != 0));
    let texts = titles(&lab, &found.texts);
    assert!(texts.iter().filter(|t| t.contains("square top left")).count() >= 3, "{texts:?}");
    assert!(lab.search_text("  ", 5, Moment::Now).await.is_err());
}

pub async fn similarities_are_those_that_search_ranks_by() {
    let mut lab = Lab::new(session(config(), Device::Cpu)).unwrap();
    let items = [3, 7, 0];
    let s = lab.similarity(&items).await.unwrap();
    let found = lab.search_item(7, 200, Moment::Now).await.unwrap();
    for (column, item) in items.iter().enumerate() {
        let hit = found.texts.iter().find(|hit| hit.index == *item).expect("all texts are found");
        assert!((s.row(1)[column] - hit.score).abs() < 1e-6);
    }
    assert!(lab.similarity(&[0, 500]).await.unwrap_err().to_string().contains("500"));
}

pub async fn neighbourhoods_are_known_at_the_beginning_and_now() {
    let mut lab = Lab::new(session(config(), Device::Cpu)).unwrap();
    let key = |n: &Neighbourhood| -> Vec<usize> { n.image.iter().chain(&n.text).map(|hit| hit.index).collect() };
    let first = key(&lab.neighbourhood(4, 6, Moment::Now).await.unwrap());
    lab.step(usize::MAX / 2).await.unwrap();
    let now = lab.neighbourhood(4, 6, Moment::Now).await.unwrap();
    assert_ne!(key(&now), first);
    assert_eq!(key(&lab.neighbourhood(4, 6, Moment::Beginning).await.unwrap()), first);
    assert!((0.0..=1.0).contains(&now.overlap));
    // A run that came back from a snapshot has to compute its beginning.
    let bytes = lab.session().snapshot().await.unwrap();
    let back = Session::resume(lab.session().corpus_handle(), &bytes, None, Device::Cpu).unwrap();
    let mut back = Lab::new(back).unwrap();
    assert_eq!(key(&back.neighbourhood(4, 6, Moment::Beginning).await.unwrap()), first);
    assert_eq!(key(&back.neighbourhood(4, 6, Moment::Now).await.unwrap()), key(&now));
    // What a search found before training, it is told now too.
    let mut untrained = Lab::new(session(config(), Device::Cpu)).unwrap();
    let indices = |found: &mtls_lab::lab::Found| -> Vec<usize> { found.images.iter().map(|hit| hit.index).collect() };
    let then = indices(&untrained.search_text("red round", 9, Moment::Now).await.unwrap());
    assert_eq!(indices(&lab.search_text("red round", 9, Moment::Beginning).await.unwrap()), then);
    assert_ne!(indices(&lab.search_text("red round", 9, Moment::Now).await.unwrap()), then);

    // Lessons are about training items, and a trained run leaves less to push than a fresh one.
    let train = lab.session().partition().train_items.clone();
    let mut fresh = Lab::new(session(config(), Device::Cpu)).unwrap();
    let item = train[0];
    let mut force = Vec::new();
    for lab in [&mut fresh, &mut lab] {
        let lessons = lab.lessons(item, Side::Image, 40).await.unwrap();
        assert!(lessons.len() > 10 && lessons.iter().all(|l| train.contains(&l.near) && train.contains(&l.far)));
        force.push(lessons.iter().map(|l| l.force).sum::<f32>() / lessons.len() as f32);
    }
    assert!(force[1] < force[0], "{force:?}");
    assert!(lab.lessons(10_000, Side::Text, 5).await.unwrap_err().to_string().contains("10000"));
}

pub async fn the_slow_iteration_is_the_next_step() {
    let mut lab = Lab::new(session(config(), Device::Cpu)).unwrap();
    lab.step(3).await.unwrap();
    let slow = lab.iteration(8).await.unwrap();
    assert_eq!((slow.step, lab.session().steps_done(), slow.rows.len()), (4, 3, 8));
    let events = lab.step(1).await.unwrap();
    let Some(Event::Step(step)) = events.first() else { panic!("a step was made") };
    let value = |name: &str| slow.terms.iter().find(|t| t.name == name).map(|t| t.value).unwrap();
    assert_eq!(
        (value("retrieval"), value("transfer_v"), value("transfer_t")),
        (step.retrieval, step.transfer_v, step.transfer_t)
    );
    assert_eq!((slow.gradient_norm, slow.temperature), (step.gradient_norm, step.temperature));
    // Text teaches image pulls at pictures only; retrieval at both; and the update moves the pairs.
    let pulls = |name: &str| slow.terms.iter().find(|t| t.name == name).unwrap().pulls.each_ref().map(Option::is_some);
    assert_eq!(
        [pulls("retrieval"), pulls("transfer_v"), pulls("transfer_t")],
        [[true, true], [true, false], [false, true]]
    );
    assert_ne!(slow.before, slow.after);
    // The table of the shown pairs holds their own scores on its diagonal.
    let n = slow.rows.len();
    for row in &slow.rows {
        let own = slow.similarities[slow.rows.iter().position(|r| r.row == row.row).unwrap() * (n + 1)];
        assert!((own - row.score).abs() < 1e-5);
    }
    lab.step(usize::MAX / 2).await.unwrap();
    assert!(lab.iteration(8).await.unwrap_err().to_string().contains("over"));
}

pub async fn settings_change_during_a_run_or_say_why_not() {
    let mut lab = Lab::new(session(config(), Device::Cpu)).unwrap();
    let per_epoch = lab.session().plan().steps_per_epoch;
    lab.step(per_epoch + 1).await.unwrap();
    let refused = lab.retune(&serde_json::json!({"model": {"dim": 8}, "train": {"learning_rate": 0.5}})).unwrap_err();
    assert!(refused.to_string().contains("model.dim"), "{refused}");
    assert_eq!(lab.session().config(), &config());
    let refused = lab.retune(&serde_json::json!({"train": {"learning_rate": -1.0}})).unwrap_err();
    assert!(refused.to_string().contains("learning_rate"), "{refused}");
    lab.retune(&serde_json::json!({"transfer": {"lambda_v": 0.0, "lambda_t": 0.0}})).unwrap();
    let events = lab.step(1).await.unwrap();
    let Some(Event::Step(step)) = events.first() else { panic!("a step was made") };
    assert_eq!((step.transfer_v, step.transfer_t), (0.0, 0.0));
    // What changed is kept with the run, and the run goes on with it from a snapshot.
    let bytes = lab.session().snapshot().await.unwrap();
    let back = Session::resume(lab.session().corpus_handle(), &bytes, None, Device::Cpu).unwrap();
    assert_eq!(back.config().transfer.lambda_v, 0.0);
    assert!(back.history().iter().any(|event| matches!(event, Event::Retuned { step, .. } if *step == per_epoch + 1)));
    // Longer than planned, but not shorter than done.
    let epochs = lab.session().config().train.epochs;
    lab.retune(&serde_json::json!({"train": {"epochs": epochs + 2}})).unwrap();
    assert!(lab.retune(&serde_json::json!({"train": {"epochs": 1}})).unwrap_err().to_string().contains("1 epochs"));
    // Nor exactly as long as it is: the last epoch ends with an evaluation.
    lab.step(per_epoch - lab.session().steps_done() % per_epoch).await.unwrap();
    let here = lab.session().steps_done() / per_epoch;
    assert!(lab.retune(&serde_json::json!({"train": {"epochs": here}})).unwrap_err().to_string().contains("over"));
    lab.step(usize::MAX / 2).await.unwrap();
    assert_eq!(lab.session().steps_done(), (epochs + 2) * per_epoch);
}

pub async fn the_state_before_training_stays_in_the_history() {
    let mut lab = Lab::new(session(config(), Device::Cpu)).unwrap();
    let start = lab.evaluate_start().await.unwrap();
    lab.evaluate_start().await.unwrap();
    let bytes = lab.session().snapshot().await.unwrap();
    let back = Session::resume(lab.session().corpus_handle(), &bytes, None, Device::Cpu).unwrap();
    let [Event::Evaluation { step: 0, metrics, .. }] = back.history() else { panic!("{:?}", back.history()) };
    // JSON may lose the last binary digit of a number.
    assert!((metrics.retrieval.mr - start.retrieval.mr).abs() < 1e-9);
    assert!((metrics.order_agreement - start.order_agreement).abs() < 1e-9);
    let trained = start.trained.as_ref().unwrap();
    assert_eq!(trained.retrieval.gallery, start.retrieval.gallery, "recalls compare only in galleries of one size");
}

/// Their inputs are kept from the first evaluation on.
pub async fn query_texts_are_embedded_as_any_text_at_every_step() {
    let mut run = session(config(), Device::Cpu);
    run.evaluate_start().await.unwrap();
    run.embed_queries().await.unwrap();
    run.step(5).await.unwrap();
    let texts = run.query_texts().unwrap();
    assert!(run.embed_queries().await.unwrap() == run.embed_texts(&texts).await.unwrap());
    // Nothing is kept yet in a session that was just read.
    let resumed = Session::resume(run.corpus_handle(), &run.snapshot().await.unwrap(), None, Device::Cpu).unwrap();
    let metrics = run.evaluate().await.unwrap();
    assert!(metrics.trained.is_some());
    assert_eq!(metrics, resumed.evaluate().await.unwrap());
}

pub async fn pairs_rank_as_the_evaluation_does() {
    let mut lab = Lab::new(session(config(), Device::Cpu)).unwrap();
    lab.step(usize::MAX / 2).await.unwrap();
    let pairs = lab.pairs().await.unwrap();
    let n = lab.session().corpus().len();
    assert_eq!((pairs.image_rank.len(), pairs.text_rank.len(), pairs.score.len()), (n, n, n));
    // The rank of an item's text for its picture is where the search finds it.
    for item in [0, 3, n - 1] {
        let found = lab.search_item(item, n, Moment::Now).await.unwrap();
        let at = found.texts.iter().position(|hit| hit.index == item).unwrap();
        assert_eq!(pairs.image_rank[item], at + 1, "item {item}");
        assert!((found.texts[at].score - pairs.score[item]).abs() < 1e-5);
    }
    for dims in [3, 2] {
        lab.project_to(dims).unwrap();
        assert_eq!(lab.projection().await.unwrap().cols, dims);
    }
    assert!(lab.project_to(4).is_err());
}
