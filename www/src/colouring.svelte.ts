// What the colours of every plot stand for: labels, groups of the current embeddings with their AMI, or one of
// the colourings that only the space has.
import type { Lab } from "./lab.svelte";
import type { Clusters, Grouping } from "./protocol";
import type { Colour } from "./state/space-keys";

/** Groups are formed again at most this often while training. */
const REFRESH_MS = 2_500;

export type ClusterSpace = "image" | "text" | "fused";
/** Agreement of the groups with the labels at a moment of the run. */
export interface Agreement { step: number; epoch: number; ami: number; nmi: number; ari: number }

const called = (method: Grouping, size: number, space: ClusterSpace): string => `${method} ${size} ${space}`;

export class Colouring {
  #chosenK = $state<number | null>(null);
  space = $state<ClusterSpace>("image");
  method = $state<Grouping>("kmeans");
  /** The fewest members of an HDBSCAN group. */
  #least = $state(5);
  clusters = $state.raw<Clusters | null>(null);
  /** How the agreement went since these groups are looked at. */
  trail = $state.raw<Agreement[]>([]);
  /** Which groups `clusters` are. */
  #formed = $state("");
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

  chooseMethod(method: Grouping): void {
    this.method = method;
    void this.refresh(true);
  }

  /** What the method is told: how many groups, or how small the smallest. */
  get size(): number {
    return this.method === "kmeans" ? this.k : this.#least;
  }

  /** The groups are those that were asked for; others are still being formed. */
  get fresh(): boolean {
    return this.#formed === called(this.method, this.size, this.space);
  }

  chooseSize(size: number): void {
    if (this.method === "kmeans") this.#chosenK = size;
    else this.#least = size;
    void this.refresh(true);
  }

  async refresh(now = false): Promise<void> {
    const seen = this.by === "cluster" || this.lab.view === "clusters";
    if (!seen || this.lab.phase !== "ready" || this.#busy) return;
    if (!now && performance.now() - this.#last < REFRESH_MS) return;
    this.#busy = true;
    const { size: k, space, method } = this;
    try {
      const clusters = await this.lab.need.call("clusters", { k, space, method });
      this.clusters = clusters;
      this.#follow(called(method, k, space), clusters);
    } catch {
      // A replaced worker: the next movement asks again.
    } finally {
      this.#last = performance.now();
      this.#busy = false;
      if (k !== this.size || space !== this.space || method !== this.method) void this.refresh(true);
    }
  }

  #follow(how: string, { ami, nmi, ari }: Clusters): void {
    const { step, ready } = this.lab;
    const kept = this.#formed === how ? this.trail.filter((earlier) => earlier.step < step) : [];
    this.#formed = how;
    this.trail = [...kept, { step, epoch: step / Math.max(1, ready?.info.steps_per_epoch ?? 1), ami, nmi, ari }];
  }
}
