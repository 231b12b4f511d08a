// One job of the engine, in a worker as in the page, with the loops and the threads that the page gives it.
import { compiled, join } from "./worker/team.ts";

self.onmessage = async ({ data: { job, repeat, threads, kernels } }) => {
  try {
    const engine = await import("./engine/mtls_lab.js");
    const { memory } = await engine.default({ module_or_path: "./engine/mtls_lab_bg.wasm" });
    const module = await compiled(kernels.map((name) => `./engine/${name}`));
    if (!module) throw new Error(`none of ${kernels} is to be had`);
    const all = await new Promise((resolve, reject) => {
      join(engine, module, memory, threads, resolve).then(() => threads === 1 && resolve(1), reject);
    });
    self.postMessage({ row: { ...(await engine.bench(JSON.stringify(job), repeat)), threads: all } });
  } catch (error) {
    self.postMessage({ error: error.message });
  }
};
