// A thread that does parts of the engine's loops, in the engine's memory, for as long as the engine's worker lives.
import { help, type Joining, type Loops } from "./team";

const scope = self as unknown as DedicatedWorkerGlobalScope;

scope.onmessage = async ({ data: { module, memory, control, thread, room } }: MessageEvent<Joining>) => {
  const { exports } = await WebAssembly.instantiate(module, { env: { memory } });
  scope.postMessage("ready");
  help(exports as unknown as Loops, control, thread, room);
};
