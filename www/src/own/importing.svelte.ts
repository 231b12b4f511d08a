// One import: from files to data, with what was found in it and the remedies that were taken. Closing ends its worker.
import type { Lab } from "../lab.svelte";
import { PACKS, partFile } from "../offline/addresses";
import type { Check, Finding, PackManifest, Plan } from "../protocol";
import { t } from "../strings";
import type { FromImporter, Shown, ToImporter } from "../worker/importer";
import type { Chosen } from "./files";
import { nameOf, ownSets } from "./sets.svelte";

export type Stage = "choose" | "reading" | "check";
/** Pictures on one page of the table of captions. */
export const PAGE = 24;
const nothing = (): Plan => ({ drop: [], captions: {}, strip_labels: false, ignore_labels: false, ignore_split: false });

/** A question without its number: each kind for itself. */
type Question = ToImporter extends infer M ? (M extends { id: number } ? Omit<M, "id"> : never) : never;
type Answer = Extract<FromImporter, { id: number | null }>;

export class Importing {
  stage = $state<Stage>("choose");
  progress = $state.raw<Extract<FromImporter, { say: "progress" }> | null>(null);
  check = $state.raw<Check | null>(null);
  plan = $state.raw<Plan>(nothing());
  shown = $state.raw<Shown[]>([]);
  /** The finding whose pictures are shown; null: all. */
  finding = $state.raw<Finding | null>(null);
  page = $state(0);
  error = $state("");
  busy = $state(false);
  name = $state("");
  /** Pictures go through the pretrained encoder. */
  encodes = $state(true);
  pictures = $state(0);
  began = 0;
  #worker: Worker | null = null;
  #asked = new Map<number, (answer: Answer) => void>();
  #next = 1;
  /** Earlier plans, to go back to. */
  earlier = $state.raw<Plan[]>([]);

  /** Address and length of the encoder's weights, which lie in the emoji's pack; null until that is known. */
  encoder = $state.raw<{ url: string; bytes: number } | null>(null);

  constructor(readonly lab: Lab) {
    const pack = new URL(`${PACKS}emoji/`, lab.base);
    void fetch(new URL("manifest.json", pack))
      .then((answer) => answer.json() as Promise<PackManifest>)
      .then(({ parts }) => {
        const part = parts.find(({ name }) => name === "encoder");
        if (part) this.encoder = { url: new URL(partFile(part), pack).href, bytes: part.bytes };
      })
      // Without it pictures are seen by shape and colour.
      .catch(() => undefined);
  }

