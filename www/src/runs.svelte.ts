// Every run that came as far as a second evaluation: how it went, what it is called, and which of them lie over the curves.
import { thinned } from "./draw/series";
import type { RunHistory } from "./history.svelte";
import type { Lab } from "./lab.svelte";
import type { Config, EvaluationEvent, StepEvent } from "./protocol";
import { described } from "./state/describe";
import { dropRecords, readRecords, writeRecord, type RunRecord } from "./state/records";
import type { DataSet } from "./state/data-names";
import { readAddress } from "./state/url";

/** Records kept: at some 60 kB each a few megabytes. The oldest that are not pinned go first. */
export const MOST_RUNS = 60;
/** Pinned ones never go, so that they must leave room. */
export const MOST_PINNED = 30;
const MOST_STEPS = 200;
const MOST_EVALUATIONS = 120;
/** Written at most this often while training. */
const WRITE_MS = 1_500;

/** A line of its own for each run over the curves: a custom property of app.css and a dash, so that colour is not all. */
export const LINES: { colour: string; dash: number[] }[] = [
  { colour: "--run-1", dash: [] },
  { colour: "--run-2", dash: [8, 3] },
  { colour: "--run-3", dash: [2, 2] },
  { colour: "--run-4", dash: [8, 3, 2, 3] },
  { colour: "--run-5", dash: [4, 2] },
  { colour: "--run-6", dash: [12, 4] },
];

/** A run laid over the curves. `colour` names a custom property, as the charts want it. */
export interface Overlaid { id: string; name: string; colour: string; dash: number[]; evaluations: EvaluationEvent[]; steps: StepEvent[]; perEpoch: number }

/** What is to be recorded. */
export interface Going { run: string; data: DataSet; began: Config; config: Config; total: number; perEpoch: number; device: "cpu" | "gpu"; history: RunHistory }

/** What decides a run: its data, its settings, and when they were changed. */
type Decided = Pick<RunRecord, "data" | "began" | "retuned">;
const sameStart = (a: Decided, b: Decided): boolean => a.data === b.data && JSON.stringify(a.began) === JSON.stringify(b.began);
const sameRun = (a: Decided, b: Decided): boolean => sameStart(a, b) && JSON.stringify(a.retuned) === JSON.stringify(b.retuned);
/** Whether `record` is of this run before settings of it were changed. */
const before = (record: RunRecord, run: Decided): boolean => {
  const next = run.retuned[record.retuned.length];
  return next !== undefined && record.step <= next.step && sameRun(record, { ...run, retuned: run.retuned.slice(0, record.retuned.length) });
};

export class Runs {
  /** Newest first. */
  all = $state.raw<RunRecord[]>([]);
  /** Whether they survive a reload. */
  kept = $state(true);
  /** The last one deleted, until the next is: it can be brought back. */
  deleted = $state.raw<RunRecord | null>(null);
  /** How many old ones made room, in this tab. */
  dropped = $state(0);
  #against = $state("");
  #laid = $state.raw<{ id: string; line: number }[]>([]);
  #unwritten = new Map<string, RunRecord>();
  #written = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly lab: Lab) {}

