// Everything that crosses between page and worker, and the shapes of the wasm bundle's JavaScript interface.
// One file, so that a change on either side is a type error on the other.

/** Full configuration of the engine (src/config.rs); a partial one names only what differs from the default. */
export interface Config {
  version: number;
  seed: number;
  data: Record<string, unknown>;
  model: Record<string, unknown>;
  retrieval: Record<string, unknown>;
  transfer: Record<string, unknown>;
  train: Record<string, unknown>;
}
export type ConfigDiff = { [K in keyof Config]?: Config[K] extends Record<string, unknown> ? Record<string, unknown> : Config[K] };

/** `data`: the data set that it is made for, if it is for one. */
export interface Preset { name: string; title: string; why: string; data: string | null; config: ConfigDiff }
export interface About { version: string; commit: string; gpu: boolean }
export interface Credit { part: string; title: string; authors: string; licence: string; source: string }
/** `pack`: the other pack that the file lies in. */
export interface PackPart { name: string; file: string; kind: string; bytes: number; sha256: string; pack?: string }
export interface PackManifest { name: string; title: string; version: number | string; parts: PackPart[]; credits: Credit[]; classes: string[] }

export interface DeviceReport {
  kind: "cpu" | "gpu";
  name: string;
  reason: string;
  self_test: null | { passed: boolean; max_error: number; times: null | { cpu_ms: number; gpu_ms: number } };
}
export interface Item { key: string; title: string; query: string; class: number | null; held_out: boolean }
export interface Hit { item: number; score: number }
export interface Hits { images: Hit[]; texts: Hit[] }
/** Nearest other items of an item in both modalities; `overlap`: share that both name. */
export interface Neighbourhood { image: Hit[]; text: Hit[]; overlap: number }
export type Moment = "beginning" | "now";
export type Side = "image" | "text";
/** A triplet about an item: gaps are D(far) - D(near); `force` is how hard the loss opens the student's. */
export interface Lesson { near: number; far: number; teacher_gap: number; student_gap: number; near_distance: number; force: number }
/** `label` -1: noise, which only HDBSCAN knows. */
export interface Clusters { labels: Int32Array; ami: number; nmi: number; ari: number }
export type Grouping = "kmeans" | "hdbscan";
export interface Projection { image: Float32Array; text: Float32Array }
/** Unit rows of `dim` numbers, item after item. */
export interface Embeddings { image: Float32Array; text: Float32Array; dim: number }
/** Of every item: the rank (1 is first) of its own text for its picture and the other way round, and the pair's score. */
export interface Pairs { image_rank: Uint32Array; text_rank: Uint32Array; score: Float32Array }
/** A trained row of the paper's comparison: `config` is its difference from the default. */
export interface Objective { id: string; role: "mtls" | "twin" | "rival" | "added" | "ablation" | "weight"; about: string; config: ConfigDiff }

/** A pair of the batch; `row`, `rival`: rows of the batch. */
export interface IterationRow {
  row: number; item: number; caption: string; image_features: number[]; text_features: number[]; image: number[]; text: number[];
  score: number; rank: number; rival: number; rival_score: number;
}
/** `pulls`: minus the weighted gradient by the pictures and by the texts, seen flat (x y x y ...); `lengths`: its mean length. */
export interface IterationTerm { name: "retrieval" | "transfer_v" | "transfer_t" | "within"; value: number; weight: number; pulls: (number[] | null)[]; lengths: number[] }
/** The next step taken apart. `before`, `after`: pictures and texts of the whole batch, x y x y ... */
export interface Iteration {
  step: number; batch: number; learning_rate: number; gradient_norm: number; temperature: number;
  items: number[]; rows: IterationRow[]; similarities: number[]; terms: IterationTerm[]; before: number[][]; after: number[][];
}
/** What the engine exports of a run (src/export/). */
export type Export = "weights" | "features" | "embeddings" | "tsv" | "jsonl" | "metrics" | "page" | "experiment";
export interface ExportFile { name: string; bytes: Uint8Array<ArrayBuffer> }
/** Where thumbnails lie: item `i` is tile `i % per_page` of page `i / per_page`, row by row. */
export interface SheetLayout { size: number; columns: number; per_page: number; pages: number }
export interface Atlas { width: number; height: number; rgba: Uint8ClampedArray }

