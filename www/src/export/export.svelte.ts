// Exports of the timeline: what is being made, how far it is, and what came of it.
import type { Cards } from "./cards";
import type { Shape } from "./card";
import { saveFile } from "../save";
import { t } from "../strings";
import { Studio } from "./studio";
import { HOLD_SECONDS, recordVideo, videoKind } from "./video";

export type Kind = "video" | "gif" | "png" | "svg";
/** Width of a GIF: what platforms show, and small enough to send. */
const GIF_WIDTH = { wide: 960, square: 720 } as const;
const GIF_FRAMES_PER_SECOND = 12.5;

export class Exports {
  /** What is being made, and how much of it is done (null: not known). */
  making = $state.raw<{ kind: Kind; share: number | null } | null>(null);
  done = $state.raw<{ name: string; bytes: number } | null>(null);
  problem = $state("");
  shape = $state<Shape>("wide");
  readonly video = videoKind();
  #stop: AbortController | null = null;

  constructor(private readonly cards: Cards) {}

  cancel(): void {
    this.#stop?.abort();
  }

  async make(kind: Kind, scale = 1): Promise<void> {
    if (this.making) return;
    const stop = (this.#stop = new AbortController());
    this.making = { kind, share: kind === "video" || kind === "gif" ? 0 : null };
    this.done = null;
    this.problem = "";
    try {
      const film = kind === "video" || kind === "gif";
      const name = `${this.cards.name(film)}${kind === "png" && scale > 1 ? `@${scale}x` : ""}.${kind === "video" ? this.video!.ending : kind}`;
      const file = await this.#file(kind, scale, stop.signal);
      saveFile(name, file);
      this.done = { name, bytes: file.size };
    } catch (error) {
      if (!stop.signal.aborted) this.problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.making = null;
      this.#stop = null;
    }
  }

  async #file(kind: Kind, scale: number, signal: AbortSignal): Promise<Blob> {
    const progress = (share: number): void => void (this.making = { kind, share });
    if (kind === "video") return recordVideo(await this.cards.film(this.shape), this.video!, progress, signal);
    const studio = new Studio(signal);
    try {
      if (kind === "gif") return await this.#gif(studio, progress, signal);
      const [look, card] = [this.cards.look(this.shape), await this.cards.still()];
      if (!card) throw new Error(t.timeline.nothing);
      return kind === "png" ? await studio.do("png", { look, card, scale }) : await studio.do("svg", { look, card, description: this.cards.description(card) });
    } finally {
      studio.close();
    }
  }

  async #gif(studio: Studio, progress: (share: number) => void, signal: AbortSignal): Promise<Blob> {
    const film = await this.cards.film(this.shape);
    const frames = Math.round(film.seconds * GIF_FRAMES_PER_SECOND) + 1;
    await studio.do("gif", { look: film.look, sample: [0, 0.5, 1].map((share) => film.at(share)), width: GIF_WIDTH[this.shape] });
    for (let i = 0; i < frames; i++) {
      signal.throwIfAborted();
      await studio.do("frame", { card: film.at(i / (frames - 1)), ms: i === frames - 1 ? 1000 * HOLD_SECONDS : i === 0 ? 600 : 1000 / GIF_FRAMES_PER_SECOND });
      progress((i + 1) / frames);
    }
    return studio.do("end", null);
  }
}
