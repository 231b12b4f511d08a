// The page's state and everything that can be done to it: start, pause, step, reset, and the life of the worker.
import { EngineFailure, told, type EngineClient, type Pushed } from "./client";
import { readBundles, type DeviceWish } from "./device";
import { connect } from "./engines";
import { forgetIfAsked } from "./experiment/forget";
import { RunHistory } from "./history.svelte";
import type { About, Bundles, Config, DeviceReport, DeviceRequest, Failure, Objective, Opened, PackManifest, Preset, Ready, RunInfo } from "./protocol";
import { Comparison } from "./compare/comparison.svelte";
import { ownSets } from "./own/sets.svelte";
import { Timeline } from "./timeline.svelte";
import { Tuning } from "./tuning.svelte";
import { Twin, type Positions } from "./twin.svelte";
import { takeOver } from "./rescue";
import { Runs } from "./runs.svelte";
import { forgetRun, savedRun, saveRun } from "./state/autosave";
import { standardQuery } from "./state/data-sets";
import { RunSettings } from "./state/run-settings.svelte";
import { SpaceLook } from "./space.svelte";
import { readAddress, shownViews, writeAddress, type View } from "./state/url";
import { t } from "./strings";

export type Phase = "loading" | "ready" | "failed";
export interface Notice { tone: "info" | "warn"; text: string; action?: { label: string; run: () => void } }

export class Lab {
  readonly base = new URL(".", document.baseURI);
  readonly address = readAddress(location.search);
  readonly settings = new RunSettings(this.address);
  readonly history = new RunHistory();
  readonly twin: Twin = new Twin(this);
  readonly space = new SpaceLook(this.address.space, () => this.writeAddress());
  readonly tuning: Tuning = new Tuning(this);
  readonly runs: Runs = new Runs(this);
  readonly comparison: Comparison = new Comparison(this);
  readonly timeline: Timeline = new Timeline(this);

