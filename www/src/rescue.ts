// Runs that go on from a snapshot: in another worker, where one died, lost its GPU or hangs, and those made before or elsewhere.
import type { EngineClient } from "./client";
import type { Lab } from "./lab.svelte";
import type { Config, Failure, Ready } from "./protocol";
import { choiceOf } from "./state/data-sets";
import type { Address } from "./state/url";
import { t } from "./strings";

/** Gives the page a new worker with the run of the one that is lost, and says what that cost. `at`: the step that it had reached. */
export async function takeOver(lab: Lab, failure: Failure, at: number): Promise<void> {
  const wasGpu = lab.device?.kind === "gpu";
  lab.gpuLost ||= wasGpu;
  const snapshot = lab.lastSnapshot;
  const [client, opened] = await lab.connect("cpu");
  const adopt = (): void => lab.adopt(client, opened, wasGpu ? t.device.afterLoss : lab.deviceWhy);
  if (snapshot) {
    // The page's own only once it has the run: from then on the views ask it things.
    const ready = await resumed(lab, client, snapshot.bytes);
    adopt();
    await takeSame(lab, ready);
  } else {
    lab.phase = "loading";
    adopt();
    await lab.start();
  }
  const sentence = wasGpu ? t.notices.gpuLost(failure.message) : t.notices.restarted(failure.message);
  lab.notice = { tone: "warn", text: `${sentence} ${t.notices.resumedAt(lab.step, Math.max(0, at - lab.step))}` };
}

/** A worker that is not the page's yet takes up the run on screen; it ends where it cannot. */
export async function resumed(lab: Lab, client: EngineClient, snapshot: Uint8Array): Promise<Ready> {
  try {
    return await client.call("resume", { data: choiceOf(lab.runs.data), snapshot: snapshot.slice() });
  } catch (error) {
    client.terminate();
    throw error;
  }
}

/** Shows the run on screen as its new worker has it. What was changed after the snapshot is changed again. */
export async function takeSame(lab: Lab, ready: Ready): Promise<void> {
  const known = lab.history.retuned;
  lab.take(ready, true);
  for (const { config } of known.slice(lab.history.retuned.length)) await lab.tuning.change(config);
}

interface Brought { address: Address; snapshot: Uint8Array; step: number; began: Config | null }

/** Shows a run from its snapshot in place of the one on screen, which goes on where this one cannot be. */
export async function bring(lab: Lab, { address, snapshot, step, began }: Brought): Promise<void> {
  const wasRunning = lab.running;
  try {
    const ready = await lab.need.call("resume", { data: choiceOf(address.data), snapshot: snapshot.slice() });
    // Settings that no run has yet would begin one: they change together with the run.
    lab.settings.adopt(address);
    lab.began = began;
    lab.lastSnapshot = { bytes: snapshot, step };
    lab.take(ready);
  } catch (error) {
    if (wasRunning && !lab.running) lab.train();
    throw error;
  }
}
