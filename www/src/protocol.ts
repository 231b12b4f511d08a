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

export interface Preset { name: string; title: string; why: string; config: ConfigDiff }
export interface About { version: string; commit: string; gpu: boolean }
export interface Credit { part: string; title: string; authors: string; licence: string; source: string }
export interface PackPart { name: string; file: string; kind: string; bytes: number }
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
export interface Clusters { labels: Uint32Array; ami: number; nmi: number; ari: number }
export interface Projection { image: Float32Array; text: Float32Array }
export interface Atlas { size: number; columns: number; width: number; height: number; rgba: Uint8ClampedArray }

/** Recalls in per cent; the rest as in METHOD. */
export interface Metrics {
  i2t_r1: number; i2t_r5: number; i2t_r10: number;
  t2i_r1: number; t2i_r5: number; t2i_r10: number;
  mr: number; gallery: number;
  ami_image: number | null; ami_text: number | null; ami_fused: number | null;
  order_agreement: number; modality_gap: number;
  [more: string]: number | null;
}
export interface StepEvent {
  type: "step"; step: number; epoch: number;
  total: number; retrieval: number; transfer_v: number; transfer_t: number;
  gradient_norm: number; learning_rate: number; temperature: number;
}
export interface EvaluationEvent { type: "evaluation"; step: number; epoch: number; metrics: Metrics }
export type EngineEvent = StepEvent | EvaluationEvent | { type: "finished"; step: number };

export interface RunInfo {
  config: Config; items: number; train_items: number; test_items: number;
  views: string[]; display_view: string; classes: string[];
  parameters: number; steps_per_epoch: number; total_steps: number;
  step: number; history: EngineEvent[];
  workload: Workload;
}
/** What a step computes, for timing it on a device. */
export interface Workload { config: Config; image_dim: number; text_dim: number }
/** Which part of the pack a run is about. */
export interface DataChoice { subset: string; views: string[] }

/** The interface of a wasm bundle (wasm-bindgen, target web). */
export interface PackHandle {
  manifest(): PackManifest;
  parts_for(subset: string, views: string[], languages: string[]): string[];
  add_part(name: string, bytes: Uint8Array): void;
  has_part(name: string): boolean;
  free(): void;
}
export interface EngineHandle {
  device(): DeviceReport;
  start(pack: PackHandle, data: DataChoice, config: ConfigDiff): Promise<RunInfo>;
  resume(pack: PackHandle, data: DataChoice, snapshot: Uint8Array): Promise<RunInfo>;
  items(): Item[];
  atlas(): Atlas;
  step(n: number): Promise<EngineEvent[]>;
  evaluate(): Promise<Metrics>;
  projection(): Promise<Projection>;
  clusters(k: number, space: string): Promise<Clusters>;
  search_text(text: string, k: number): Promise<Hits>;
  search_item(item: number, k: number): Promise<Hits>;
  search_image(pack: PackHandle, bytes: Uint8Array, name: string, k: number): Promise<Hits>;
  neighbourhood(item: number, k: number, moment: Moment): Promise<Neighbourhood>;
  lessons(item: number, student: Side, count: number): Promise<Lesson[]>;
  similarity(items: Uint32Array): Promise<Float32Array>;
  snapshot(): Promise<Uint8Array>;
  lose_device(): void;
  free(): void;
}
export interface Bundle {
  default(arg: { module_or_path: string }): Promise<{ memory: WebAssembly.Memory }>;
  about(): About;
  default_config(): Config;
  presets(): Preset[];
  Pack: new (manifest: Uint8Array) => PackHandle;
  Engine: { create(device: DeviceRequest, workload: Workload | null): Promise<EngineHandle> };
}

/** `auto`: the GPU if it computes the workload as the CPU does, and faster. */
export type DeviceRequest = "cpu" | "gpu" | "auto";

/** bundles.json, written by the build. */
export interface BundleFiles { js: string; wasm: string; raw: number; brotli: number; version: string }
export interface Bundles { cpu: BundleFiles; gpu: BundleFiles | null }

export interface Opened { about: About; defaults: Config; presets: Preset[]; manifest: PackManifest; device: DeviceReport }
/** What the page needs to draw a run. `sprite` is the atlas with its white ground cut away, as a PNG for list entries. */
export interface Ready { info: RunInfo; items: Item[]; atlas: { size: number; columns: number; width: number; height: number }; bitmap: ImageBitmap; sprite: Blob }
export type Query = { kind: "text"; text: string } | { kind: "item"; item: number } | { kind: "image"; bytes: Uint8Array; name: string };

/** `keeps` (of `open`): the worker hands out snapshots of its run. Request and answer of every call the page can make; the worker answers each exactly once. */
export interface Calls {
  open: { args: { js: string; wasm: string; pack: string; device: DeviceRequest; workload: Workload | null; keeps: boolean }; result: Opened };
  start: { args: { data: DataChoice; config: ConfigDiff }; result: Ready };
  resume: { args: { data: DataChoice; snapshot: Uint8Array; }; result: Ready };
  run: { args: { steps: number | null }; result: null };
  pause: { args: null; result: { step: number } };
  visible: { args: { visible: boolean }; result: null };
  clusters: { args: { k: number; space: string }; result: Clusters };
  search: { args: { query: Query; k: number }; result: Hits };
  neighbourhood: { args: { item: number; k: number; moment: Moment }; result: Neighbourhood };
  lessons: { args: { item: number; student: Side; count: number }; result: Lesson[] };
  similarity: { args: { items: Uint32Array }; result: Float32Array };
  add_encoder: { args: null; result: null };
  snapshot: { args: null; result: Uint8Array };
  /** Bytes of the engine's memory, which never shrinks. */
  memory: { args: null; result: number };
  lose_device: { args: null; result: null };
}
export type CallName = keyof Calls;
export type ToWorker = { [N in CallName]: { id: number; call: N; args: Calls[N]["args"] } }[CallName];

/** Why a worker says it cannot go on, and whether it has to be replaced. */
export interface Failure { message: string; fatal: boolean; kind: "diverged" | "device" | "crash" | "download" | "other" }

export type FromWorker =
  | { type: "answer"; id: number; result: unknown }
  | { type: "refused"; id: number; failure: Failure }
  /** Bytes of pack parts and of the wasm bundle as they arrive. */
  | { type: "download"; what: string; loaded: number; total: number }
  /** A slice is about to be computed: the watchdog's heartbeat. */
  | { type: "beat"; step: number }
  | { type: "progress"; events: EngineEvent[]; step: number; ms_per_step: number; running: boolean }
  | { type: "projection"; image: Float32Array; text: Float32Array; step: number }
  | { type: "snapshot"; bytes: Uint8Array; step: number; why: "timer" | "pause" | "finish" | "evaluation" }
  | { type: "failed"; failure: Failure };
