// The paper's comparison, run in the page: objectives x seeds, one after the other at full speed, in a worker of its own.
import type { EngineClient, Pushed } from "../client";
import type { Lab } from "../lab.svelte";
import type { Config, Metrics, Objective } from "../protocol";
import type { DataSet } from "../state/data-names";
import { choiceOf } from "../state/data-sets";
import { layered } from "../state/settings";
import { keyOf, readCells, forgetCells, under, writeCell, type Cell, type Terms } from "./cells";

export interface Progress { objective: string; seed: number; /** Cells of this go: done, and all. */ done: number; of: number; /** Of the present cell. */ share: number; /** Seconds; null while nothing is known. */ left: number | null }
interface Job { objective: Objective; seed: number }
/** What the present cell waits for. */
interface Waiting { start: Metrics | null; last: Metrics | null; total: number; resolve(): void; reject(error: Error): void; begun: (() => void) | null }

/** A worker that died is replaced this often in one go. */
const RESTARTS = 3;

export class Comparison {
  #cells = $state.raw(new Map<string, Cell>());
  progress = $state.raw<Progress | null>(null);
  /** What went wrong with a cell, by its key; it is tried again in the next go. */
  failures = $state.raw(new Map<string, string>());
  /** The last go came to its end. */
  finished = $state(false);
  forgotten = $state.raw<Map<string, Cell> | null>(null);
  /** Null: as the run on screen. */
  data = $state<DataSet | null>(null);
  epochs = $state<number | null>(null);
  seeds = $state(3);
  #client: EngineClient | null = null;
  #waiting: Waiting | null = null;
  #cancelled = false;
  #began = 0;

  constructor(private readonly lab: Lab) {}

  async read(): Promise<void> {
    this.#cells = new Map([...(await readCells()), ...this.#cells]);
  }

