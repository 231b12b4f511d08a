// The twin: the same run with the structure transfer taken out (or put in, where the run has none), on the same seed and
// batches, in a worker of its own. It follows the run step for step, so that at any moment the two differ in one thing.
import type { EngineClient, Pushed } from "./client";
import { RunHistory } from "./history.svelte";
import type { Lab } from "./lab.svelte";
import type { ConfigDiff } from "./protocol";

export type Shown = "run" | "twin" | "both";

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
  positions: { image: Float32Array; text: Float32Array } | null = null;
  moved = $state(0);
  client: EngineClient | null = null;
  #running = false;
  /** How many of the run's changes of settings it has taken. */
  #retuned = 0;
  #turn = 0;

  constructor(private readonly lab: Lab) {}

  /** Whether the run on screen has transfer: the twin is the other one. */
  readonly runTransfers = $derived.by(() => {
    const transfer = this.lab.ready && this.lab.began?.transfer;
    return transfer ? Number(transfer["lambda_v"]) + Number(transfer["lambda_t"]) > 0 : true;
  });

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
    this.shown = "run";
    this.client?.terminate();
    this.client = null;
    this.ready = false;
    this.positions = null;
    this.history.clear();
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
    this.#retuned = 0;
    this.history.clear();
    try {
      if (!this.client || this.client.dead) {
        const [client] = await this.lab.connect("cpu", (from, pushed) => this.#heard(from, pushed), false);
        if (turn !== this.#turn) return client.terminate();
        this.client = client;
        this.look();
      }
      await this.client.call("start", { data: this.lab.settings.choice, config: this.#config() });
      if (turn !== this.#turn) return;
      this.ready = true;
      this.#running = false;
      this.follow();
    } catch (error) {
      if (turn === this.#turn) this.problem = error instanceof Error ? error.message : String(error);
    }
  }

  /** The configuration of the run without transfer; with the default's where the run has none. */
  #config(): ConfigDiff {
    const config = this.lab.began!;
    const { lambda_v, lambda_t } = this.lab.settings.defaults?.transfer ?? {};
    const other = this.runTransfers ? { lambda_v: 0, lambda_t: 0 } : { lambda_v, lambda_t };
    return { ...config, transfer: { ...config.transfer, ...other } };
  }

  /** The run is at another step: go there. */
  follow(): void {
    if (!this.ready || this.#running || !this.client) return;
    const next = this.lab.history.retuned[this.#retuned];
    if (next && next.step <= this.step) return void this.#retune(next.config);
    const to = Math.min(this.lab.step, next?.step ?? Number.POSITIVE_INFINITY);
    if (this.step >= to) return;
    this.#running = true;
    void this.client.call("run", { steps: to - this.step }).catch(() => (this.#running = false));
  }

  /** Takes a change of the run's, at the same step; its own weights of transfer are what makes it the twin. */
  async #retune(config: ConfigDiff): Promise<void> {
    const turn = this.#turn;
    this.#running = true;
    const transfer = Object.fromEntries(Object.entries(config.transfer ?? {}).filter(([name]) => name !== "lambda_v" && name !== "lambda_t"));
    try {
      await this.client?.call("retune", { config: { ...config, transfer } });
      if (turn !== this.#turn) return;
      this.#retuned++;
    } catch (error) {
      if (turn === this.#turn) this.problem = error instanceof Error ? error.message : String(error);
      return;
    }
    this.#running = false;
    this.follow();
  }

  #heard(from: EngineClient, pushed: Pushed): void {
    if (from !== this.client) return;
    if (pushed.type === "progress") {
      this.step = pushed.step;
      this.#running = pushed.running;
      this.history.add(pushed.events);
      if (!pushed.running) this.follow();
    } else if (pushed.type === "projection") {
      this.positions = pushed;
      this.moved++;
    } else if (pushed.type === "failed") {
      this.#running = false;
      this.problem = pushed.failure.message;
    }
  }
}
