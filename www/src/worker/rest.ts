// The second file of an engine (xtask/src/split.rs): functions that a first visit does not call. The page has it loaded when a
// run stands. Whoever calls one of them before that waits for it here, with the whole worker: a call cannot be left half done.
import { DownloadError } from "./download";

/** The rest cannot be had. */
export class RestMissing extends DownloadError {
  constructor(why: unknown) {
    super(`The second part of the engine could not be loaded (${why instanceof Error ? why.message : String(why)}).`);
  }
}

/** Where the table lies whose places the rest fills. */
const TABLE = "table";

export class Rest {
  #table: WebAssembly.Table | null = null;
  #loading: Promise<void> | null = null;

  /** `address`: null for an engine of one file. `first`: what the first file exports. */
  constructor(private readonly address: string | null, private readonly first: WebAssembly.Exports) {}

  /** Loads it beside whatever else there is to do; a failure is a `RestMissing`, and the next call tries again. */
  load(): Promise<void> {
    if (this.address === null || this.#table) return Promise.resolve();
    this.#loading ??= this.#load(this.address).finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #load(address: string): Promise<void> {
    try {
      const module = await WebAssembly.compileStreaming(fetch(address, { priority: "low" }));
      if (!this.#table) this.#take(module);
    } catch (error) {
      throw new RestMissing(error);
    }
  }

  /** Calls the function at `place` of the table, which is in the rest. */
  call(place: number, given: unknown[]): unknown {
    const table = this.#table ?? this.#loadNow();
    return (table.get(place) as (...given: unknown[]) => unknown)(...given);
  }

  #loadNow(): WebAssembly.Table {
    if (this.address === null) throw new RestMissing("it has none");
    const request = new XMLHttpRequest();
    request.open("GET", this.address, false);
    request.responseType = "arraybuffer";
    try {
      request.send();
      if (request.status !== 200) throw new Error(`the server answered ${request.status}`);
      return this.#take(new WebAssembly.Module(request.response as ArrayBuffer));
    } catch (error) {
      throw new RestMissing(error);
    }
  }

  #take(module: WebAssembly.Module): WebAssembly.Table {
    // Fills the table while it is instantiated.
    new WebAssembly.Instance(module, { primary: this.first });
    return (this.#table = this.first[TABLE] as WebAssembly.Table);
  }
}