  phase = $state<Phase>("loading");
  notice = $state.raw<Notice | null>(null);
  download = $state.raw<{ what: string; loaded: number; total: number } | null>(null);
  about = $state.raw<About | null>(null);
  manifest = $state.raw<PackManifest | null>(null);
  presets = $state.raw<Preset[]>([]);
  objectives = $state.raw<Objective[]>([]);
  ready = $state.raw<Ready | null>(null);
  /** About the run as it is now: settings may change on its way. */
  info = $state.raw<RunInfo | null>(null);
  /** The configuration that it began with. */
  began: Config | null = null;
  /** Addresses of the pages of thumbnails. */
  sprites = $state.raw<string[]>([]);
  running = $state(false);
  /** Asked to pause, while a step under way is still coming. */
  pausing = $state(false);
  finished = $state(false);
  step = $state(0);
  msPerStep = $state(0);
  device = $state.raw<DeviceReport | null>(null);
  deviceWhy = $state("");
  /** Those that do the loops of training. */
  threads = $state(1);
  wish = $state<DeviceWish>(this.address.device);
  /** Nothing is looked for where nothing is said about it. */
  query = $state(this.address.query ?? this.#suggestion);
  readonly views: readonly View[] = shownViews(this.address.hide);
  view = $state<View>(this.views.includes(this.address.view) ? this.address.view : this.views[0]!);
  /** The selected item. */
  selected = $state<number | null>(this.address.item);
  /** Image and text positions; `moved` counts their updates. */
  positions: Positions | null = null;
  moved = $state(0);
  /** What the address bar says. */
  search = $state(location.search);

  bundles: Bundles | null = null;
  gpuLost = false;
  client: EngineClient | null = null;
  lastSnapshot: { bytes: Uint8Array; step: number } | null = null;
  /** What a reload would come back to. */
  savedStep: number | null = null;
  #starting = $state(false);
  #restarts = 0;
  #spoken = $state("");

  /** Settings on screen that the current run does not have. */
  readonly changed = $derived(this.ready !== null && !this.#starting && this.settings.run !== this.tuning.run);
  /** The run as an address; the settings on screen may already be others. */
  get activeRun(): string {
    return this.tuning.run;
  }
  /** One sentence for the live region, new at every evaluation. */
  get spoken(): string {
    return this.#spoken;
  }

  get #suggestion(): string {
    return this.shows("search") && !this.address.embed ? standardQuery(this.address.data) : "";
  }

  async boot(): Promise<void> {
    this.phase = "loading";
    this.notice = null;
    this.#restarts = 0;
    await forgetIfAsked();
    void this.comparison.read();
    try {
      this.bundles = await readBundles(this.base).catch(() => {
        throw new Error(t.errors.bundles);
      });
      await Promise.all([this.#open(), this.runs.read(), ownSets.read()]);
      // What own data suggests is known only now.
      if (this.address.query === null) this.query ||= this.#suggestion;
      await this.#firstRun();
      const { beside } = this.address;
      if (beside !== null && !this.twin.choose(beside)) this.address.unknown.push(`beside=${beside}`);
      if (this.address.shown !== "run") this.twin.show(this.address.shown);
      this.writeAddress();
      if (this.address.unknown.length > 0) this.notice = { tone: "warn", text: t.errors.address(this.address.unknown.join(", ")) };
    } catch (error) {
      this.#broken(error, () => void this.boot());
    }
  }

  /** Loads an engine: the GPU's where the address forces it, else the CPU's. */
  async #open(): Promise<void> {
    if (this.wish === "gpu" && this.bundles?.gpu) {
      try {
        this.adopt(...(await this.connect("gpu")), t.device.forced);
        return;
      } catch (error) {
        this.adopt(...(await this.connect("cpu")), t.device.gpuRefused(told(error)));
        return;
      }
    }
    const why = this.wish === "cpu" ? t.device.forced : this.wish === "gpu" ? t.device.gpuBundleMissing : t.device.start;
    this.adopt(...(await this.connect("cpu")), why);
  }

  /** A fresh worker with its engine open; it is not the page's yet. `keeps`: it hands out snapshots of its run. */
  connect(device: DeviceRequest, heard: (from: EngineClient, pushed: Pushed) => void = (from, pushed) => this.#heard(from, pushed), keeps = true): Promise<[EngineClient, Opened]> {
    return connect(this, device, heard, keeps);
  }

  /** Makes a worker the page's own; the previous one ends. */
  adopt(client: EngineClient, opened: Opened, why: string): void {
    this.client?.terminate();
    this.client = client;
    this.about = opened.about;
    this.presets = opened.presets;
    this.objectives = opened.objectives;
    this.device = opened.device;
    this.deviceWhy = why;
    this.threads = client.threads;
    this.settings.known(opened.defaults, opened.presets);
    this.tuning.retunable = new Set(opened.retunable);
    void client.call("visible", { visible: !document.hidden });
  }

  async #firstRun(): Promise<void> {
    const { experiment } = this.address;
    if (experiment !== null) {
      if (await (await import("./experiment/open")).openLinked(this, experiment)) return;
      const { notice } = this;
      await this.start();
      this.notice = notice;
      return;
    }
    // An embedded page is one of many in a tab, and slides begin at the beginning.
    const saved = this.address.embed ? null : await savedRun(this.address.bare);
    if (saved && (this.address.bare || saved.run === this.settings.run)) {
      try {
        this.settings.restore(saved.run);
        this.began = saved.began ?? null;
        this.take(await this.need.call("resume", { data: this.settings.choice, snapshot: saved.snapshot.slice() }));
        this.lastSnapshot = { bytes: saved.snapshot, step: saved.step };
        if (this.step > 0) this.notice = { tone: "info", text: t.notices.restored(this.step) };
        if (!this.address.embed) this.runs.recordRun();
        return;
      } catch (error) {
        // Something could not be loaded, or another worker has taken the run up: it is fine.
        if (error instanceof EngineFailure && ["download", "replaced"].includes(error.failure.kind)) throw error;
        // A snapshot of another version or other data: say so and begin anew.
        await forgetRun();
        this.settings.adopt(this.address);
        await this.start();
        this.notice = { tone: "info", text: t.notices.notRestored(told(error)) };
        return;
      }
    }
    await this.start();
  }

  /** Begins a run with the settings on screen. */
  async start(): Promise<void> {
    const { settings } = this;
    this.running = false;
    this.#starting = true;
    try {
      const ready = await this.need.call("start", { data: settings.choice, config: settings.difference });
      this.lastSnapshot = null;
      this.began = null;
      this.take(ready);
    } finally {
      this.#starting = false;
    }
  }

  /** Shows a run that the worker has just started or resumed. `same`: the one on screen, in another worker. */
  take(ready: Ready, same = false): void {
    this.sprites.forEach((page) => URL.revokeObjectURL(page));
    this.sprites = ready.sprites.map((page) => URL.createObjectURL(page));
    this.ready = ready;
    this.manifest = ready.manifest;
    this.step = ready.info.step;
    this.finished = ready.info.step >= ready.info.total_steps;
    this.info = ready.info;
    this.began ??= ready.info.config;
    this.history.replace(ready.info.history);
    if (!same) this.tuning.begin();
    this.timeline.begin(this.tuning.run, this.step, same);
    this.phase = "ready";
    this.download = null;
    this.writeAddress();
    this.twin.begin();
  }

  train(): void {
    if (!this.ready || this.finished) return;
    this.notice = null;
    this.running = true;
    this.pausing = false;
    this.#guard(this.need.call("run", { steps: null }));
  }

  async pause(): Promise<void> {
    this.running = false;
    this.pausing = true;
    await this.#guard(this.need.call("pause", null));
    this.pausing = false;
  }

  stepOnce(): void {
    if (!this.ready || this.running || this.finished) return;
    this.#guard(this.need.call("run", { steps: 1 }));
  }

  async reset(): Promise<void> {
    this.notice = null;
    try {
      await this.start();
      if (!this.address.embed) void forgetRun();
    } catch (error) {
      this.#broken(error, () => void this.reset());
    }
  }

  /** Trains a recorded run anew. */
  async openRun(run: string): Promise<void> {
    this.settings.restore(run);
    await this.reset();
    this.train();
  }

  visible(shown: boolean): void {
    this.twin.look();
    if (shown) void this.runs.read();
    else this.runs.flush();
    if (!this.client || this.phase !== "ready") return;
    void this.client.call("visible", { visible: shown }).catch(() => undefined);
    if (!shown && this.step > 0) {
      void this.client.call("snapshot", null).then((bytes) => this.keep(bytes, this.step)).catch(() => undefined);
    }
  }

  look(view: View): void {
    this.view = view;
    this.writeAddress();
  }

  writeAddress(): void {
    const { wish: device, query, view, selected: item } = this;
    this.search = writeAddress(this.settings.run, { ...this.address, device, query, view, shown: this.twin.shown, beside: this.twin.asked, item, at: this.timeline.shown, space: this.space.is }, standardQuery(this.settings.data));
  }

  /** Whether the link lets this control be seen. */
  shows(name: string): boolean {
    return !this.address.hide.has(name);
  }

  get need(): EngineClient {
    if (!this.client) throw new Error(t.errors.notLoaded);
    return this.client;
  }

  /** Whether settings changed on the way. */
  get tuned(): boolean {
    return this.history.version >= 0 && this.history.retuned.length > 0;
  }

  get config(): Config | null {
    return this.info?.config ?? null;
  }

  #guard<T>(call: Promise<T>): Promise<T | undefined> {
    return call.catch((error: unknown) => {
      this.running = false;
      this.notice = { tone: "warn", text: told(error) };
      return undefined;
    });
  }

