// The dedicated worker: owns the wasm instance, the packs and the engine. Calls into the engine are serialised (a wasm
// method that borrows the engine across an await must never meet a second one).
import type { Bundle, CallName, Calls, DataChoice, DataHandle, EngineEvent, EngineHandle, Failure, FromWorker, PackManifest, Ready, RunInfo, ToWorker } from "../protocol";
import { cutWhiteGround } from "./cutout";
import { download, DownloadError } from "./download";
import { Packs, type OpenPack } from "./packs";
import { exported } from "./exporting";
import { pixels } from "./pixels";
import { Pump } from "./pump";
import { Rest, RestMissing } from "./rest";
import { compiled, join } from "./team";

/** Publishing: at most one message of events in this many ms (about 10 Hz). */
const PUBLISH_MS = 100;
/** A projection may take at most this share of the time. */
const PROJECTION_SHARE = 0.25;
const PROJECTION_MS = 160;
/** A patient question waits at most this long for a picture of the space, or as long as two take. */
const PATIENCE_MS = 1_000;
const SNAPSHOT_MS = 10_000;

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: FromWorker, transfer: Transferable[] = []): void => scope.postMessage(message, transfer);

let bundle: Bundle | null = null;
let memory: WebAssembly.Memory | null = null;
let rest: Rest | null = null;
let engine: EngineHandle | null = null;
let packs: Packs | null = null;
/** The pack of the run; generated data has none. */
let pack: OpenPack | null = null;
let info: RunInfo | null = null;
let step = 0;
let visible = true;
let onGpu = false;
/** Hands out snapshots; a twin does not. */
let keeps = true;
/** Coordinates of a projection. */
let dims: 2 | 3 = 2;

let tail: Promise<unknown> = Promise.resolve();
/** Runs `work` when everything asked before it is done. */
function queued<T>(work: () => Promise<T> | T): Promise<T> {
  const next = tail.then(work, work);
  tail = next.catch(() => undefined);
  return next;
}

/** The same for what the engine's second file does. The run goes on until that is there; without it nothing is begun. */
async function queuedWhole<T>(work: () => Promise<T> | T): Promise<T> {
  await whole();
  return queued(work);
}

async function whole(): Promise<void> {
  await need(rest).load();
  const why = owed;
  owed = null;
  if (why) await snapshot(why);
}

/** A picture that this browser cannot decode. */
class Unreadable extends Error {}

function failure(error: unknown): Failure {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof Unreadable) return { message, fatal: false, kind: "picture" };
  if (error instanceof DownloadError) return { message, fatal: false, kind: "download" };
  if (error instanceof WebAssembly.RuntimeError) return { message: `The engine stopped unexpectedly (${message}).`, fatal: true, kind: "crash" };
  if (/diverged/.test(message)) return { message, fatal: false, kind: "diverged" };
  if (/^device/i.test(message)) return { message, fatal: onGpu, kind: "device" };
  // On the GPU any failed step means its state cannot be trusted: start again from the last snapshot.
  return { message, fatal: false, kind: "other" };
}

// A panic inside an async method never settles its promise: it surfaces here.
scope.addEventListener("error", (event) => post({ type: "failed", failure: { message: `The engine stopped unexpectedly (${event.message}).`, fatal: true, kind: "crash" } }));
scope.addEventListener("unhandledrejection", (event) => post({ type: "failed", failure: { ...failure(event.reason), fatal: true } }));

let pendingEvents: EngineEvent[] = [];
let lastPublished = 0;
let lastProjection = 0;
let projectionCost = 0;
let lastSnapshot = 0;

function publish(): void {
  lastPublished = performance.now();
  post({ type: "progress", events: pendingEvents, step, ms_per_step: pump.msPerStep, running: pump.wanted === Infinity });
  pendingEvents = [];
}

