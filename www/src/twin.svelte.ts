// The twin: the same run with the structure transfer taken out (or put in, where the run has none), on the same seed and
// batches, in a worker of its own. It follows the run step for step, so that at any moment the two differ in one thing.
// In its place any other configuration can be trained on the same seed and batches: see partner.ts.
import { told, type EngineClient, type Pushed } from "./client";
import { RunHistory } from "./history.svelte";
import type { Lab } from "./lab.svelte";
import { batchesOf, onBatchesOf, partnerNamed, type Partner } from "./partner";
import type { Config, ConfigDiff, RunInfo } from "./protocol";
import { addressOf, described, differences, presetOf, presetTitle } from "./state/describe";
import { choiceOf } from "./state/data-sets";
import { t } from "./strings";

export type Shown = "run" | "twin" | "both";
/** Interleaved x y, or x y z. */
export interface Positions { image: Float32Array; text: Float32Array; dims: 2 | 3 }

export class Twin {
  readonly history = new RunHistory();
  /** Asked for; it may still be loading. */
  wanted = $state(false);
  /** Which of the two is on the screen. */
  shown = $state<Shown>("run");
  ready = $state(false);
  step = $state(0);
  problem = $state("");
  /** Positions as of the run itself; `moved` counts their updates. */
  positions: Positions | null = null;
  moved = $state(0);
  client: EngineClient | null = null;
  /** What is trained beside the run: empty for its twin, else as partner.ts names it. */
  beside = $state("");
  /** Somebody chose it, so that it belongs in a link. */
  #chosen = $state(false);
  #info: RunInfo | null = null;
  #began: Config | null = null;
  /** The step that it was last sent to. Its worker says twice that it rests; only arriving there counts. */
  #to = 0;
  #retuning = false;
  /** How many of the run's changes of settings it has taken. */
  #retuned = 0;
  #turn = 0;

  constructor(private readonly lab: Lab) {}

  /** Whether the run on screen has transfer: the twin is the other one. */
  readonly runTransfers = $derived.by(() => {
    const transfer = this.lab.ready && this.lab.began?.transfer;
    return transfer ? Number(transfer["lambda_v"]) + Number(transfer["lambda_t"]) > 0 : true;
  });

