// What the colours of every plot stand for: labels, k-means clusters of the current embeddings with their AMI, or one of
// the colourings that only the space has.
import type { Lab } from "./lab.svelte";
import type { Clusters } from "./protocol";
import type { Colour } from "./state/space-keys";

/** k-means is run again at most this often while training. */
const REFRESH_MS = 2_500;

export type ClusterSpace = "image" | "text" | "fused";

export class Colouring {
  #chosenK = $state<number | null>(null);
  space = $state<ClusterSpace>("image");
  clusters = $state.raw<Clusters | null>(null);
  #busy = false;
  #last = Number.NEGATIVE_INFINITY;

  constructor(private readonly lab: Lab) {}

  /** As many clusters as there are labels, until somebody asks for another number. */
  get k(): number {
    return this.#chosenK ?? Math.max(2, this.lab.ready?.info.classes.length ?? 8);
  }

  get by(): Colour {
    return this.lab.space.is.colour;
  }

  labelOf(item: number, label: number | null): number {
    return this.by === "cluster" ? (this.clusters?.labels[item] ?? 7) : (label ?? 7);
  }

  choose(by: Colour): void {
    this.lab.space.choose("colour", by);
    if (by === "cluster") void this.refresh(true);
  }

  chooseSpace(space: ClusterSpace): void {
    this.space = space;
    void this.refresh(true);
  }

  chooseK(k: number): void {
    this.#chosenK = k;
    void this.refresh(true);
  }

  async refresh(now = false): Promise<void> {
    const seen = this.by === "cluster" || this.lab.view === "clusters";
    if (!seen || this.lab.phase !== "ready" || this.#busy) return;
    if (!now && performance.now() - this.#last < REFRESH_MS) return;
    this.#busy = true;
    const { k, space } = this;
    try {
      this.clusters = await this.lab.need.call("clusters", { k, space });
    } catch {
      // A replaced worker: the next movement asks again.
    } finally {
      this.#last = performance.now();
      this.#busy = false;
      if (k !== this.k || space !== this.space) void this.refresh(true);
    }
  }
}