  #heard(from: EngineClient, pushed: Pushed): void {
    if (pushed.type === "download") {
      if (from === this.client || !this.client) this.download = pushed.loaded < pushed.total ? pushed : null;
      return;
    }
    if (from !== this.client) return;
    if (pushed.type === "progress") {
      this.step = pushed.step;
      // What was said before the worker heard of the pause does not start it again.
      this.running = pushed.running && !this.pausing;
      if (pushed.ms_per_step > 0) this.msPerStep = pushed.ms_per_step;
      this.history.add(pushed.events);
      this.twin.follow();
      if (pushed.events.some((event) => event.type === "finished")) this.finished = true;
      if (pushed.events.some((event) => event.type === "evaluation")) {
        this.#speak();
        if (!this.address.embed) this.runs.recordRun();
      }
    } else if (pushed.type === "team") {
      this.threads = pushed.threads;
    } else if (pushed.type === "projection") {
      this.positions = pushed;
      this.moved++;
      this.timeline.keep(pushed, pushed.step);
    } else if (pushed.type === "snapshot") {
      this.keep(pushed.bytes, pushed.step);
    } else if (pushed.type === "failed") {
      void this.#failed(pushed.failure);
    }
  }

  /** The newest snapshot: for another worker, and for a reload. */
  keep(bytes: Uint8Array, step: number): void {
    this.lastSnapshot = { bytes, step };
    if (step === 0 || !this.ready || this.address.embed) return;
    void saveRun({ run: this.tuning.run, began: this.began ?? undefined, data: this.settings.data, preset: this.settings.preset, step, total: this.info?.total_steps ?? 0, version: this.about?.version ?? "", savedAt: Date.now(), snapshot: bytes }).then((saved) => {
      if (saved) this.savedStep = step;
    });
    this.timeline.save(this.tuning.run);
  }

  #speak(): void {
    const { latest, metrics } = this.history;
    if (metrics) this.#spoken = t.spoken(latest?.epoch ?? 0, latest?.total ?? null, metrics.i2t_r1, metrics.t2i_r1);
  }

  async #failed(failure: Failure): Promise<void> {
    if (failure.fatal) return this.replaceWorker(failure);
    // Training goes on without what was to be loaded.
    this.running &&= failure.kind === "download";
    if (failure.kind === "diverged") {
      this.notice = { tone: "warn", text: failure.message, action: { label: t.notices.lowerRate, run: () => this.#lowerRate() } };
    } else {
      this.notice = { tone: "warn", text: failure.message };
    }
  }

  #lowerRate(): void {
    this.settings.set("learning_rate", Number(((this.settings.get("learning_rate") as number) / 10).toPrecision(3)));
    void this.reset();
  }

  /** The worker is dead, lost its device or hangs. */
  async replaceWorker(failure: Failure): Promise<void> {
    const { running, step } = this;
    this.client?.terminate();
    if (this.device?.kind !== "gpu" && ++this.#restarts > 3) return this.#broken(new Error(t.errors.crashed(failure.message)), () => void this.boot());
    try {
      await takeOver(this, failure, step);
      if (running && !this.finished) {
        this.running = true;
        this.#guard(this.need.call("run", { steps: null }));
      }
    } catch (error) {
      this.#broken(error, () => void this.replaceWorker(failure));
    }
  }

  #broken(error: unknown, again: () => void): void {
    // Who replaced the worker goes on, and says how that ends.
    if (told(error) === "") return;
    this.running = false;
    this.phase = this.ready ? "ready" : "failed";
    this.download = null;
    this.notice = { tone: "warn", text: told(error), action: { label: t.notices.again, run: again } };
  }
}

export const lab = new Lab();
