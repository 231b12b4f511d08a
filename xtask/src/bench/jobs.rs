//! What the engine is asked to measure, natively and in the browser: `mtls-lab bench --job`.

use serde_json::{Value, json};

/// Batches of the reference step that are compared with peers.
pub const BATCHES: [usize; 2] = [128, 512];
/// The batch at which all triplets of both directions are compared with none.
pub const ALL_TRIPLETS: usize = 256;

/// The fields of a step.
pub fn step(batch: usize, transfer: &str) -> Value {
    json!({"what": "step", "batch": batch, "dim": 128, "transfer": transfer})
}

/// Top 10 among 100,000 rows.
pub fn search() -> Value {
    json!({"what": "search", "rows": 100_000, "dim": 128, "k": 10})
}

/// The table of that search, read once.
pub fn read() -> Value {
    json!({"what": "read", "rows": 100_000, "dim": 128})
}

/// What scikit-learn is compared in, with what it is called.
pub fn analysis() -> [(&'static str, Value); 4] {
    let on = |what: &str, more: Value| {
        let mut job = json!({"what": what, "rows": 6248, "dim": 128});
        if let (Some(job), Value::Object(more)) = (job.as_object_mut(), more) {
            job.extend(more);
        }
        job
    };
    [
        ("k-means, k = 8, 10 restarts", on("kmeans", json!({"k": 8, "restarts": 10}))),
        ("PCA to 2 dimensions", on("projection", json!({"dims": 2}))),
        ("PCA to 3 dimensions", on("projection", json!({"dims": 3}))),
        ("kNN graph, 10 nearest by cosine", on("neighbours", json!({"k": 10}))),
    ]
}

/// A job and how often it is done.
pub type Repeated = (Value, usize);

/// What is measured on both sides. `repeat` is for what takes milliseconds; what takes longer is done less often.
pub fn both(repeat: usize) -> Vec<Repeated> {
    let seldom = (repeat / 3).max(1);
    let mut jobs: Vec<Repeated> = Vec::new();
    for batch in BATCHES {
        jobs.extend(["none", "sampled"].map(|transfer| (step(batch, transfer), repeat)));
    }
    jobs.push((step(ALL_TRIPLETS, "none"), repeat));
    jobs.push((step(ALL_TRIPLETS, "all"), repeat));
    jobs.push((search(), repeat));
    jobs.push((read(), repeat));
    jobs.extend(analysis().map(|(_, job)| (job, seldom)));
    jobs
}

/// What the threaded bundle is measured in.
pub fn threaded(repeat: usize) -> Vec<Repeated> {
    BATCHES.into_iter().flat_map(|batch| ["none", "sampled"].map(|transfer| (step(batch, transfer), repeat))).collect()
}

/// How something grows: what is varied, and why it should grow so.
pub struct Growth {
    /// What is measured against what.
    pub what: &'static str,
    /// The jobs, smallest first, with the size of each.
    pub sizes: Vec<(usize, Value)>,
    /// Why.
    pub reason: &'static str,
    /// Whether the memory is of interest too.
    pub memory: Option<&'static str>,
}

/// All that is varied; natively, each job in a process of its own.
pub fn growth() -> Vec<Growth> {
    let over = |sizes: &[usize], job: &dyn Fn(usize) -> Value| sizes.iter().map(|&n| (n, job(n))).collect();
    let pairs: Vec<usize> = vec![1_000, 2_000, 4_000, 8_000, 16_000];
    vec![
        Growth {
            what: "step against batch",
            sizes: over(&[64, 128, 256, 512, 1024], &|n| step(n, "none")),
            reason: "the towers' products are linear in the batch; the scores are quadratic, but a batch of 1,024 spends a tenth of its arithmetic on them; Adam is constant",
            memory: Some("activations grow with the batch, weights, moments and gradients (17 MB) do not"),
        },
        Growth {
            what: "step with all triplets against batch",
            sizes: over(&[64, 128, 256, 512], &|n| step(n, "all")),
            reason: "an anchor's B² pairs are some twenty sums over its B items (src/loss/sigmoids.rs): quadratic in all, beside the towers' products, which are linear and most of the step",
            memory: Some("B³ where the triplets are a tensor, B² with a kernel"),
        },
        Growth {
            what: "step against dimension",
            sizes: over(
                &[32, 64, 128, 256, 512],
                &|n| json!({"what": "step", "batch": 128, "dim": n, "transfer": "none"}),
            ),
            reason: "the first layers, 87 % of the weights at 128 dimensions, do not know the dimension",
            memory: None,
        },
        Growth {
            what: "search (top 10) against rows",
            sizes: over(
                &[1_000, 10_000, 100_000, 1_000_000],
                &|n| json!({"what": "search", "rows": n, "dim": 128, "k": 10}),
            ),
            reason: "an exact scan reads every row once",
            memory: Some("the table itself: 512 bytes a row"),
        },
        Growth {
            what: "evaluation of both directions against pairs",
            sizes: over(&pairs, &|n| json!({"what": "evaluate", "rows": n, "dim": 128})),
            reason: "every picture is scored with every text",
            memory: Some("scores are held in blocks of 16 MB, so that only the two tables grow"),
        },
        Growth {
            what: "kNN graph against rows",
            sizes: over(&pairs, &|n| json!({"what": "neighbours", "rows": n, "dim": 128, "k": 10})),
            reason: "every row is scored with every other",
            memory: None,
        },
        Growth {
            what: "k-means (k = 8, one start) against rows",
            sizes: over(
                &[1_000, 10_000, 100_000],
                &|n| json!({"what": "kmeans", "rows": n, "dim": 128, "k": 8, "restarts": 1}),
            ),
            reason: "a pass is one product with the centres; the number of passes grows slowly",
            memory: None,
        },
    ]
}

/// What [`growth`] needs beyond [`both`].
pub fn growing(repeat: usize) -> Vec<Repeated> {
    let known = both(repeat);
    let sizes = growth().into_iter().flat_map(|growth| growth.sizes.into_iter().map(|(_, job)| job));
    let more = sizes.filter(|job| !known.iter().any(|(other, _)| other == job));
    more.chain([idle()]).map(|job| (job, repeat.div_ceil(3))).collect()
}

/// The least that the program holds: what it takes without any work.
pub fn idle() -> Value {
    json!({"what": "search", "rows": 16, "dim": 16, "k": 1})
}