  /** What takes the twin's place; null: nothing does, or nothing known. */
  readonly partner = $derived.by((): Partner | null => {
    const { presets, objectives, settings } = this.lab;
    const { defaults } = settings;
    return this.beside && defaults ? partnerNamed(this.beside, { defaults, presets, objectives, nameOf: (config) => described(config, defaults, presets, objectives) }) : null;
  });
  /** What the run began with. */
  get #base(): Config | null {
    return this.lab.ready && this.lab.began;
  }
  readonly #placed = $derived.by(() => {
    const { defaults } = this.lab.settings;
    return this.partner && this.#base && defaults ? onBatchesOf(this.#base, this.partner, defaults) : null;
  });
  /** Settings that the partner takes over from the run although its own are others. */
  readonly forced = $derived(this.#placed?.forced ?? []);

  /** What the two are called, shortly: the run and what is beside it. */
  readonly #names = $derived.by((): [string, string] => {
    const { presets, settings } = this.lab;
    const config = this.#base;
    if (!this.partner || !this.#placed || !config || !settings.defaults) return this.runTransfers ? [t.twin.with, t.twin.without] : [t.twin.without, t.twin.with];
    const short = (own: Config): string => presetTitle(presetOf(own, settings.defaults!, presets));
    const names: [string, string] = [short(config), this.partner.own ? short(this.#placed.config) : this.partner.name];
    if (names[0] !== names[1]) return names;
    // Two of a kind are told apart by what differs.
    const apart = [differences(config, this.#placed.config), differences(this.#placed.config, config)].map((words) => words.join(", "));
    return [apart[0] || names[0], apart[1] || names[1]];
  });
  nameOf(run: boolean): string {
    return this.#names[run ? 0 : 1];
  }

  /** Trains this beside the run, from now on; false: there is no such thing. */
  choose(beside: string): boolean {
    if (this.#chosen && this.beside === beside) return true;
    this.beside = beside;
    if (beside && !this.partner) {
      this.dismiss();
      return false;
    }
    this.#chosen = true;
    this.wanted = true;
    this.begin();
    return true;
  }

  /** What was chosen to be beside the run; null: nothing was. */
  get asked(): string | null {
    return this.#chosen ? this.beside : null;
  }

  /** Trains one beside the run, from now on. */
  want(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.begin();
  }

  show(shown: Shown): void {
    this.shown = shown;
    if (shown !== "run") this.want();
    this.look();
  }

  /** Tells its worker whether somebody looks at its points. */
  look(): void {
    void this.client?.call("visible", { visible: this.shown !== "run" && !document.hidden }).catch(() => undefined);
  }

  /** No longer: its worker ends. */
  dismiss(): void {
    this.#turn++;
    this.wanted = false;
    this.beside = "";
    this.#chosen = false;
    this.shown = "run";
    this.client?.terminate();
    this.client = null;
    this.ready = false;
    this.positions = null;
    this.history.clear();
    this.lab.timeline.twin.clear();
  }

  /** A new run stands: a twin of it begins, if one is wanted. */
  begin(): void {
    if (!this.wanted || !this.lab.ready) return;
    void this.#begin(++this.#turn);
  }

  async #begin(turn: number): Promise<void> {
    this.ready = false;
    this.problem = "";
    this.step = 0;
    this.#retuned = this.#to = 0;
    this.#retuning = false;
    this.history.clear();
    this.lab.timeline.twin.clear();
    try {
      if (!this.client || this.client.dead) {
        const [client] = await this.lab.connect("cpu", (from, pushed) => this.#heard(from, pushed), false);
        if (turn !== this.#turn) return client.terminate();
        this.client = client;
        this.look();
      }
      const { info, pages } = await this.client.call("start", { data: choiceOf(this.lab.runs.data), config: this.#config() });
      pages.forEach((page) => page.close());
      if (turn !== this.#turn) return;
      this.#info = info;
      this.#began = info.config;
      this.history.replace(info.history);
      this.step = info.step;
      this.ready = true;
      this.follow();
    } catch (error) {
      if (turn === this.#turn) this.problem = told(error) || this.problem;
    }
  }

  /** The configuration of the run without transfer; with the default's where the run has none. */
  #config(): Config {
    if (this.beside) {
      if (!this.#placed) throw new Error(t.errors.address(`beside=${this.beside}`));
      return this.#placed.config;
    }
    const config = this.#base!;
    const { lambda_v, lambda_t } = this.lab.settings.defaults?.transfer ?? {};
    const other = this.runTransfers ? { lambda_v: 0, lambda_t: 0 } : { lambda_v, lambda_t };
    return { ...config, transfer: { ...config.transfer, ...other } };
  }

  /** The run is at another step: go there. */
  follow(): void {
    if (!this.ready || this.#retuning || this.step < this.#to || !this.client) return;
    const next = this.lab.history.retuned[this.#retuned];
    if (next && next.step <= this.step) return void this.#retune(next.config);
    const to = Math.min(this.lab.step, next?.step ?? Number.POSITIVE_INFINITY);
    if (this.step >= to) return;
    this.#to = to;
    void this.client.call("run", { steps: to - this.step }).catch(() => (this.#to = this.step));
  }

  /** Takes a change of the run's, at the same step. */
  async #retune(change: ConfigDiff): Promise<void> {
    const turn = this.#turn;
    const config = this.partner ? batchesOf(change) : withoutWeights(change);
    this.#retuning = true;
    try {
      const answer = await this.client?.call("retune", { config });
      if (turn !== this.#turn || !answer || !this.#info) return;
      this.#retuned++;
      const changed = JSON.stringify(answer.config) !== JSON.stringify(this.#info.config);
      this.#info = { ...this.#info, config: answer.config, total_steps: answer.total_steps };
      if (changed) this.history.add([{ type: "retuned", step: answer.step, config }]);
    } catch (error) {
      if (turn === this.#turn) this.problem = told(error) || this.problem;
      return;
    }
    this.#retuning = false;
    this.follow();
  }

  #heard(from: EngineClient, pushed: Pushed): void {
    if (from !== this.client) return;
    if (pushed.type === "failed") {
      this.#to = this.step;
      this.problem = pushed.failure.message;
      if (pushed.failure.fatal) from.terminate();
    } else if (!this.ready) {
      // Of the run before: a new one is being started.
    } else if (pushed.type === "progress") {
      this.step = pushed.step;
      this.history.add(pushed.events);
      if (pushed.events.some((event) => event.type === "evaluation")) this.#record();
      if (pushed.events.some((event) => event.type === "finished")) this.#to = this.step;
      this.follow();
    } else if (pushed.type === "projection") {
      this.positions = pushed;
      this.moved++;
      this.lab.timeline.twin.keep(pushed, pushed.step);
    }
  }

  #record(): void {
    const { runs, presets, settings } = this.lab;
    if (!this.#info || !this.ready || !settings.defaults) return;
    const { config, total_steps: total, steps_per_epoch: perEpoch } = this.#info;
    runs.record({ run: addressOf(runs.data, config, settings.defaults, presets), data: runs.data, began: this.#began ?? config, config, total, perEpoch, device: "cpu", history: this.history });
  }
}

/** Its own weights of transfer are what makes it the twin. */
function withoutWeights(change: ConfigDiff): ConfigDiff {
  const { lambda_v: _, lambda_t: __, ...transfer } = change.transfer ?? {};
  return { ...change, transfer };
}
