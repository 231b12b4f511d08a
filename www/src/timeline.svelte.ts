// The timeline: what the run and its twin looked like from their first step to now, and which moment of it is on screen.
// Training goes on behind a moment that is looked at; `at` is null while the screen shows now.
import type { EngineClient } from "./client";
import type { Lab } from "./lab.svelte";
import type { EvaluationEvent, Metrics } from "./protocol";
import { Recording, type Frame } from "./recording";
import { savedRecording, saveRecording } from "./state/recordings";
import type { Positions } from "./twin.svelte";

interface Live { readonly positions: Positions | null; readonly moved: number; readonly step: number; readonly client: EngineClient | null }

export const SPEEDS = [0.5, 1, 2, 4] as const;
/** A replay at speed 1 takes this long, less where there are few frames. */
const REPLAY_MS = 8_000;
const SHORTEST_MS = 4_000;
const PER_FRAME_MS = 160;
/** How often a replay hands on positions: the plot glides between them by itself. */
const HAND_ON_MS = 70;
/** Where motion is unwanted, a replay is a slow series of stills. */
const STILL_MS = 350;

/** Seconds that a film of so many frames takes. */
export const filmSeconds = (frames: number): number => Math.min(REPLAY_MS, Math.max(SHORTEST_MS, frames * PER_FRAME_MS)) / 1000;

/** What was known at a step: the newest evaluation up to it. */
export function metricsAt(evaluations: EvaluationEvent[], step: number): Metrics | null {
  return evaluations.findLast((event) => event.step <= step)?.metrics ?? null;
}

/** One of the two runs, as a source of positions for a plot: live, or of the moment. */
export class Track {
  readonly recording = new Recording();
  /** Counts changes of the recording. */
  grown = $state(0);
  #turns = $state(0);
  #moment: Frame | null = null;

  constructor(private readonly timeline: Timeline, private readonly live: () => Live) {}

  get moved(): number {
    return this.timeline.at === null ? this.live().moved : this.#turns;
  }
  get positions(): Positions | null {
    return this.timeline.at === null ? this.live().positions : this.#moment;
  }
  /** The step of the run itself. */
  get step(): number {
    return this.live().step;
  }
  /** The step of what is on screen. */
  get shownStep(): number {
    void this.#turns;
    return this.timeline.at === null ? this.step : (this.#moment?.step ?? this.step);
  }
  get client(): EngineClient | null {
    return this.live().client;
  }
  /** Whether the moment looked at is recorded. */
  get recorded(): boolean {
    void this.#turns;
    return this.#moment !== null;
  }

  /** To a recorded frame, or between two of them on the way. */
  turn(step: number, gliding: boolean): void {
    const { frames } = this.recording;
    this.#moment = frames.length === 0 ? null : gliding ? this.recording.between(step) : frames[this.recording.nearest(step)]!;
    this.#turns++;
  }

  keep({ image, text, dims }: Positions, step: number): void {
    this.recording.add({ step, dims, image, text });
    this.grown++;
  }

  clear(): void {
    this.recording.clear();
    this.#moment = null;
    this.grown++;
  }
}

export class Timeline {
  readonly run: Track;
  readonly twin: Track;
  /** Step of the moment on screen. */
  at = $state<number | null>(null);
  playing = $state(false);
  speed = $state<(typeof SPEEDS)[number]>(1);
  /** Whether its exports are open. */
  exports = $state(false);
  #playhead = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #begun = 0;
  #restoring = false;
  /** A moment that the address asks for, until the run stands. */
  #asked: number | null;

  constructor(private readonly lab: Lab) {
    this.run = new Track(this, () => lab);
    this.twin = new Track(this, () => lab.twin);
    this.#asked = lab.address.at;
  }

  /** Recorded steps of the run. */
  readonly steps = $derived.by(() => {
    void this.run.grown;
    return this.run.recording.frames.map(({ step }) => step);
  });
  /** Which of them is on screen. */
  readonly index = $derived.by(() => {
    const last = Math.max(0, this.steps.length - 1);
    return this.at === null || this.steps.length === 0 ? last : this.run.recording.nearest(this.at);
  });

