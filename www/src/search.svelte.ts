// The search: a query that stays while the weights move under it.
import { EngineFailure } from "./client";
import type { Lab } from "./lab.svelte";
import type { Hits, Query } from "./protocol";
import { t } from "./strings";

const TYPING_MS = 120;
const SHOWN = 12;
/** Asked again this often while training. */
const REFRESH_MS = 350;

export type Asked = { kind: "text" } | { kind: "item"; item: number } | { kind: "image"; name: string; url: string; bytes: Uint8Array };

export class Search {
  asked = $state.raw<Asked>({ kind: "text" });
  hits = $state.raw<Hits | null>(null);
  /** Neighbours of the selected item. */
  around = $state.raw<Hits | null>(null);
  /** What the last search said; gone with the next one that works. */
  problem = $state("");
  /** What was wrong with the last file; stays until another query. */
  fileProblem = $state("");
  working = $state(false);
  #timer = 0;
  #busy = false;
  #again = false;
  #last = 0;

  constructor(private readonly lab: Lab) {}

  get selected(): number | null {
    return this.lab.selected;
  }

  typed(text: string): void {
    this.fileProblem = "";
    this.lab.query = text;
    this.asked = { kind: "text" };
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      this.lab.writeAddress();
      void this.ask();
    }, TYPING_MS);
  }

  byItem(item: number): void {
    this.asked = { kind: "item", item };
    void this.ask();
  }

  byWords(): void {
    this.asked = { kind: "text" };
    void this.ask();
  }

  select(item: number | null): void {
    this.lab.selected = item;
    this.lab.writeAddress();
    this.around = null;
    if (item !== null) void this.ask();
  }

  async byFile(file: File): Promise<void> {
    this.fileProblem = "";
    if (!/^image\/(png|jpeg|webp|gif)$/.test(file.type)) {
      this.fileProblem = t.search.noImage;
      return;
    }
    const bytes = new Uint8Array(await file.arrayBuffer());
    this.working = true;
    try {
      await this.lab.need.call("add_encoder", null);
      // Looked at before it becomes the query: a picture that cannot be read leaves the one before.
      const query: Query = { kind: "image", bytes, name: file.name || "picture" };
      this.hits = await this.lab.need.call("search", { query, k: SHOWN });
      if (this.asked.kind === "image") URL.revokeObjectURL(this.asked.url);
      this.asked = { kind: "image", name: query.name, url: URL.createObjectURL(file), bytes };
    } catch (error) {
      this.fileProblem = error instanceof Error ? error.message : String(error);
    } finally {
      this.working = false;
      this.lab.download = null;
    }
  }

  /** The weights moved: ask again, but not too often, and a picture from outside only when training rests (it is encoded anew). */
  moved(): void {
    if (document.hidden || performance.now() - this.#last < REFRESH_MS) return;
    if (this.asked.kind === "image" && this.lab.running) return;
    void this.ask();
  }

  /** One question at a time; what is asked meanwhile is asked once afterwards. */
  async ask(): Promise<void> {
    if (this.lab.phase !== "ready") return;
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    this.#last = performance.now();
    try {
      const query = this.#query();
      this.hits = query ? await this.lab.need.call("search", { query, k: SHOWN }) : null;
      const item = this.selected;
      if (item !== null) {
        const around = await this.lab.need.call("search", { query: { kind: "item", item }, k: 10 });
        if (this.selected === item) this.around = around;
      }
      this.problem = "";
    } catch (error) {
      // A replaced worker refuses what it was asked; the next movement asks the new one.
      if (!(error instanceof EngineFailure) || !this.lab.need.dead) this.problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.#busy = false;
      if (this.#again) {
        this.#again = false;
        void this.ask();
      }
    }
  }

  #query(): Query | null {
    if (this.asked.kind === "item") return { kind: "item", item: this.asked.item };
    if (this.asked.kind === "image") return { kind: "image", bytes: this.asked.bytes, name: this.asked.name };
    return this.lab.query.trim() ? { kind: "text", text: this.lab.query } : null;
  }
}
