// The training loop, inside the worker: slices of 30-60 ms, with room between them for the page's questions.
//
// The loop lives here and not in the page because a hidden tab's timers are throttled to one a second or less; a
// worker that passes itself messages is not, so training goes on in a background tab at full speed.
import type { EngineEvent } from "../protocol";

/** What a slice should take. A search asked for while training waits at most about this long. */
const SLICE_MS = 45;

export interface PumpHooks {
  /** Up to n optimiser steps; serialised with every other call into the engine. */
  step(n: number): Promise<EngineEvent[]>;
  /** After each slice. */
  after(events: EngineEvent[], msPerStep: number): Promise<void>;
  /** Before each slice: a sign of life for the watchdog. */
  beat(): void;
  /** The loop has ended (paused, steps done, run finished). */
  ended(finished: boolean): Promise<void>;
  failed(error: unknown): void;
}

export class Pump {
  /** Steps still wanted; Infinity while training. */
  wanted = 0;
  msPerStep = 0;
  #loop: Promise<void> | null = null;

  constructor(private readonly hooks: PumpHooks) {}

  get running(): boolean {
    return this.#loop !== null;
  }

  run(steps: number): void {
    this.wanted = steps;
    this.#loop ??= this.#turn().finally(() => {
      this.#loop = null;
      // Asked for while the loop was coming to its end.
      if (this.wanted > 0) this.run(this.wanted);
    });
  }

  /** Resolves when the slice in flight is over. */
  async pause(): Promise<void> {
    this.wanted = 0;
    await this.#loop;
  }

  async #turn(): Promise<void> {
    try {
      let finished = false;
      while (this.wanted > 0 && !finished) {
        // 1 at first: until a step is measured nothing is known about its price.
        const n = Math.min(this.wanted, this.msPerStep > 0 ? Math.max(1, Math.floor(SLICE_MS / this.msPerStep)) : 1);
        this.hooks.beat();
        const began = performance.now();
        const events = await this.hooks.step(n);
        const steps = events.filter((e) => e.type === "step").length;
        const evaluated = events.some((e) => e.type === "evaluation");
        const ms = (performance.now() - began) / Math.max(1, steps);
        // Slices with an evaluation inside say little about a step.
        if (!evaluated || this.msPerStep === 0) this.msPerStep = this.msPerStep > 0 ? 0.7 * this.msPerStep + 0.3 * ms : ms;
        this.wanted -= n;
        // A run that has no step left says nothing.
        finished = steps === 0 || events.some((e) => e.type === "finished");
        await this.hooks.after(events, this.msPerStep);
        await nextTask();
      }
      this.wanted = 0;
      await this.hooks.ended(finished);
    } catch (error) {
      // Told first what was wanted: where another worker takes the run over, it goes on.
      this.hooks.failed(error);
      this.wanted = 0;
    }
  }
}

const channel = new MessageChannel();
const waiting: (() => void)[] = [];
channel.port1.onmessage = () => waiting.shift()?.();

/** Lets queued messages in. A message, not a timer: nested timers wait 4 ms, and timers of hidden tabs far longer. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel.port2.postMessage(null);
  });
}