async function project(): Promise<void> {
  const began = performance.now();
  // Read in the same turn: a question may change them while this one waits.
  const [{ image, text }, at] = await queued(async () => {
    const wanted = dims;
    return [await need(engine).projection(), wanted] as const;
  });
  projectionCost = performance.now() - began;
  lastProjection = performance.now();
  post({ type: "projection", image, text, step, dims: at }, [image.buffer, text.buffer]);
  hurry();
}

/** Patient questions. */
const waiting: (() => void)[] = [];
const hurry = (): void => waiting.splice(0).forEach((go) => go());

/** Until the next picture of the space: whoever is asked before the next step finds the embeddings of all items there. */
function pictured(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    setTimeout(resolve, Math.max(PATIENCE_MS, (2 * projectionCost) / PROJECTION_SHARE));
  });
}

type Occasion = "timer" | "pause" | "finish" | "evaluation";
/** There would have been a snapshot, but for the engine's second file. */
let owed: Occasion | null = null;

async function snapshot(why: Occasion): Promise<void> {
  if (!need(rest).there) {
    owed = why;
    return;
  }
  const bytes = await queued(() => need(engine).snapshot());
  lastSnapshot = performance.now();
  post({ type: "snapshot", bytes, step, why }, [bytes.buffer]);
}

const pump = new Pump({
  beat: () => post({ type: "beat", step }),
  step: (n) => queued(() => need(engine).step(n)),
  async after(events) {
    for (const event of events) if (event.type === "step") step = event.step;
    pendingEvents.push(...events);
    const now = performance.now();
    const evaluated = events.some((event) => event.type === "evaluation");
    if (evaluated || now - lastPublished >= PUBLISH_MS) publish();
    if (visible && now - lastProjection >= Math.max(PROJECTION_MS, projectionCost / PROJECTION_SHARE)) await project();
    if (keeps && (now - lastSnapshot >= SNAPSHOT_MS || (onGpu && evaluated))) await snapshot(evaluated ? "evaluation" : "timer");
  },
  async ended(finished) {
    publish();
    // A twin follows in small pieces: what it is at is drawn only where somebody looks.
    if (keeps || visible) await project();
    if (keeps) await snapshot(finished ? "finish" : "pause");
  },
  failed(error) {
    publish();
    hurry();
    const reported = failure(error);
    post({ type: "failed", failure: onGpu && reported.kind !== "diverged" ? { ...reported, fatal: true, kind: "device" } : reported });
  },
});

function need<T>(value: T | null): T {
  if (value === null) throw new Error("The engine is not loaded yet.");
  return value;
}

/** The data of a run; the parts of a pack that it needs are loaded first. Whoever asks for it frees it. */
async function dataOf(choice: DataChoice): Promise<{ data: DataHandle; from: OpenPack | null }> {
  const { Data } = need(bundle);
  if ("own" in choice) {
    const bytes = new Uint8Array(await choice.file.arrayBuffer());
    // The encoder lies in the emoji's pack.
    const from = choice.encoded ? await need(packs).open("emoji") : null;
    return { data: await queued(() => Data.prepared(bytes)), from };
  }
  if ("shapes" in choice) return { data: await queued(() => Data.shapes(choice.shapes)), from: null };
  const from = await need(packs).open(choice.pack);
  await need(packs).add(from, from.handle.parts_for(choice.subset, choice.views, ["en"]));
  return { data: await queued(() => Data.from_pack(from.handle, { subset: choice.subset, views: choice.views })), from };
}