export interface Spread { min: number; mean: number }
/** Recalls in per cent; the rest as in METHOD. */
export interface Metrics {
  i2t_r1: number; i2t_r5: number; i2t_r10: number;
  t2i_r1: number; t2i_r5: number; t2i_r10: number;
  mr: number; gallery: number;
  ami_image: number | null; ami_text: number | null; ami_fused: number | null;
  order_agreement: number; overlap_10: number; modality_gap: number;
  alignment: number; uniformity_image: number | null; uniformity_text: number | null;
  /** Standard deviation per dimension. */
  spread_image: Spread; spread_text: Spread;
  /** Retrieval and agreement among as many training items, under the same names. */
  trained: Record<string, number> | null;
  [more: string]: number | null | Spread | Record<string, number>;
}
export interface StepEvent {
  type: "step"; step: number; epoch: number;
  total: number; retrieval: number; transfer_v: number; transfer_t: number; within?: number;
  gradient_norm: number; learning_rate: number; temperature: number;
}
export interface EvaluationEvent { type: "evaluation"; step: number; epoch: number; metrics: Metrics }
/** Settings changed during the run, before step `step` + 1. */
export interface RetunedEvent { type: "retuned"; step: number; config: ConfigDiff }
export type EngineEvent = StepEvent | EvaluationEvent | RetunedEvent | { type: "finished"; step: number };

export interface RunInfo {
  config: Config; corpus: string; items: number; train_items: number; test_items: number;
  views: string[]; display_view: string; classes: string[];
  parameters: number; steps_per_epoch: number; total_steps: number;
  step: number; history: EngineEvent[]; credits: Credit[];
  workload: Workload;
}
/** What a step computes, for timing it on a device. */
export interface Workload { config: Config; image_dim: number; text_dim: number }
/** What a run is about: part of a bundled pack, generated scenes, or own data by its fingerprint, as the importer wrote it (`encoded`: through the image encoder). */
export type DataChoice = { pack: string; subset: string; views: string[] } | { shapes: { items: number; seed: number } } | { own: string; file: Blob; encoded: boolean };

