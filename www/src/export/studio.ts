// The export worker as the page sees it: one job after the other, and it can be stopped at any moment.
import type { FromStudio, JobName, Jobs, ToStudio } from "./studio.worker";

export class Studio {
  #worker = new Worker(new URL("./studio.worker.ts", import.meta.url), { type: "module", name: "mtls-lab export" });
  #refuse: (error: Error) => void = () => undefined;

  /** Ends with this signal. */
  constructor(signal: AbortSignal) {
    signal.addEventListener("abort", () => this.close(), { once: true });
  }

  do<N extends JobName>(job: N, args: Jobs[N]["args"]): Promise<Jobs[N]["result"]> {
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      this.#worker.onmessage = ({ data }: MessageEvent<FromStudio>) => ("problem" in data ? reject(new Error(data.problem)) : resolve(data.result as Jobs[N]["result"]));
      this.#worker.onerror = (event) => {
        event.preventDefault();
        reject(new Error(event.message || "the export worker stopped"));
      };
      this.#worker.postMessage({ job, args } as ToStudio);
    });
  }

  close(): void {
    this.#worker.terminate();
    this.#refuse(new DOMException("", "AbortError"));
  }
}