  /** The recorded step on screen, for the address: what is asked for stays there until the run stands. */
  get shown(): number | null {
    return this.at === null ? this.#asked : (this.steps[this.index] ?? null);
  }

  /** A run stands, new or resumed. Of the same run what was recorded up to its step stays; one that comes back reads its past. */
  begin(run: string, step: number, same: boolean): void {
    this.live();
    this.#begun++;
    if (same) this.run.recording.handOver(step);
    else this.run.clear();
    this.run.grown++;
    this.#restoring = step > 0 && !same;
    if (this.#restoring) void this.#restore(run, step);
  }

  async #restore(run: string, step: number): Promise<void> {
    const begun = this.#begun;
    const frames = await savedRecording(run);
    if (begun !== this.#begun) return;
    this.#restoring = false;
    this.run.recording.restore(frames, step);
    this.run.grown++;
    this.#answer();
  }

  /** Keeps the recording of this run over a reload. */
  save(run: string): void {
    if (!this.#restoring) void saveRecording(run, this.run.recording.frames);
  }

  /** Positions of the run have arrived. */
  keep(positions: Positions, step: number): void {
    const before = this.run.recording.frames[0];
    this.run.keep(positions, step);
    // Another number of dimensions: what was looked at is gone.
    if (this.at !== null && before?.dims !== this.run.recording.frames[0]?.dims) this.live();
    this.#answer();
  }

  /** Shows the moment of the address if the run has come that far and it is recorded; otherwise the screen is live. */
  #answer(): void {
    const asked = this.#asked;
    const first = this.run.recording.frames[0];
    if (asked === null || !first || this.#restoring) return;
    this.#asked = null;
    if (asked >= first.step && asked < this.lab.step) this.show(asked);
    this.lab.writeAddress();
  }

  /** Shows the recorded moment nearest to a step. */
  show(step: number): void {
    const { recording } = this.run;
    if (recording.frames.length === 0) return;
    this.stop();
    this.#turn(recording.frames[recording.nearest(step)]!.step, false);
  }

  #turn(step: number, gliding: boolean): void {
    this.run.turn(step, gliding);
    this.twin.turn(step, gliding);
    this.at = step;
  }

  /** Back to now. */
  live(): void {
    this.stop();
    this.at = null;
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.playing = false;
  }

  /** Back to now, by hand. */
  leave(): void {
    this.live();
    this.lab.writeAddress();
  }

  /** Stops a replay on the recorded moment nearest to where it is. */
  rest(): void {
    this.show(this.at ?? this.#playhead);
    this.lab.writeAddress();
  }

  /** From the moment on screen; from the beginning where that is now or the end. */
  play(): void {
    if (this.steps.length < 2) return;
    this.stop();
    const first = this.steps[0]!;
    this.#playhead = this.at === null || this.index >= this.steps.length - 1 ? first : this.at;
    this.playing = true;
    this.#turn(this.#playhead, false);
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.#timer = setTimeout(() => this.#still(), STILL_MS / this.speed);
    else this.#glide(performance.now());
  }

  #glide(before: number): void {
    this.#timer = setTimeout(() => {
      const now = performance.now();
      const [first, last] = [this.steps[0]!, this.steps.at(-1)!];
      // Behind a hidden tab timers rest: the replay does too.
      const passed = Math.min(200, now - before) * this.speed;
      this.#playhead += ((last - first) * passed) / (1000 * filmSeconds(this.steps.length));
      if (this.#playhead >= last) return this.live();
      this.#turn(this.#playhead, true);
      this.#glide(now);
    }, HAND_ON_MS);
  }

  #still(): void {
    const next = this.steps[this.index + 1];
    if (next === undefined) return this.live();
    this.#turn(next, false);
    this.#timer = setTimeout(() => this.#still(), STILL_MS / this.speed);
  }
}
