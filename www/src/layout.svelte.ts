// UMAP or t-SNE of one source (the run or its twin), on request: its worker lives as long as it computes.
import type { EngineClient } from "./client";
import type { LayoutKind } from "./state/space-keys";
import { t } from "./strings";
import type { LayoutNews, LayoutRequest } from "./worker/layout";

/** t-SNE compares every point with every other: beyond this many points memory and patience end. */
export const TSNE_LIMIT = 5_000;

export type Stage = "idle" | "asking" | "neighbours" | "moving" | "done" | "stopped";

export class Layout {
  stage = $state<Stage>("idle");
  part = $state(0);
  problem = $state("");
  /** The training step whose embeddings are laid out. */
  step = $state(0);
  /** Pictures, then texts, x y z; null until the first are there. */
  positions = $state.raw<Float32Array | null>(null);
  #made: { kind: LayoutKind; dims: 2 | 3 } | null = null;
  #worker: Worker | null = null;
  #turn = 0;

  get busy(): boolean {
    return this.stage === "asking" || this.stage === "neighbours" || this.stage === "moving";
  }

  /** Begins at `from`, where the points stand now. */
  async begin(kind: "umap" | "tsne", dims: 2 | 3, client: EngineClient, step: number, from: Float32Array): Promise<void> {
    this.stop();
    const turn = ++this.#turn;
    this.problem = "";
    if (kind === "tsne" && from.length / 3 > TSNE_LIMIT) {
      this.problem = t.space.tooMany(from.length / 3, TSNE_LIMIT);
      return;
    }
    this.stage = "asking";
    this.part = 0;
    this.step = step;
    try {
      const { image, text, dim } = await client.call("embeddings", { moment: "now" });
      if (turn !== this.#turn) return;
      const rows = new Float32Array(image.length + text.length);
      rows.set(image);
      rows.set(text, image.length);
      const start = from.slice() as Float32Array<ArrayBuffer>;
      const again = this.#made?.kind === kind && this.#made.dims === dims;
      this.#worker = new Worker(new URL("./worker/layout.ts", import.meta.url), { type: "module", name: "mtls-lab layout" });
      this.#worker.onmessage = ({ data }: MessageEvent<LayoutNews>) => {
        if (turn === this.#turn) this.#heard(data, kind, dims);
      };
      this.#worker.onerror = (event) => {
        event.preventDefault();
        if (turn === this.#turn) this.#heard({ type: "failed", message: event.message || "The worker stopped." }, kind, dims);
      };
      const request: LayoutRequest = { kind, rows, dim, start, dims, again };
      this.#worker.postMessage(request, [rows.buffer, start.buffer]);
    } catch (error) {
      if (turn === this.#turn) this.#heard({ type: "failed", message: error instanceof Error ? error.message : String(error) }, kind, dims);
    }
  }

  /** Ends the computation; the points stay where they are. */
  stop(): void {
    this.#turn++;
    this.#worker?.terminate();
    this.#worker = null;
    if (this.busy) this.stage = this.positions ? "stopped" : "idle";
  }

  /** No layout any more: the points go back to their projection. */
  clear(): void {
    this.stop();
    this.stage = "idle";
    this.positions = null;
    this.problem = "";
    this.#made = null;
  }

  #heard(news: LayoutNews, kind: LayoutKind, dims: 2 | 3): void {
    if (news.type === "neighbours") {
      this.stage = "neighbours";
    } else if (news.type === "moved") {
      this.positions = news.positions;
      this.part = news.part;
      this.stage = "moving";
      this.#made = { kind, dims };
      if (news.done) {
        this.stop();
        this.stage = "done";
      }
    } else {
      this.stop();
      this.stage = "idle";
      this.problem = news.message;
    }
  }
}
