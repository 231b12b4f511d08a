// What the plot of one source (the run or its twin) asks its engine about pairs and neighbours, not too often.
import type { EngineClient } from "./client";
import type { Hits, Pairs } from "./protocol";

const REFRESH_MS = 900;
/** Neighbours in each modality. */
const NEAR = 10;

export interface Wanted { pairs: boolean; near: number | null }

export class Facts {
  pairs = $state.raw<Pairs | null>(null);
  near = $state.raw<{ item: number; hits: Hits } | null>(null);
  #busy = false;
  #last = Number.NEGATIVE_INFINITY;
  #asked = "";
  #timer = 0;

  /** Asks for what is wanted: at once when something else is wanted than before, else when the last answer is old. */
  ask(client: EngineClient | null, wanted: Wanted): void {
    clearTimeout(this.#timer);
    if (!wanted.pairs && wanted.near === null) return;
    const key = `${wanted.pairs} ${wanted.near}`;
    const wait = key === this.#asked ? REFRESH_MS - (performance.now() - this.#last) : 0;
    if (this.#busy || wait > 0) this.#timer = window.setTimeout(() => this.ask(client, wanted), Math.max(60, wait));
    else if (client && !client.dead) void this.#ask(client, wanted, key);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  async #ask(client: EngineClient, { pairs, near }: Wanted, key: string): Promise<void> {
    this.#busy = true;
    this.#asked = key;
    try {
      if (pairs) this.pairs = await client.call("pairs", null);
      if (near !== null) this.near = { item: near, hits: await client.call("search", { query: { kind: "item", item: near }, k: NEAR + 1 }) };
    } catch {
      // A replaced worker, or no run yet: the next movement asks again.
      this.#asked = "";
    } finally {
      this.#last = performance.now();
      this.#busy = false;
    }
  }
}

/** The item itself is no neighbour of its picture; its own text is one of its texts. */
export const nearestOf = (near: { item: number; hits: Hits }): { images: number[]; texts: number[] } => ({
  images: near.hits.images.map(({ item }) => item).filter((item) => item !== near.item).slice(0, NEAR),
  texts: near.hits.texts.slice(0, NEAR).map(({ item }) => item),
});
