// Every English sentence of the page. Another language is another file of this shape.
const n = (value: number): string => value.toLocaleString("en");
const ms = (value: number): string => `${value < 10 ? value.toFixed(1) : Math.round(value)} ms`;

export const en = {
  brand: "MTLS Lab",
  headline: "Pictures and words learn to share one space, from nothing, in this tab.",
  sub: "Each picture and its text are one pair. Press Train and watch the pairs find each other.",
  skip: "Skip to the training controls",
  theme: { toDark: "Use the dark theme", toLight: "Use the light theme" },

  transport: {
    train: "Train", goOn: "Go on", pause: "Pause", step: "Step", reset: "Reset", again: "Train again",
    stepTitle: "One optimiser step", resetTitle: "Back to step 0", changed: "The settings changed.", apply: "Start over with them",
    label: "Training",
  },

  settings: {
    label: "Settings", data: "Data", preset: "Preset", more: "More settings", less: "Fewer settings", reset: "Back to the preset",
    sets: { "emoji-1k": "Emoji-1k · one style", "emoji-4": "Emoji-4 · four styles" },
    sizes: (train: number, test: number): string => `${n(train)} pairs to learn from, ${n(test)} held out`,
    names: {
      lambda_v: "λ text→image", lambda_t: "λ image→text", loss: "Loss", tower: "Tower", batch: "Batch", epochs: "Epochs", learning_rate: "Learning rate", seed: "Seed",
      split: "Held out", image_features: "Image features", text_dim: "Text dimensions", text_buckets: "Text buckets", test_view: "Test style", fold: "Family fold", validation: "Validate on training part", validation_part: "Which fifth", drop_generic_words: "Without class words",
      hidden: "Hidden units", dim: "Joint dimensions", norm: "Normalisation", dropout: "Dropout", init: "Start", cca_ridge: "CCA ridge", stem: "Image stem",
      retrieval_weight: "Retrieval weight", margin: "Hinge margin", negatives: "Hardest negatives", reduce: "Reduce negatives", temperature: "Temperature", bias: "SigLIP bias", within_image: "Within images (TBNN)", within_text: "Within texts (TBNN)",
      order: "Teacher's order", tau: "Order softness τ", gamma: "Sharpness γ", triplets: "Triplets", kappa: "Neighbours κ", per_anchor: "Triplets per item", teacher: "Teacher's space", average_decay: "Average decay", neighbours: "Neighbours from", refresh_epochs: "Index every (epochs)", form: "Triplet loss", transfer_margin: "Triplet margin", control: "Control",
      per_item: "Pairs of an item", stop_epoch: "Stop at epoch", lr_warmup_steps: "Rate warm-up steps", weight_decay: "Weight decay", beta_1: "Adam β₁", beta_2: "Adam β₂", clip: "Gradient clip", schedule: "Schedule", warmup_epochs: "Retrieval-only epochs", noise: "Input noise", eval_every: "Evaluate every",
    } as Record<string, string>,
    hints: {
      lambda_v: "How strongly the texts' neighbourhoods shape the pictures' (0: not at all).",
      lambda_t: "How strongly the pictures' neighbourhoods shape the texts'.",
      loss: "What pulls a picture to its own text: InfoNCE, a hinge over the hardest negatives, SigLIP's sigmoid, or an order.",
      tower: "The map from features into the shared space.",
      batch: "Pairs per step.", epochs: "Passes over the training pairs.", learning_rate: "Peak rate of AdamW.", seed: "Same seed, same run. A seed in the link keeps the run on the CPU.",
      split: "What the test part has that training never saw.", control: "In place of the real teacher, to see what transfer itself contributes.",
    } as Record<string, string>,
    options: {
      info_nce: "InfoNCE", hinge: "Hinge", sigmoid: "SigLIP", order: "Order", skip: "MLP + linear", mlp: "MLP", linear: "Linear", concept: "unseen concepts", style: "unseen style", both: "both",
      given: "EfficientNet", hog: "HOG + colour", pixels32: "pixels, 32 px", pixels64: "pixels, 64 px", layer: "layer", batch: "batch", none: "none", cca: "CCA", random: "random",
      mean: "mean", sum: "sum", hard: "hard", soft: "soft", local: "local", uniform: "uniform", all: "all", embedding: "embedding", features: "features", average: "averaged weights", fused: "fused CCA", corpus: "all training items", softplus: "infinite margin", conv: "convolutions",
      self_teacher: "self-teacher", shuffled: "shuffled", joint: "joint", alternating: "alternating",
    } as Record<string, string>,
    invalid: (min: number, max: number): string => `Between ${n(min)} and ${n(max)}.`,
  },

  device: {
    label: "Device", cpu: "CPU", gpu: "GPU", wish: { auto: "Choose for me", cpu: "CPU", gpu: "GPU" },
    start: "Training starts on the CPU at once.",
    forced: "As chosen.",
    seedPins: "The link gives a seed, so that the run is the same on every machine.",
    noAdapter: { missing: "This browser offers no WebGPU.", none: "WebGPU finds no graphics card here.", software: "WebGPU is only emulated in software here, which is slower." },
    tooSmall: (load: number, threshold: number): string => `A step is too small for a GPU to win (parameters × batch ${load.toExponential(0)}, worth trying from ${threshold.toExponential(0)}).`,
    gpuBundleMissing: "The GPU engine is not built yet; it is taken up when it is ready.",
    testing: "Testing the GPU in the background…",
    gpuFaster: (cpu: number, gpu: number): string => `Checked against the CPU and faster: ${ms(gpu)} a step against ${ms(cpu)}.`,
    cpuFaster: (cpu: number, gpu: number): string => `Measured: ${ms(cpu)} a step, the GPU takes ${ms(gpu)}.`,
    gpuRefused: (why: string): string => `The GPU could not be used: ${why}`,
    afterLoss: "The GPU was lost during this run.",
  },

  plot: {
    label: "The shared space", describe: "Pictures and texts as points; nearby means similar. Arrow keys move the selection to the next point in that direction, plus and minus zoom, 0 shows everything.",
    thumbnails: "Pictures", points: "Dots", lines: "All pair lines", colour: "Colour", byClass: "labels", byCluster: "clusters", k: "Number of clusters", fit: "Show all",
    keyImage: "picture", keyText: "text", keyPair: "a pair",
    heldOut: "held out", trained: "trained on", loading: "Drawing…", noWebgl: "This browser has no WebGL2, so the points are drawn plainly.",
    selected: (title: string): string => `Selected: ${title}`,
    ami: (value: number): string => `AMI ${value.toFixed(3)}`, amiTitle: "Agreement of the clusters with the labels on held-out pairs: 0 chance, 1 perfect",
    cluster: (i: number): string => `cluster ${i + 1}`,
  },

  search: {
    label: "Search", standard: "red fruit", placeholder: "Words, or drop a picture", field: "Search pictures and texts",
    images: "Pictures", texts: "Texts", drop: "Search by a picture of yours", choose: "Choose a picture", paste: "or drop or paste one",
    encoder: (size: string): string => `The first picture loads the image encoder (${size}). Your picture stays in this tab.`,
    asked: "Looking for", back: "Search by words again", by: (title: string): string => `what resembles the picture “${title}”`, own: (name: string): string => `what resembles ${name}`,
    before: "Before training the order means little. Press Train and watch it change.",
    noImage: "That file is not a picture this browser can read (PNG, JPEG, WebP or GIF).", working: "Looking at the picture…", none: "Nothing to show yet.",
  },
  chosen: {
    label: "Selected pair", none: "Click a picture in the space, or a result.", neighbours: "Nearest texts to this picture", similar: "Nearest pictures", clear: "Clear the selection", use: "Search by this picture", own: "its own text",
    rank: (rank: number | null): string => (rank === null ? "own text not among the nearest ten" : rank === 1 ? "own text found first" : `own text at rank ${rank}`),
  },

  views: {
    label: "View",
    space: { name: "Space", about: "Every picture and every text in the one space they share, seen flat." },
    neighbourhoods: { name: "Neighbourhoods", about: "Who is near one item among pictures and among texts, and what each side teaches the other." },
    matrix: { name: "Similarities", about: "Every picture against every text: the diagonal lights up as the pairs find each other." },
    clusters: { name: "Clusters", about: "k-means over the arrows, named by their most specific words, against the labels that training never sees." },
  },
  clusters: {
    space: "Clustered", spaces: { image: "pictures", text: "texts", fused: "both side by side" } as Record<string, string>,
    contingency: "Clusters against labels", cluster: "cluster", overTime: "Agreement with the labels on the held-out part over the run",
  },
  matrix: {
    heldOut: "Held out", trained: "Trained on", order: "Order",
    firsts: (firsts: number, all: number): string => `${n(firsts)} of ${n(all)} pictures score their own text highest here`,
    against: "against", hint: "Point at a cell, or move with the arrow keys. Rows are pictures, columns are texts.",
    own: (score: number, rank: number): string => `Its own text: ${score.toFixed(2)}, rank ${rank}.`,
    other: (score: number, own: number, rank: number): string => `${score.toFixed(2)}, rank ${rank}; its own text has ${own.toFixed(2)}.`,
    words: (words: string): string => `Both texts say: ${words}.`, noWords: "The two texts share no word.", sameClass: "Same label.",
    confused: "Most confused", noneConfused: "No picture prefers another text.", prefers: "prefers", lead: "by",
  },
  twin: {
    label: "Structure transfer", with: "With transfer", without: "Without", both: "Both",
    why: "The same run, seed and batches, trained beside this one with the transfer of structure switched the other way.",
    loading: "The twin is being trained beside the run…",
  },
  neighbours: {
    beginning: "Before training", now: (which: string): string => `Now · ${which.toLowerCase()}`, twin: (which: string): string => `Twin · ${which.toLowerCase()}`,
    rows: { image: "Pictures near its picture", text: "Texts near its text" },
    overlap: (share: number): string => `overlap ${Math.round(100 * share)} %`, overlapTitle: "Neighbours that pictures and texts both name",
    shared: "near in both", sharedNote: "Near in both modalities.",
    heldOut: "Held out: never trained on. What it would be taught is shown.", trained: "Trained on.",
    taught: { image: "Texts teach the pictures", text: "Pictures teach the texts" } as Record<string, string>,
    wrong: (wrong: number, all: number): string => `${wrong} of ${all} triplets stand the wrong way round here.`,
    idle: "With weight 0 nothing of this is taught.",
    near: "Should be nearer", far: "than", teacher: "Teacher", student: "Student", force: "Force",
  },

  curves: {
    losses: "Loss by epoch", recall: "Held-out R@1, % by epoch", table: "Table", chart: "Chart", epoch: "epoch",
    names: { total: "total", retrieval: "retrieval", transfer_v: "text → image", transfer_t: "image → text", i2t: "image → text", t2i: "text → image", ami: "AMI × 100" },
    waiting: "Curves appear with the first step.", twin: (which: string): string => `Twin, ${which.toLowerCase()}:`,
  },

  status: {
    label: "State of the run",
    loading: "Loading the engine…", ready: "Ready", training: "Training", paused: "Paused", finished: "Finished", failed: "Stopped",
    download: (what: string, loaded: string, total: string): string => `Loading ${what}: ${loaded} of ${total}`,
    epoch: (at: number, of: number): string => `epoch ${at} of ${of}`, parameters: (count: number): string => `${n(count)} parameters`, step: (at: number, of: number): string => `step ${n(at)} of ${n(of)}`, ms: (value: number): string => `${ms(value)} a step`, left: (s: number): string => (s < 90 ? `${Math.ceil(s)} s left` : `${Math.ceil(s / 60)} min left`),
    version: (version: string, commit: string): string => `v${version} · ${commit}`,
  },
  spoken: (epoch: number, loss: number | null, i2t: number, t2i: number): string =>
    `Epoch ${Math.round(epoch)}. ${loss === null ? "" : `Loss ${loss.toFixed(2)}. `}Recall at one: image to text ${i2t.toFixed(1)} per cent, text to image ${t2i.toFixed(1)} per cent.`,

  notices: {
    restored: (step: number): string => `Your run is back at step ${n(step)}.`,
    notRestored: (why: string): string => `The saved run could not be restored, so a new one begins. (${why})`,
    gpuLost: (why: string): string => `The GPU was lost (${why}), so the run goes on on the CPU.`,
    restarted: (why: string): string => `The engine had to be restarted. (${why})`,
    resumedAt: (step: number, lost: number): string => (lost > 0 ? `It resumed from step ${n(step)}; ${n(lost)} steps are computed again.` : `It resumed from step ${n(step)}.`),
    lowerRate: "Lower the learning rate and reset", again: "Try again", dismiss: "Dismiss",
  },
  errors: {
    bundles: "The engine's files could not be found beside this page. Is the server still running?",
    notLoaded: "The engine is not loaded yet.",
    crashed: (why: string): string => `The engine stopped several times. (${why})`,
    silent: (seconds: number): string => `it did not answer for ${seconds} seconds`,
    address: (parts: string): string => `Not understood in the address and left out: ${parts}.`,
    noWasm: "This browser has no WebAssembly (or it is switched off), so nothing can be trained here. Any current Chrome, Edge, Firefox or Safari will do.",
    noSimd: "This browser's WebAssembly lacks SIMD, which the engine needs. Any Chrome, Edge or Firefox since 2021 or Safari since 16.4 will do.",
    noWorker: "This browser cannot run module workers, which the engine needs. Any current Chrome, Edge, Firefox or Safari will do.",
  },

  article: {
    toArticle: "How it works",
    title: "What happens here",
    sections: [
      ["Two towers, one space", "Every item is a pair: a drawing and a few words. One small network, a tower, reads features of the drawing; another reads the words. Both write an arrow of the same length into the same space. Training turns the towers until an arrow of a drawing points where the arrow of its own words points, and away from all others in the batch. That is the bidirectional retrieval loss: it aligns objects."],
      ["Neighbourhoods teach each other", "Alignment of pairs alone says nothing about which drawings should be near which other drawings. The second part of the method transfers structure. For an item, the words know which of two others is closer in meaning; the drawings are asked to agree, and the other way round. The penalty, log(1 + exp(γ·(near − far))), never becomes zero: the margin is infinite, so clusters keep tightening. λ text → image and λ image → text say how loudly each side teaches. Set both to 0 and compare the clusters."],
      ["What is measured", "A fifth of the concepts, whole families of look-alikes at a time, is never trained on. R@1 is how often, among all held-out texts, the very first one found for a held-out picture is its own, and the same from text to picture. AMI says how well k-means clusters of the picture arrows match the labels, which training never sees: 0 is chance, 1 is perfect."],
      ["Whose method", "Symmetric transfer of local structures (MTLS) is by B. Dong, S. Jian and K. Lu, “Learning Multimodal Representations by Symmetrically Transferring Local Structures”, Symmetry 12(9):1504, 2020. This page follows the abstract and MAI, the same authors' earlier mechanism; the paper's own settings are not public here, and its tables are not reproduced. It has nothing to do with mutual TLS."],
      ["In a background tab", "Training runs in a worker that drives itself, not with the page's timers, so it goes on at full speed when this tab is hidden; only the drawing rests until you come back. A snapshot is kept every ten seconds: reload, and the run is where it was."],
      ["Privacy", "Nothing leaves this tab. Data, training and search are local; pictures and words of yours are never sent anywhere, and there are no cookies and no counters."],
    ] as [string, string][],
    keys: "Keys", keyList: [["Space", "train or pause"], ["/", "go to the search field"], ["← → ↑ ↓", "in the space: select the next point in that direction"], ["+ − 0", "in the space: zoom in, out, show all"], ["Esc", "clear the selection"]] as [string, string][],
    credits: "Credits", creditsLead: "Pictures and texts come from these projects:", by: "by", licence: "Licence",
    build: "This build",
  },
};
export type Strings = typeof en;