/** The interface of the engine's bundles (wasm-bindgen, target web), from here to `Engine`. */
export interface PackHandle {
  manifest(): PackManifest;
  parts_for(subset: string, views: string[], languages: string[]): string[];
  add_part(name: string, bytes: Uint8Array): void;
  has_part(name: string): boolean;
  free(): void;
}
/** The data of a run: runs that begin on it keep what they need. */
export interface DataHandle { free(): void }
export interface EngineHandle {
  device(): DeviceReport;
  start(data: DataHandle, config: ConfigDiff): Promise<RunInfo>;
  resume(data: DataHandle, snapshot: Uint8Array): Promise<RunInfo>;
  items(): Item[];
  sheet(): SheetLayout;
  sheet_page(page: number): Atlas;
  step(n: number): Promise<EngineEvent[]>;
  evaluate(): Promise<Metrics>;
  projection(): Promise<Projection>;
  project_to(dims: number): void;
  embeddings(moment: Moment): Promise<Embeddings>;
  pairs(): Promise<Pairs>;
  iteration(show: number): Promise<Iteration>;
  retune(config: ConfigDiff): Config;
  total_steps(): number;
  clusters(how: { kmeans: number } | { hdbscan: number }, space: string): Promise<Clusters>;
  search_text(text: string, k: number, moment: Moment): Promise<Hits>;
  search_item(item: number, k: number, moment: Moment): Promise<Hits>;
  search_image(pack: PackHandle, width: number, height: number, rgba: Uint8Array, k: number, moment: Moment): Promise<Hits>;
  neighbourhood(item: number, k: number, moment: Moment): Promise<Neighbourhood>;
  lessons(item: number, student: Side, count: number): Promise<Lesson[]>;
  similarity(items: Uint32Array): Promise<Float32Array>;
  snapshot(): Promise<Uint8Array>;
  export_sizes(): Record<Export, number>;
  export_sheets(): number;
  export_sheet(n: number): { width: number; height: number; rgba: Uint8ClampedArray };
  /** Name and bytes of each file, one after the other. `page`: `index.html`, `style.css` and `search.js` of a search page; `attached`: what an experiment is written with, as JSON. */
  export_run(what: Export, sheets: Uint8Array[], page: string[], attached?: string): Promise<(string | Uint8Array)[]>;
  lose_device(): void;
  free(): void;
}
/** What a look at a picture gave: what there is to see (`features` are empty without the encoder), why there is nothing, or the bytes that the browser has to decode. */
export type Looked = { key: string; tile: Uint8Array<ArrayBuffer>; digest: Uint8Array<ArrayBuffer>; features: Float32Array<ArrayBuffer> } | { key: string; problem: string };
export type Foreign = { key: string; foreign: Uint8Array<ArrayBuffer> };
/** Remedies: differences to what was read, each by the number of a picture. */
export interface Plan { drop: number[]; captions: Record<number, string[]>; strip_labels: boolean; ignore_labels: boolean; ignore_split: boolean }
export type FindingKind = "problems" | "no_caption" | "same_picture" | "near_duplicates" | "same_caption" | "label_in_caption" | "languages" | "dominant" | "rare_labels" | "leak" | "few";
export interface Finding { kind: FindingKind; count: number; groups: number[][]; remedy: Plan | null }
export interface Check {
  findings: Finding[]; problems: { row: number; file: string; problem: string }[];
  usable: number; held_out: number; families: number; own_split: boolean; labels: [string, number][];
  /** By their ISO 639-3 codes, as far as they can be told. */
  languages: [string, number][];
}
export interface PictureInfo { key: string; captions: string[]; label: string | null }
export interface Prepared { name: string; fingerprint: string; items: number; held_out: number; classes: number; encoded: boolean; queries: string[]; bytes: Uint8Array<ArrayBuffer> }
export interface ImporterHandle {
  /** Paths of all pictures. */
  wanted(): string[];
  look(keys: string[]): Promise<(Looked | Foreign)[]>;
  look_at(key: string, width: number, height: number, rgba?: Uint8Array): Promise<Looked>;
  show(key: string, tile: Uint8Array, digest: Uint8Array, features: Float32Array): void;
  show_problem(key: string, problem: string): void;
  /** Joins rows with the pictures shown, as far as these go; `all`: to the end. How many pictures there are. */
  join(all: boolean): number;
  check(plan: Plan): Check;
  about(pictures: Uint32Array): PictureInfo[];
  tile(at: number): Uint8ClampedArray<ArrayBuffer>;
  finish(plan: Plan): Prepared;
  free(): void;
}
/** Where the data of an experiment comes from, in words that hold in every browser. */
export type Origin = { pack: { pack: string; subset: string; views: string[] } } | { shapes: { items: number; seed: number } } | "own";
/** What the page puts into an experiment of its own accord: the address of the run and of what is looked at, and what it began with. */
export interface PageState { address: string; began: Config | null }
export interface Attached { origin: Origin; data: boolean; page: PageState }
export interface ExperimentHeader { program: string; corpus: string; fingerprint: string; origin: Origin; step: number; total_steps: number; config: Config; page: unknown }
export interface ExperimentHandle {
  header(): ExperimentHeader;
  snapshot(): Uint8Array<ArrayBuffer>;
  data(): Prepared | undefined;
  free(): void;
}
interface Module { default(arg: { module_or_path: string }): Promise<WebAssembly.Exports & { memory: WebAssembly.Memory }> }
/** Who does the engine's loops, as it sees them: the job at an address of its memory, in parts, with room beside it for each thread. */
export interface Team { readonly threads: number; run(job: number, parts: number, scratch: number): void }
/** What trains, with a GPU or without. `scratch`: numbers of the room that a thread of a team needs. `primary` and `onMissing` has a bundle of two files only: what the second imports from, and who takes the calls of its functions, by their place in the table. */
export interface Bundle extends Module {
  primary?: string;
  onMissing?(call: (place: number, given: unknown[]) => unknown): void;
  join(team: Team): void;
  scratch(): number;
  about(): About;
  default_config(): Config;
  presets(): Preset[];
  objectives(): Objective[];
  retunable(): string[];
  Pack: new (manifest: Uint8Array) => PackHandle;
  Data: { from_pack(pack: PackHandle, selection: { subset: string; views: string[] }): DataHandle; shapes(options: { items: number; seed: number }): DataHandle; prepared(bytes: Uint8Array): DataHandle };
  Engine: { create(device: DeviceRequest, workload: Workload | null): Promise<EngineHandle> };
}
/** What reads a user's files; loaded when there are some. */
export interface FilesBundle extends Module {
  Experiment: { open(name: string, file: Blob): ExperimentHandle };
  Importer: { open(name: string, files: [string, Blob][], encoder?: Uint8Array): ImporterHandle };
}

/** `auto`: the GPU if it computes the workload as the CPU does, and faster. */
export type DeviceRequest = "cpu" | "gpu" | "auto";

/** bundles.json, written by the build. `rest`: what a first visit does not call, where that is a file of its own; `kernels`: modules with the engine's loops, best first; `threads`: the CPU's bundle where memory may be shared. */
export interface BundleFiles { js: string; wasm: string; rest?: string | null; kernels?: string[]; raw: number; brotli: number; version: string }
export interface Bundles { cpu: BundleFiles; threads?: BundleFiles | null; files: BundleFiles | null; gpu: BundleFiles | null }