  begin({ name, files }: Chosen): void {
    this.close();
    this.error = "";
    const engine = this.lab.bundles?.files;
    if (files.length === 0 || !engine) {
      this.error = files.length === 0 ? t.own.empty : t.errors.bundles;
      return;
    }
    this.name = name.replace(/\.(zip|tar|tgz|tar\.gz|gz)$/i, "") || t.own.unnamed;
    this.stage = "reading";
    this.began = performance.now();
    this.#worker = new Worker(new URL("../worker/importer.ts", import.meta.url), { type: "module", name: "mtls-lab importer" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromImporter>) => this.#heard(data);
    this.#worker.onerror = (event) => {
      event.preventDefault();
      this.#broken(event.message || t.own.stopped);
    };
    const js = new URL(engine.js, this.lab.base).href;
    const wasm = new URL(engine.wasm, this.lab.base).href;
    this.#worker.postMessage({ ask: "begin", begin: { js, wasm, name: this.name, files, encoder: this.encodes ? this.encoder : null } } satisfies ToImporter);
  }

  #heard(said: FromImporter): void {
    if (said.say === "progress") {
      this.progress = said;
      this.pictures = said.pictures;
    } else if (said.say === "read") {
      this.stage = "check";
      void this.look();
    } else if (said.id === null) {
      this.#broken(said.say === "failed" ? said.message : "");
    } else {
      this.#asked.get(said.id)?.(said);
      this.#asked.delete(said.id);
    }
  }

  #broken(message: string): void {
    this.close();
    this.stage = "choose";
    this.error = message;
  }

  async #ask(question: Question): Promise<Answer> {
    const id = this.#next++;
    const answer = await new Promise<Answer>((resolve) => {
      this.#asked.set(id, resolve);
      // Plans are proxies where they are state: a plain copy crosses.
      this.#worker?.postMessage(JSON.parse(JSON.stringify({ ...question, id }), (key, value: unknown) => (key === "pictures" ? Uint32Array.from(value as number[]) : value)));
    });
    if (answer.say === "failed") throw new Error(answer.message);
    return answer;
  }

  async #guarded(work: () => Promise<void>): Promise<void> {
    this.busy = true;
    this.error = "";
    try {
      await work();
    } catch (error) {
      this.error = error instanceof Error ? error.message : String(error);
    }
    this.busy = false;
  }

  /** Checks the plan, and shows the page of pictures again. */
  look(): Promise<void> {
    return this.#guarded(async () => {
      const answer = await this.#ask({ ask: "check", plan: this.plan });
      if (answer.say === "checked") this.check = answer.check;
      await this.#show();
    });
  }

  async #show(): Promise<void> {
    const all = this.listed;
    const pictures = all.slice(this.page * PAGE, (this.page + 1) * PAGE);
    const answer = await this.#ask({ ask: "about", pictures: pictures as unknown as Uint32Array });
    if (answer.say !== "shown") return;
    this.shown.forEach(({ picture }) => picture.close());
    this.shown = answer.shown;
  }

  /** Numbers of the pictures that the table goes through. */
  get listed(): number[] {
    const left = new Set(this.plan.drop);
    const all = this.finding ? this.finding.groups.flat() : Array.from({ length: this.pictures }, (_, at) => at);
    return all.filter((at) => !left.has(at));
  }

  turn(page: number): void {
    this.page = Math.max(0, Math.min(page, Math.ceil(this.listed.length / PAGE) - 1));
    void this.#guarded(() => this.#show());
  }

  filter(finding: Finding | null): void {
    this.finding = finding;
    this.turn(0);
  }

  change(plan: Plan): void {
    this.earlier = [...this.earlier, this.plan];
    this.plan = plan;
    this.finding = null;
    this.page = 0;
    void this.look();
  }

  undo(): void {
    const last = this.earlier.at(-1);
    if (!last) return;
    this.earlier = this.earlier.slice(0, -1);
    this.plan = last;
    void this.look();
  }

  caption(at: number, text: string): void {
    const captions = text.split("\n").map((line) => line.trim()).filter(Boolean);
    this.earlier = [...this.earlier, this.plan];
    this.plan = { ...this.plan, captions: { ...this.plan.captions, [at]: captions } };
    void this.look();
  }

  drop(at: number): void {
    this.earlier = [...this.earlier, this.plan];
    this.plan = { ...this.plan, drop: [...this.plan.drop, at].sort((a, b) => a - b) };
    void this.look();
  }

  captionsOf({ at, captions }: Shown): string[] {
    return this.plan.captions[at] ?? captions;
  }

  /** Puts the data together, keeps it, and begins a run on it. True: the dialog can close. */
  async use(): Promise<boolean> {
    let done = false;
    await this.#guarded(async () => {
      const answer = await this.#ask({ ask: "finish", plan: this.plan });
      if (answer.say !== "finished") return;
      // Its memory goes before the run needs as much: together they are too much for a small machine.
      this.#worker?.terminate();
      this.#worker = null;
      const [own, kept] = await ownSets.add(answer.prepared);
      const { lab } = this;
      lab.settings.chooseData(nameOf(own));
      await lab.reset();
      if (!kept) lab.notice = { tone: "warn", text: t.own.notKept };
      done = true;
    });
    return done;
  }

  close(): void {
    this.#worker?.terminate();
    this.#worker = null;
    this.#asked.clear();
    this.shown.forEach(({ picture }) => picture.close());
    this.shown = [];
    this.check = null;
    this.plan = nothing();
    this.earlier = [];
    this.finding = null;
    this.page = 0;
    this.pictures = 0;
    this.progress = null;
    this.stage = "choose";
    this.busy = false;
  }
}
