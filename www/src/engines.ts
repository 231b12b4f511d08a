// Which engine a worker opens: the bundle, the modules with its loops, and how many threads do them.
import { EngineClient, type Pushed } from "./client";
import type { Lab } from "./lab.svelte";
import { PACKS } from "./offline/addresses";
import type { BundleFiles, DeviceRequest, Opened } from "./protocol";
import { t } from "./strings";

/** More threads than this wait for each other: a step's products are small. */
const MOST_THREADS = 8;

/** Threads for the run (`keeps`), or for what is trained beside it. */
function threadsFor(lab: Lab, keeps: boolean): number {
  const all = lab.address.threads ?? Math.min(navigator.hardwareConcurrency || 1, MOST_THREADS);
  return keeps ? all : Math.max(1, Math.floor(all / 2));
}

/** A fresh worker with its engine open. `keeps`: it hands out snapshots of its run. */
export async function connect(lab: Lab, device: DeviceRequest, heard: (from: EngineClient, pushed: Pushed) => void, keeps: boolean): Promise<[EngineClient, Opened]> {
  const threads = threadsFor(lab, keeps);
  const shared = device === "cpu" && crossOriginIsolated && threads > 1 ? lab.bundles?.threads : null;
  const files = shared ?? (device === "cpu" ? lab.bundles?.cpu : lab.bundles?.gpu);
  if (!files) throw new Error(t.errors.bundles);
  const opening = (from: BundleFiles): Promise<[EngineClient, Opened]> => open(lab, from, threads, device, heard, keeps);
  // Where memory cannot be shared in spite of what the browser says, one thread does the work.
  return shared && lab.bundles ? opening(shared).catch(() => opening(lab.bundles!.cpu)) : opening(files);
}

async function open(lab: Lab, files: BundleFiles, threads: number, device: DeviceRequest, heard: (from: EngineClient, pushed: Pushed) => void, keeps: boolean): Promise<[EngineClient, Opened]> {
  const client: EngineClient = new EngineClient((pushed) => heard(client, pushed));
  const address = (path: string): string => new URL(path, lab.base).href;
  try {
    const opened = await client.call("open", {
      js: address(files.js),
      wasm: address(files.wasm),
      rest: files.rest ? address(files.rest) : null,
      kernels: (files.kernels ?? []).map(address),
      threads,
      packs: address(PACKS),
      device,
      workload: device === "auto" ? (lab.ready?.info.workload ?? null) : null,
      keeps,
      dims: lab.space.dims,
    });
    return [client, opened];
  } catch (error) {
    client.terminate();
    throw error;
  }
}
