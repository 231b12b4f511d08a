// One item's neighbourhood before training, now and in the twin, and what it is taught now.
import type { Lab } from "./lab.svelte";
import { told, type EngineClient } from "./client";
import type { Lesson, Moment, Neighbourhood, Side } from "./protocol";

/** Neighbours a list. */
export const K = 8;
const LESSONS = 60;
/** Asked again this often while training. */
const REFRESH_MS = 500;

export interface Around { beginning: Neighbourhood; now: Neighbourhood; twin: Neighbourhood | null }

export class Neighbours {
  around = $state.raw<Around | null>(null);
  lessons = $state.raw<Record<Side, Lesson[]> | null>(null);
  problem = $state("");
  #item: number | null = null;
  #busy = false;
  #last = 0;

  constructor(private readonly lab: Lab) {}

  /** Asks for `item`; at once when it is another one, else not too often. */
  async ask(item: number | null): Promise<void> {
    const other = item !== this.#item;
    this.#item = item;
    if (item === null || this.lab.phase !== "ready") return;
    if (this.#busy || (!other && performance.now() - this.#last < REFRESH_MS)) return;
    this.#busy = true;
    this.#last = performance.now();
    try {
      const { need, twin } = this.lab;
      const of = (client: EngineClient, moment: Moment): Promise<Neighbourhood> => client.call("neighbourhood", { item, k: K, moment });
      const lessons = (student: Side): Promise<Lesson[]> => need.call("lessons", { item, student, count: LESSONS });
      const [beginning, now, other, image, text] = await Promise.all([
        of(need, "beginning"), of(need, "now"), twin.ready && twin.client ? of(twin.client, "now") : null, lessons("image"), lessons("text"),
      ]);
      this.around = { beginning, now, twin: other };
      this.lessons = { image, text };
      this.problem = "";
    } catch (error) {
      this.problem = told(error);
    } finally {
      this.#busy = false;
      if (this.#item !== item) void this.ask(this.#item);
    }
  }
}
