// One iteration, slowly: the next step of the run taken apart, and which part of it is being looked at.
import { told } from "./client";
import type { Lab } from "./lab.svelte";
import type { Iteration } from "./protocol";

export const PARTS = ["batch", "features", "embeddings", "similarities", "loss", "pulls", "update"] as const;
export type Part = (typeof PARTS)[number];
/** Pairs shown in full. */
const SHOWN = 8;

export class Slowly {
  data = $state.raw<Iteration | null>(null);
  part = $state<Part>("batch");
  problem = $state("");
  #of: object | null = null;
  #busy = false;

  constructor(private readonly lab: Lab) {}

  /** Whether what is shown is the step that comes next. */
  get current(): boolean {
    return this.data?.step === this.lab.step + 1;
  }

  /** Takes the next step apart, unless it is on the screen already; a run in motion is not disturbed. */
  async look(): Promise<void> {
    const { info, running, finished, phase } = this.lab;
    // Another run or other settings: another step.
    if (phase !== "ready" || !info || running || finished || this.#busy || (this.current && this.#of === info)) return;
    this.#busy = true;
    try {
      this.data = await this.lab.need.call("iteration", { size: SHOWN });
      this.#of = info;
      this.problem = "";
    } catch (error) {
      this.problem = told(error);
    } finally {
      this.#busy = false;
    }
  }

  /** The part after or before this one. */
  turn(by: number): void {
    this.part = PARTS[Math.min(PARTS.length - 1, Math.max(0, PARTS.indexOf(this.part) + by))]!;
  }

  /** Makes the step that is on the screen; the next one comes in its place. */
  take(): void {
    this.part = "batch";
    this.lab.stepOnce();
  }
}