  async read(): Promise<void> {
    const stored = await readRecords();
    this.kept = stored !== null;
    const newer = this.all.filter((record) => this.#unwritten.has(record.id) || !this.kept);
    this.all = [...newer, ...(stored ?? []).filter(({ id }) => !newer.some((other) => other.id === id))];
  }

  /** Data set of the run on screen. */
  readonly data: DataSet = $derived.by(() => readAddress(this.lab.activeRun).data);
  /** The record of the run on screen. */
  readonly current = $derived.by(() => {
    const { ready, began, history } = this.lab;
    if (!ready || !began || history.version < 0) return null;
    const own = { data: this.data, began, retuned: history.retuned };
    return this.all.find((record) => sameRun(record, own)) ?? this.all.find((record) => before(record, own)) ?? null;
  });

  /** What the others are compared with: a pinned one, else the run on screen. */
  readonly reference = $derived.by(() => this.all.find(({ id, pinned }) => pinned && id === this.#against) ?? this.current);
  compareWith(id: string): void {
    this.#against = id;
  }

  /** The run on screen is drawn anyway. */
  readonly overlaid: Overlaid[] = $derived.by(() =>
    this.#laid.flatMap(({ id, line }) => {
      const record = this.all.find((other) => other.id === id);
      if (!record || record.id === this.current?.id) return [];
      const { evaluations, steps, perEpoch } = record;
      return [{ id, name: this.nameOf(record), ...LINES[line]!, evaluations, steps, perEpoch }];
    }),
  );

  /** The line by which a run is drawn over the curves; null: it is not. */
  lineOf(id: string): (typeof LINES)[number] | null {
    const laid = this.#laid.find((other) => other.id === id);
    return laid ? LINES[laid.line]! : null;
  }

  get full(): boolean {
    return this.#laid.length >= LINES.length;
  }

  lay(id: string, over: boolean): void {
    const others = this.#laid.filter((laid) => laid.id !== id);
    const line = LINES.findIndex((_, n) => !others.some((laid) => laid.line === n));
    this.#laid = over && line >= 0 ? [...others, { id, line }] : others;
  }

  nameOf(record: { name: string; config: Config }): string {
    const { settings, presets, objectives } = this.lab;
    return record.name || (settings.defaults ? described(record.config, settings.defaults, presets, objectives) : "");
  }

  /** Takes down how a run goes; the same settings trained again take the place of their earlier record. */
  record(going: Going): void {
    const { history, ...about } = going;
    const last = history.evaluations.at(-1);
    if (!last || last.step <= 0) return;
    const run = { ...about, retuned: [...history.retuned] };
    const earlier = this.all.find((record) => sameRun(record, run)) ?? this.all.find((record) => before(record, run));
    const version = this.lab.about?.version ?? "";
    // Trained again and not yet as far: the whole curve stays until it is.
    if (earlier && earlier.step > last.step && earlier.version === version) return;
    this.#put({
      id: earlier?.id ?? crypto.randomUUID(), name: earlier?.name ?? "", pinned: earlier?.pinned ?? false, ...run,
      step: last.step, date: earlier?.date ?? Date.now(), version, evaluations: thinned(history.evaluations, MOST_EVALUATIONS), steps: thinned(history.steps, MOST_STEPS),
    });
    this.#makeRoom();
  }

  recordRun(): void {
    const { info, began, device, history, activeRun } = this.lab;
    if (!info || !began || !device) return;
    const { config, total_steps: total, steps_per_epoch: perEpoch } = info;
    this.record({ run: activeRun, data: this.data, began, config, total, perEpoch, device: device.kind, history });
  }

  rename(record: RunRecord, name: string): void {
    this.#put({ ...record, name: name.trim() });
  }

  get pinsLeft(): number {
    return MOST_PINNED - this.all.filter(({ pinned }) => pinned).length;
  }

  pin(record: RunRecord, pinned: boolean): void {
    if (!pinned || this.pinsLeft > 0) this.#put({ ...record, pinned });
  }

  delete(record: RunRecord): void {
    this.deleted = record;
    this.#drop([record.id]);
  }

  undelete(): void {
    if (this.deleted) this.#put(this.deleted);
    this.deleted = null;
    this.all = this.all.toSorted((a, b) => b.date - a.date);
  }

  /** Writes what is not yet written. */
  flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#written = performance.now();
    const waiting = [...this.#unwritten.values()];
    this.#unwritten.clear();
    for (const record of waiting) void writeRecord(record).then((written) => (this.kept &&= written));
  }

  #put(record: RunRecord): void {
    const known = this.all.some(({ id }) => id === record.id);
    this.all = known ? this.all.map((other) => (other.id === record.id ? record : other)) : [record, ...this.all];
    this.#unwritten.set(record.id, record);
    // At once, then not too often; the end of a run is always written.
    const wait = record.step >= record.total ? 0 : this.#written + WRITE_MS - performance.now();
    if (wait <= 0) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), wait);
  }

  #makeRoom(): void {
    const surplus = this.all.length - MOST_RUNS;
    if (surplus <= 0) return;
    const going = this.all.filter(({ pinned }) => !pinned).slice(-surplus);
    this.#drop(going.map(({ id }) => id));
    this.dropped += going.length;
  }

  #drop(ids: string[]): void {
    this.all = this.all.filter(({ id }) => !ids.includes(id));
    this.#laid = this.#laid.filter(({ id }) => !ids.includes(id));
    for (const id of ids) this.#unwritten.delete(id);
    void dropRecords(ids);
  }
}
