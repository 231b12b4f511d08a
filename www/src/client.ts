// One worker, seen from the page: typed calls as promises, pushed messages as callbacks, and its death as an event.
import type { CallName, Calls, Failure, FromWorker } from "./protocol";

const REPLACED: Failure = { message: "The worker has been replaced.", fatal: false, kind: "replaced" };

export class EngineFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure.message);
  }
}

/** What a person is told of a question that failed: nothing where its worker was replaced, for the next movement asks the new one. */
export function told(error: unknown): string {
  if (error instanceof EngineFailure && error.failure.kind === "replaced") return "";
  return error instanceof Error ? error.message : String(error);
}

export type Pushed = Exclude<FromWorker, { type: "answer" } | { type: "refused" } | { type: "exporting" }>;

export class EngineClient {
  /** When the worker last said anything; the watchdog's clock. */
  lastHeard = performance.now();
  /** How far the export is that somebody waits for. */
  exporting: ((share: number) => void) | null = null;
  /** Those that do the engine's loops. */
  threads = 1;
  #worker: Worker;
  #next = 1;
  #open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  #dead = false;

  constructor(onPush: (message: Pushed) => void) {
    this.#worker = new Worker(new URL("./worker/worker.ts", import.meta.url), { type: "module", name: "mtls-lab engine" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (this.#dead) return;
      this.lastHeard = performance.now();
      if (data.type === "answer") {
        this.#settle(data.id)?.resolve(data.result);
      } else if (data.type === "refused") {
        this.#settle(data.id)?.reject(new EngineFailure(data.failure));
      } else if (data.type === "exporting") {
        this.exporting?.(data.share);
      } else {
        if (data.type === "team") this.threads = data.threads;
        onPush(data);
        // Whoever has not replaced it by now waits for answers that never come.
        if (data.type === "failed" && data.failure.fatal) this.#refuse(data.failure);
      }
    };
    this.#worker.onerror = (event) => {
      event.preventDefault();
      if (!this.#dead) onPush({ type: "failed", failure: { message: event.message || "The worker stopped.", fatal: true, kind: "crash" } });
    };
  }

  call<N extends CallName>(call: N, args: Calls[N]["args"]): Promise<Calls[N]["result"]> {
    if (this.#dead) return Promise.reject(new EngineFailure(REPLACED));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage({ id, call, args });
    });
  }

  /** Ends the worker; whatever was asked is refused, and nothing it still says is heard. */
  terminate(): void {
    this.#dead = true;
    this.#worker.terminate();
    this.#refuse(REPLACED);
  }

  #refuse(failure: Failure): void {
    for (const id of [...this.#open.keys()]) this.#settle(id)?.reject(new EngineFailure(failure));
  }

  get dead(): boolean {
    return this.#dead;
  }

  #settle(id: number): { resolve(value: unknown): void; reject(error: Error): void } | undefined {
    const waiting = this.#open.get(id);
    this.#open.delete(id);
    return waiting;
  }
}
