// The search: a query that stays while the weights move under it.
import { EngineFailure, told } from "./client";
import type { Lab } from "./lab.svelte";
import { explain, type Reasons } from "./explain";
import { PACKS } from "./offline/addresses";
import type { Hits, Query } from "./protocol";
import { standardQuery } from "./state/data-sets";
import { language, t } from "./strings";
import { Translator, type Translation } from "./translate";

const TYPING_MS = 120;
const SHOWN = 12;
/** Asked again this often while training. */
const REFRESH_MS = 350;
/** Reasons take a question for every hit. */
const REASONS_MS = 2_000;

export type Asked = { kind: "text" } | { kind: "item"; item: number } | { kind: "image"; name: string; url: string; bytes: Uint8Array };

/** What is said of the hits: nothing, where they stood before training, or why they were found. */
export const MODES = ["now", "before", "why"] as const;
export type Mode = (typeof MODES)[number];

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
  mode = $state<Mode>("now");
  /** All items in the order in which the query found them before training. */
  before = $state.raw<Hits | null>(null);
  reasons = $state.raw<Reasons | null>(null);
  /** The words of the query in English, where they are of another language. */
  translation = $state.raw<Translation | null>(null);
  #translator: { queries: unknown; translator: Translator } | null = null;
  #beforeOf: unknown[] = [];
  #reasonsAt = { query: null as unknown, time: 0 };
  #timer = 0;
  /** What is asked for in words: of what is typed only what has been looked up, or hits of half a word would stand under a whole one. */
  #words = "";
  #busy = false;
  /** What is to be asked once more, and whether at once. */
  #again: "no" | "patient" | "now" = "no";
  #last = 0;

  /** The data set that the query and the selection are about. */
  #data;

  constructor(private readonly lab: Lab) {
    this.#data = lab.address.data;
  }

  /** A new run stands. Where it is about other data, the selected item means nothing any more, and neither does a query that was only a suggestion. */
  opened(): void {
    const { data } = this.lab.runs;
    if (data !== this.#data) {
      if (this.lab.query === standardQuery(this.#data)) this.lab.query = standardQuery(data);
      this.#data = data;
      this.asked = this.asked.kind === "item" ? { kind: "text" } : this.asked;
      this.select(null);
    }
    void this.translate();
  }

  get selected(): number | null {
    return this.lab.selected;
  }

  typed(text: string): void {
    this.fileProblem = "";
    this.lab.query = text;
    this.asked = { kind: "text" };
    this.queried();
  }

  /** The words changed, by a hand or by what was opened. */
  queried(): void {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      if (!this.lab.ready) return;
      this.lab.writeAddress();
      void this.translate();
    }, TYPING_MS);
  }

  /** Looks the words up in the pack's other languages where English does not know them, and asks. */
  async translate(): Promise<void> {
    const { ready, manifest, query } = this.lab;
    if (!ready || !manifest) return;
    if (this.#translator?.queries !== ready.items) {
      const translator = new Translator(manifest, new URL(`${PACKS}${manifest.name}/`, this.lab.base), ready.items.map((item) => item.query), language);
      this.#translator = { queries: ready.items, translator };
    }
    // Without the files of the other languages the words are asked for as they stand.
    const found = await this.#translator.translator.translate(query).catch(() => null);
    if (query !== this.lab.query) return;
    this.translation = found;
    this.#words = found?.english ?? query;
    await this.ask();
  }

  /** As it was typed after all. */
  untranslated(): void {
    clearTimeout(this.#timer);
    this.translation = null;
    this.#words = this.lab.query;
    void this.ask();
  }

  show(mode: Mode): void {
    this.mode = mode;
    void this.ask();
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
      if (this.mode !== "now") void this.ask();
    } catch (error) {
      this.fileProblem = error instanceof EngineFailure && error.failure.kind === "picture" ? t.search.unreadable(file.name) : told(error);
    } finally {
      this.working = false;
      this.lab.download = null;
    }
  }

  /** The weights moved: ask again, but not too often, and a picture from outside only when training rests (it is encoded anew). */
  moved(): void {
    if (document.hidden) return;
    // What follows the last step is the last to be asked.
    if (this.lab.running && (this.asked.kind === "image" || performance.now() - this.#last < REFRESH_MS)) return;
    void this.ask(true);
  }

  /** One question at a time; what is asked meanwhile is asked once afterwards. */
  async ask(patient = false): Promise<void> {
    if (this.lab.phase !== "ready") return;
    if (this.#busy) {
      if (!patient || this.#again === "no") this.#again = patient ? "patient" : "now";
      if (!patient) void this.lab.need.call("hurry", null).catch(() => undefined);
      return;
    }
    this.#busy = true;
    this.#last = performance.now();
    try {
      const ask = (query: Query, k: number): Promise<Hits> => this.lab.need.call("search", { query, k, patient });
      const query = this.#query();
      const item = this.selected;
      // Both in one turn, in which the embeddings stay.
      const around = item === null ? null : ask({ kind: "item", item }, 10);
      around?.catch(() => undefined);
      this.hits = query ? await ask(query, SHOWN) : null;
      if (query && this.hits) await this.#tell(query, this.hits);
      if (around) {
        const found = await around;
        if (this.selected === item) this.around = found;
      }
      this.problem = "";
    } catch (error) {
      this.problem = told(error);
    } finally {
      this.#busy = false;
      const again = this.#again;
      this.#again = "no";
      if (again !== "no") void this.ask(again === "patient");
    }
  }

  /** What the mode says of the hits. The beginning does not change: it is asked for once a query. */
  async #tell(query: Query, hits: Hits): Promise<void> {
    const { ready, need } = this.lab;
    const about = query.kind === "image" ? query.bytes : JSON.stringify(query);
    if (this.mode === "before" && (this.#beforeOf[0] !== ready || this.#beforeOf[1] !== about)) {
      this.before = null;
      this.before = await need.call("search", { query, k: ready?.items.length ?? SHOWN, moment: "beginning" });
      this.#beforeOf = [ready, about];
    }
    const other = this.#reasonsAt.query !== about;
    if (this.mode === "why" && ready && (other || !this.lab.running || performance.now() - this.#reasonsAt.time > REASONS_MS)) {
      if (other) this.reasons = null;
      this.reasons = await explain(query, hits, ready.items, (asked, k) => need.call("search", { query: asked, k }));
      this.#reasonsAt = { query: about, time: performance.now() };
    }
  }

  #query(): Query | null {
    if (this.asked.kind === "item") return { kind: "item", item: this.asked.item };
    if (this.asked.kind === "image") return { kind: "image", bytes: this.asked.bytes, name: this.asked.name };
    return this.#words.trim() ? { kind: "text", text: this.#words } : null;
  }
}
