// Exports of the run itself: what is being made, how far it is, and what came of it.
import type { Lab } from "../lab.svelte";
import type { Export } from "../protocol";
import { fileName, saveFile } from "../save";

/** One button: `ending` picks a file where an export has two. */
export interface RunFile { id: string; what: Export; ending: string }
export const RUN_FILES: readonly RunFile[] = [
  { id: "page", what: "page", ending: "zip" },
  { id: "npz", what: "embeddings", ending: "npz" },
  { id: "jsonl", what: "jsonl", ending: "jsonl" },
  { id: "tsv", what: "tsv", ending: "zip" },
  { id: "weights", what: "weights", ending: "safetensors" },
  { id: "features", what: "features", ending: "safetensors" },
  { id: "csv", what: "metrics", ending: "csv" },
  { id: "json", what: "metrics", ending: "json" },
];
/** What a tab of 2 GiB can still hold twice. */
const MOST_BYTES = 400e6;

export class RunFiles {
  making = $state.raw<{ id: string; share: number | null } | null>(null);
  done = $state.raw<{ name: string; bytes: number } | null>(null);
  problem = $state("");
  sizes = $state.raw<Partial<Record<Export, number>>>({});

  constructor(private readonly lab: Lab) {}

  async look(): Promise<void> {
    try {
      this.sizes = await this.lab.need.call("export_sizes", null);
    } catch (error) {
      this.problem = message(error);
    }
  }

  tooLarge(what: Export): boolean {
    return (this.sizes[what] ?? 0) > MOST_BYTES;
  }

  async make({ id, what, ending }: RunFile): Promise<void> {
    if (this.making) return;
    this.making = { id, share: null };
    this.done = null;
    this.problem = "";
    try {
      const client = this.lab.need;
      client.exporting = (share) => (this.making = { id, share });
      const files = await client.call("export", { what }).finally(() => (client.exporting = null));
      const file = files.find(({ name }) => name.endsWith(`.${ending}`));
      if (!file) throw new Error(ending);
      const name = `${fileName(this.lab)}_${file.name}`;
      saveFile(name, new Blob([file.bytes]));
      this.done = { name, bytes: file.bytes.length };
    } catch (error) {
      this.problem = message(error);
    } finally {
      this.making = null;
    }
  }
}

const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));