  /** Version and split as they are, data and epochs as chosen: which table is on show. */
  readonly terms = $derived.by((): Terms | null => {
    const { config, about, runs, settings } = this.lab;
    if (!config || !about || !settings.defaults) return null;
    return { version: `${about.version} ${about.commit}`, data: this.data ?? runs.data, section: config.data, epochs: this.epochs ?? Number(settings.defaults.train["epochs"]) };
  });
  readonly cells = $derived.by((): Cell[] => {
    if (!this.terms) return [];
    const common = under(this.terms);
    return [...this.#cells.values()].filter((cell) => under(cell.terms) === common);
  });

  /** The seeds of the comparison: 1, 2, … */
  seedsUpTo(count: number): number[] {
    return Array.from({ length: count }, (_, n) => n + 1);
  }

  /** How many cells of these are still to be computed. */
  missing(objectives: Objective[], seeds: number): number {
    const { terms } = this;
    return terms ? objectives.length * seeds - this.cells.filter((cell) => cell.seed <= seeds && objectives.some(({ id }) => id === cell.objective)).length : 0;
  }

  /** Computes what is missing of these, and returns when that is done, cancelled or impossible. */
  async run(objectives: Objective[], seeds: number): Promise<void> {
    const { terms } = this;
    if (this.progress || !terms) return;
    // Seed by seed: whoever cancels has all objectives with one seed rather than a few with three.
    const all = this.seedsUpTo(seeds).flatMap((seed) => objectives.map((objective): Job => ({ objective, seed })));
    const jobs = all.filter(({ objective, seed }) => !this.#cells.has(keyOf({ terms, objective: objective.id, seed })));
    if (jobs.length === 0) return;
    this.#cancelled = this.finished = false;
    this.failures = new Map();
    this.forgotten = null;
    this.#began = performance.now();
    let restarts = 0;
    try {
      for (const [done, job] of jobs.entries()) {
        this.progress = { objective: job.objective.id, seed: job.seed, done, of: jobs.length, share: 0, left: this.#left(done, jobs.length) };
        try {
          await this.#cell(job, terms);
        } catch (error) {
          if (this.#cancelled) break;
          const why = error instanceof Error ? error.message : String(error);
          this.failures = new Map(this.failures).set(keyOf({ terms, objective: job.objective.id, seed: job.seed }), why);
          if ((!this.#client || this.#client.dead) && ++restarts > RESTARTS) break;
        }
        if (this.#cancelled) break;
      }
    } finally {
      this.#end();
      this.progress = null;
      this.finished = !this.#cancelled;
    }
  }

  /** Ends at once; finished cells stay. */
  cancel(): void {
    this.#cancelled = true;
    this.#waiting?.reject(new Error("cancelled"));
    this.#end();
  }

  /** The results of all tables go; until the next go they can be brought back. */
  forget(): void {
    this.forgotten = this.#cells;
    this.#cells = new Map();
    this.failures = new Map();
    void forgetCells();
  }

  remember(): void {
    for (const cell of this.forgotten?.values() ?? []) void writeCell(cell);
    this.#cells = new Map([...(this.forgotten ?? []), ...this.#cells]);
    this.forgotten = null;
  }

  #end(): void {
    this.#client?.terminate();
    this.#client = null;
    this.#waiting = null;
  }

  /** The objective's configuration on these terms. One that draws several pairs of an item passes over them less often. */
  configOf({ objective, seed }: Job, terms: Terms): Config {
    const { defaults } = this.lab.settings;
    const config = layered(defaults!, objective.config);
    const epochs = Math.max(1, Math.round((terms.epochs * Number(config.train["epochs"])) / Number(defaults!.train["epochs"])));
    return layered(config, { seed, data: terms.section, train: { epochs, eval_every: 0 } });
  }

  async #cell(job: Job, terms: Terms): Promise<void> {
    const began = performance.now();
    if (!this.#client) {
      const [client] = await this.lab.connect("cpu", (from, pushed) => this.#heard(from, pushed), false);
      if (this.#cancelled) return client.terminate();
      this.#client = client;
      await client.call("visible", { visible: false });
    }
    const client = this.#client;
    const config = this.configOf(job, terms);
    const waiting: Waiting = { start: null, last: null, total: 0, resolve: () => undefined, reject: () => undefined, begun: null };
    const finished = new Promise<void>((resolve, reject) => Object.assign(waiting, { resolve, reject }));
    // What is refused before anybody waits for it is no uncaught error.
    finished.catch(() => undefined);
    const measured = new Promise<void>((begun) => (waiting.begun = begun));
    this.#waiting = waiting;
    const { info, pages } = await client.call("start", { data: choiceOf(terms.data), config });
    pages.forEach((page) => page.close());
    waiting.total = info.total_steps;
    // The start is measured first; a step in between would change it.
    await Promise.race([measured, finished]);
    await client.call("run", { steps: null });
    await finished;
    const metrics = waiting.last;
    if (!metrics) throw new Error(`no metrics at step ${info.total_steps}`);
    const cell: Cell = { objective: job.objective.id, seed: job.seed, terms, config, start: waiting.start, metrics, seconds: (performance.now() - began) / 1000, date: Date.now() };
    this.#cells = new Map(this.#cells).set(keyOf(cell), cell);
    void writeCell(cell);
  }

  #heard(from: EngineClient, pushed: Pushed): void {
    const waiting = this.#waiting;
    if (from !== this.#client || !waiting) return;
    if (pushed.type === "failed") {
      if (pushed.failure.fatal) this.#end();
      waiting.reject(new Error(pushed.failure.message));
    } else if (pushed.type === "progress") {
      for (const event of pushed.events) {
        if (event.type !== "evaluation") continue;
        if (event.step === 0) waiting.start = event.metrics;
        else waiting.last = event.metrics;
      }
      // What the cell before still has to say is not about this one.
      if (!waiting.start) return;
      waiting.begun?.();
      if (this.progress && waiting.total > 0) {
        const share = pushed.step / waiting.total;
        this.progress = { ...this.progress, share, left: this.#left(this.progress.done + share, this.progress.of) };
      }
      if (pushed.events.some((event) => event.type === "finished")) waiting.resolve();
    }
  }

  #left(done: number, of: number): number | null {
    // A cell's first moments say little.
    return done < 0.3 ? null : ((performance.now() - this.#began) / 1000 / done) * (of - done);
  }
}
