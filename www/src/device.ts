// Which device trains, and why. Choosing is data: the sentences shown come from here and from the engine.
import type { Bundles, DeviceReport } from "./protocol";

/** Forced by `?device=`, or found out. */
export type DeviceWish = "auto" | "cpu" | "gpu";

/** Below this many (parameters x batch size) a step is too small for the GPU to win, so its bundle is not fetched. */
export const GPU_WORTH_TRYING = 1e8;
/** How long a GPU worker may be silent: before its first step (shaders compile), and beyond what steps usually take. */
export const FIRST_STEP_SILENCE_MS = 120_000;
export const STEP_SILENCE_MS = 20_000;

export type Adapter = { real: true; name: string } | { real: false; why: "missing" | "none" | "software" };

/** Whether there is a GPU behind WebGPU that is not a software one. */
export async function probeAdapter(): Promise<Adapter> {
  const gpu = (navigator as { gpu?: { requestAdapter(): Promise<unknown> } }).gpu;
  if (!gpu) return { real: false, why: "missing" };
  try {
    const adapter = (await gpu.requestAdapter()) as null | {
      isFallbackAdapter?: boolean;
      info?: { vendor: string; architecture: string; device: string; description: string; isFallbackAdapter?: boolean };
    };
    if (!adapter) return { real: false, why: "none" };
    const name = [adapter.info?.vendor, adapter.info?.architecture, adapter.info?.description].filter(Boolean).join(" ") || "GPU";
    const software = adapter.isFallbackAdapter || adapter.info?.isFallbackAdapter || /swiftshader|llvmpipe|lavapipe|basic render/i.test(name);
    return software ? { real: false, why: "software" } : { real: true, name };
  } catch {
    return { real: false, why: "none" };
  }
}

/** bundles.json: rewritten while the GPU bundle is still being built, hence never from the cache. */
export async function readBundles(base: URL): Promise<Bundles> {
  const response = await fetch(new URL("bundles.json", base), { cache: "no-store" });
  if (!response.ok) throw new Error(String(response.status));
  return (await response.json()) as Bundles;
}

interface Verdict { adapter: string; version: string; load: number; winner: "cpu" | "gpu"; cpu_ms: number; gpu_ms: number }
const VERDICT = "mtls-lab/device-verdict";

/** A remembered timing on this adapter, this version and a load within a factor of two. */
export function rememberedVerdict(adapter: string, version: string, load: number): Verdict | null {
  try {
    const verdict = JSON.parse(localStorage.getItem(VERDICT) ?? "null") as Verdict | null;
    if (!verdict || verdict.adapter !== adapter || verdict.version !== version) return null;
    return Math.abs(Math.log2(verdict.load / load)) <= 1 ? verdict : null;
  } catch {
    return null;
  }
}

/** The verdict of the engine's own timing; kept for the next visit. */
export function judge(adapter: string, version: string, load: number, report: DeviceReport): Verdict | null {
  const times = report.self_test?.times;
  if (!times) return null;
  const verdict: Verdict = { adapter, version, load, winner: report.kind, ...times };
  try {
    localStorage.setItem(VERDICT, JSON.stringify(verdict));
  } catch {
    // Without storage it is timed again next time.
  }
  return verdict;
}