/** Starts or resumes by `begin`, then reads what the page needs to draw the run: one turn of the queue. */
async function ready(choice: DataChoice, begin: (engine: EngineHandle, data: DataHandle) => Promise<RunInfo>): Promise<Ready> {
  const { data, from } = await dataOf(choice);
  const { started, layout, sheets, items } = await queued(async () => {
    const run = need(engine);
    const began = await begin(run, data).finally(() => data.free());
    pack = from;
    if (dims !== 2) run.project_to(dims);
    const layout = run.sheet();
    return { started: began, layout, sheets: Array.from({ length: layout.pages }, (_, n) => run.sheet_page(n)), items: run.items() };
  });
  info = started;
  step = started.step;
  pump.msPerStep = 0;
  lastSnapshot = performance.now();
  pendingEvents = [];
  const [pages, sprites]: [ImageBitmap[], Blob[]] = [[], []];
  // One after the other: a page of 4096 pixels a side takes 64 MiB, and this several times.
  for (let sheet = sheets.shift(); sheet; sheet = sheets.shift()) {
    cutWhiteGround(sheet, layout.size);
    const image = new ImageData(sheet.rgba as Uint8ClampedArray<ArrayBuffer>, sheet.width, sheet.height);
    const canvas = new OffscreenCanvas(sheet.width, sheet.height);
    canvas.getContext("2d")?.putImageData(image, 0, 0);
    pages.push(await createImageBitmap(image));
    sprites.push(await canvas.convertToBlob({ type: "image/png" }));
  }
  void settle(started).catch(pumpFailure);
  // Whoever needs it tries again, and says why it cannot be had.
  owed = null;
  void whole().catch(() => undefined);
  const none: PackManifest = { name: "", title: "", version: "", parts: [], credits: started.credits, classes: [] };
  // Of the emoji's pack own data has the encoder only: neither its pictures nor its credits.
  const own = "own" in choice && from ? { ...none, parts: from.manifest.parts.filter(({ kind }) => kind === "encoder"), credits: from.manifest.credits.filter(({ part }) => part === "encoder") } : null;
  const manifest = own ?? from?.manifest ?? none;
  return { info: started, items, layout, pages, sprites, manifest };
}

/** A first projection and, where the run has none yet, the metrics of step 0. */
async function settle(started: RunInfo): Promise<void> {
  await project();
  if (!started.history.some((event) => event.type === "evaluation")) {
    const metrics = await queued(() => need(engine).evaluate());
    if (info === started) post({ type: "progress", events: [{ type: "evaluation", step, epoch: step / started.steps_per_epoch, metrics }], step, ms_per_step: 0, running: pump.running });
  }
}

type Handlers = { [N in CallName]: (args: Calls[N]["args"]) => Promise<Calls[N]["result"]> };