/** `retunable`: settings (`section.key`) that may change while a run stands. */
export interface Opened { about: About; defaults: Config; presets: Preset[]; objectives: Objective[]; retunable: string[]; device: DeviceReport }
/** What the page needs to draw a run. `manifest`: of its pack; generated data has one without parts. `pages`: the thumbnails with their white ground cut away; `sprites`: the same as PNG, for list entries. */
export interface Ready { info: RunInfo; items: Item[]; layout: SheetLayout; pages: ImageBitmap[]; sprites: Blob[]; manifest: PackManifest }
export type Query = { kind: "text"; text: string } | { kind: "item"; item: number } | { kind: "image"; bytes: Uint8Array; name: string };

/** `keeps` (of `open`): the worker hands out snapshots of its run. Request and answer of every call the page can make; the worker answers each exactly once. */
export interface Calls {
  open: { args: { js: string; wasm: string; rest: string | null; kernels: string[]; threads: number; packs: string; device: DeviceRequest; workload: Workload | null; keeps: boolean; dims: 2 | 3 }; result: Opened };
  start: { args: { data: DataChoice; config: ConfigDiff }; result: Ready };
  resume: { args: { data: DataChoice; snapshot: Uint8Array; }; result: Ready };
  run: { args: { steps: number | null }; result: null };
  pause: { args: null; result: { step: number } };
  visible: { args: { visible: boolean }; result: null };
  /** How many coordinates projections have from now on. */
  dims: { args: { dims: 2 | 3 }; result: null };
  embeddings: { args: { moment: Moment }; result: Embeddings };
  pairs: { args: null; result: Pairs };
  /** The next step taken apart, with `size` of its pairs in full; the run stays where it is. */
  iteration: { args: { size: number }; result: Iteration };
  /** Refused, by name, for settings that need a new run. */
  retune: { args: { config: ConfigDiff }; result: { config: Config; total_steps: number; step: number } };
  /** `k`: the number of clusters, or the fewest members of an HDBSCAN group. */
  clusters: { args: { k: number; space: string; method?: Grouping }; result: Clusters };
  /** `patient`: while a run is looked at, it may wait for the next picture of the space, which needs the same embeddings. */
  search: { args: { query: Query; k: number; moment?: Moment; patient?: boolean }; result: Hits };
  /** Patient questions are answered now. */
  hurry: { args: null; result: null };
  neighbourhood: { args: { item: number; k: number; moment: Moment }; result: Neighbourhood };
  lessons: { args: { item: number; student: Side; count: number }; result: Lesson[] };
  similarity: { args: { items: Uint32Array }; result: Float32Array };
  add_encoder: { args: null; result: null };
  snapshot: { args: null; result: Uint8Array };
  /** About how many bytes each takes. */
  export_sizes: { args: null; result: Record<Export, number> };
  export: { args: { what: Export; attached?: Attached }; result: ExportFile[] };
  /** Bytes of the engine's memory, which never shrinks. */
  memory: { args: null; result: number };
  lose_device: { args: null; result: null };
}
export type CallName = keyof Calls;
export type ToWorker = { [N in CallName]: { id: number; call: N; args: Calls[N]["args"] } }[CallName];

/** Why a worker says it cannot go on, and whether it has to be replaced. */
export interface Failure { message: string; fatal: boolean; kind: "diverged" | "device" | "crash" | "download" | "picture" | "replaced" | "other" }

export type FromWorker =
  | { type: "answer"; id: number; result: unknown }
  | { type: "refused"; id: number; failure: Failure }
  /** Bytes of pack parts and of the wasm bundle as they arrive. */
  | { type: "download"; what: string; loaded: number; total: number }
  /** A slice is about to be computed: the watchdog's heartbeat. */
  | { type: "beat"; step: number }
  /** From now on so many threads do the engine's loops. */
  | { type: "team"; threads: number }
  | { type: "progress"; events: EngineEvent[]; step: number; ms_per_step: number; running: boolean }
  /** The share of an export that is done. */
  | { type: "exporting"; share: number }
  | { type: "projection"; image: Float32Array; text: Float32Array; step: number; dims: 2 | 3 }
  | { type: "snapshot"; bytes: Uint8Array; step: number; why: "timer" | "pause" | "finish" | "evaluation" }
  | { type: "failed"; failure: Failure };
