// Moving a run to the GPU: found out in the background, measured, and only kept if it is faster.
import type { EngineClient } from "./client";
import { FIRST_STEP_SILENCE_MS, GPU_WORTH_TRYING, judge, probeAdapter, readBundles, rememberedVerdict, STEP_SILENCE_MS } from "./device";
import type { Lab } from "./lab.svelte";
import { resumed, takeSame } from "./rescue";
import { t } from "./strings";

/** The GPU bundle may still be under construction (`cargo xtask serve`): how often to look. */
const POLL_MS = 5_000;

/** Considers the GPU for the run on screen; called when a run is ready. Never throws, never ends a run. */
export async function considerGpu(lab: Lab): Promise<void> {
  if (lab.device?.kind !== "cpu") return;
  // A device that was lost once is not trusted again before the page is loaded anew.
  if (lab.gpuLost) return;
  if (lab.wish === "cpu") return;
  const forced = lab.wish === "gpu";
  if (!forced && lab.settings.seedGiven) {
    lab.deviceWhy = t.device.seedPins;
    return;
  }
  const adapter = await probeAdapter();
  if (!forced && !adapter.real) {
    lab.deviceWhy = t.device.noAdapter[adapter.why];
    return;
  }
  const load = currentLoad(lab);
  if (!forced && load < GPU_WORTH_TRYING) {
    lab.deviceWhy = t.device.tooSmall(load, GPU_WORTH_TRYING);
    return;
  }
  const name = adapter.real ? adapter.name : "software";
  const version = lab.about?.version ?? "";
  const remembered = forced ? null : rememberedVerdict(name, version, load);
  if (remembered?.winner === "cpu") {
    lab.deviceWhy = t.device.cpuFaster(remembered.cpu_ms, remembered.gpu_ms);
    return;
  }
  if (!(await gpuBundle(lab))) return;
  await moveOver(lab, name, version, load, forced);
}

async function gpuBundle(lab: Lab): Promise<boolean> {
  for (;;) {
    try {
      lab.bundles = await readBundles(lab.base);
    } catch {
      // The server is gone; what is loaded goes on.
    }
    if (lab.bundles?.gpu) return true;
    lab.deviceWhy = t.device.gpuBundleMissing;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    if (lab.device?.kind !== "cpu" || lab.wish === "cpu") return false;
  }
}

async function moveOver(lab: Lab, adapter: string, version: string, load: number, forced: boolean): Promise<void> {
  lab.deviceWhy = t.device.testing;
  const wasRunning = lab.running;
  let arriving: EngineClient | null = null;
  try {
    const [client, opened] = await lab.connect(forced ? "gpu" : "auto");
    const verdict = judge(adapter, version, load, opened.device);
    if (opened.device.kind === "cpu") {
      client.terminate();
      lab.deviceWhy = verdict ? t.device.cpuFaster(verdict.cpu_ms, verdict.gpu_ms) : t.device.gpuRefused(opened.device.reason);
      return;
    }
    arriving = client;
    const goesOn = lab.running;
    await lab.pause();
    const bytes = await lab.need.call("snapshot", null);
    const ready = await resumed(lab, client, bytes);
    lab.adopt(client, opened, verdict ? t.device.gpuFaster(verdict.cpu_ms, verdict.gpu_ms) : t.device.forced);
    lab.lastSnapshot = { bytes, step: ready.info.step };
    arriving = null;
    await takeSame(lab, ready);
    if (goesOn) lab.train();
  } catch (error) {
    arriving?.terminate();
    if (wasRunning && !lab.running) lab.train();
    lab.deviceWhy = t.device.gpuRefused(error instanceof Error ? error.message : String(error));
  }
}

/** Parameters times batch size: what a step costs, roughly. */
export function currentLoad(lab: Lab): number {
  return (lab.ready?.info.parameters ?? 0) * Number(lab.settings.get("batch") ?? 0);
}

/** A GPU that neither answers nor fails: called every few seconds. */
export function watchGpu(lab: Lab): void {
  if (lab.device?.kind !== "gpu" || !lab.running || !lab.client) return;
  const limit = lab.msPerStep === 0 ? FIRST_STEP_SILENCE_MS : STEP_SILENCE_MS + 10 * lab.msPerStep;
  if (performance.now() - lab.client.lastHeard > limit) {
    void lab.replaceWorker({ message: t.errors.silent(Math.round(limit / 1000)), fatal: true, kind: "device" });
  }
}