const handlers: Handlers = {
  async open({ js, wasm, rest: second, kernels, threads, packs: base, device, workload, keeps: asked, dims: wanted }) {
    keeps = asked;
    dims = wanted;
    const loops = compiled(kernels);
    bundle = await (import(/* @vite-ignore */ js) as Promise<Bundle>)
      .then(async (loaded) => {
        const exports = await loaded.default({ module_or_path: wasm });
        memory = exports.memory;
        const other = (rest = new Rest(second, exports, loaded.primary ?? ""));
        loaded.onMissing?.((place, given) => {
          try {
            return other.call(place, given);
          } catch (error) {
            // The engine stands in the middle of what it was asked.
            if (error instanceof RestMissing) post({ type: "failed", failure: { message: error.message, fatal: true, kind: "crash" } });
            throw error;
          }
        });
        return loaded;
      })
      .catch((error: unknown) => {
        if (error instanceof WebAssembly.CompileError) throw error;
        throw new DownloadError(`The engine could not be loaded (${error instanceof Error ? error.message : String(error)}).`);
      });
    // Before anything is computed: other instructions round differently.
    const module = await loops;
    if (module && memory) await join(bundle, module, memory, threads, (all) => post({ type: "team", threads: all }));
    packs = new Packs(bundle, base, (what, loaded, total) => post({ type: "download", what, loaded, total }), queued);
    engine = await bundle.Engine.create(device, workload);
    onGpu = engine.device().kind === "gpu";
    return { about: bundle.about(), defaults: bundle.default_config(), presets: bundle.presets(), objectives: bundle.objectives(), retunable: bundle.retunable(), device: engine.device() };
  },
  async start({ data, config }) {
    await pump.pause();
    return ready(data, (run, from) => run.start(from, config));
  },
  async resume({ data, snapshot: bytes }) {
    await pump.pause();
    // A call that fails half-way would take the engine with it, and the saved run.
    await need(rest).load();
    return ready(data, (run, from) => run.resume(from, bytes));
  },
  async run({ steps }) {
    pump.run(steps ?? Number.POSITIVE_INFINITY);
    return null;
  },
  async pause() {
    await pump.pause();
    return { step };
  },
  async visible(args) {
    const shown = args.visible && !visible;
    visible = args.visible;
    if (!visible) hurry();
    if (shown && info && !pump.running) await project();
    return null;
  },
  async dims(args) {
    await queued(() => {
      need(engine).project_to(args.dims);
      dims = args.dims;
    });
    await project();
    return null;
  },
  embeddings: ({ moment }) => queuedWhole(() => need(engine).embeddings(moment)),
  pairs: () => queuedWhole(() => need(engine).pairs()),
  iteration: ({ size }) => queuedWhole(() => need(engine).iteration(size)),
  retune: ({ config }) => queuedWhole(() => ({ config: need(engine).retune(config), total_steps: need(engine).total_steps(), step })),
  clusters: ({ k, space, method = "kmeans" }) => queuedWhole(() => need(engine).clusters(method === "kmeans" ? { kmeans: k } : { hdbscan: k }, space)),
  async search({ query, k, moment = "now", patient = false }) {
    if (patient && visible && pump.wanted > 0) await pictured();
    // A picture needs a pack, although the engine looks for an encoder in it only where a run has an encoder's features.
    const parts = query.kind === "image" ? (pack ?? (await need(packs).open("emoji"))).handle : null;
    const picture = query.kind === "image" ? await pixels(query.bytes as Uint8Array<ArrayBuffer>, query.name) : null;
    // What is written in the search field belongs to the first visit.
    return (query.kind === "text" ? queued : queuedWhole)(() => {
      const asked = need(engine);
      if (query.kind === "text") return asked.search_text(query.text, k, moment);
      if (query.kind === "item") return asked.search_item(query.item, k, moment);
      if (!picture) throw new Unreadable();
      return asked.search_image(need(parts), picture.width, picture.height, new Uint8Array(picture.data.buffer), k, moment);
    });
  },
  async hurry() {
    hurry();
    return null;
  },
  neighbourhood: ({ item, k, moment }) => queuedWhole(() => need(engine).neighbourhood(item, k, moment)),
  lessons: ({ item, student, count }) => queuedWhole(() => need(engine).lessons(item, student, count)),
  similarity: ({ items }) => queuedWhole(() => need(engine).similarity(items)),
  async add_encoder() {
    // Generated data has no features of an encoder: its pictures are compared by their pixels.
    if (pack) await need(packs).add(pack, ["encoder", "pca"]);
    return null;
  },
  snapshot: () => queuedWhole(() => need(engine).snapshot()),
  export_sizes: () => queuedWhole(() => need(engine).export_sizes()),
  export: ({ what, attached }) => queuedWhole(() => exported(need(engine), what, attached, (share) => post({ type: "exporting", share }))),
  memory: async () => need(memory).buffer.byteLength,
  async lose_device() {
    // Between two slices: a step in flight holds the engine.
    await queued(() => need(engine).lose_device());
    return null;
  },
};

function pumpFailure(error: unknown): void {
  post({ type: "failed", failure: failure(error) });
}

/** What is handed over instead of copied. */
function transferred(call: CallName, result: unknown): Transferable[] {
  if (call === "snapshot") return [(result as Uint8Array).buffer];
  return call === "export" ? (result as Calls["export"]["result"]).map(({ bytes }) => bytes.buffer) : [];
}

scope.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  const handle = handlers[data.call] as (args: unknown) => Promise<unknown>;
  handle(data.args).then(
    (result) => post({ type: "answer", id: data.id, result }, transferred(data.call, result)),
    (error: unknown) => {
      const reported = failure(error);
      // An engine that is gone is replaced, whoever met that first. Views ask again and again, and say nothing of what they were refused.
      if (reported.fatal || error instanceof RestMissing) post({ type: "failed", failure: reported });
      post({ type: "refused", id: data.id, failure: reported });
    },
  );
};
