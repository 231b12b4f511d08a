// Entry: what this browser lacks is said before anything else; a page is never blank.
import { simd } from "wasm-feature-detect";
import { mount } from "svelte";
import "./app.css";
import App from "./views/App.svelte";
import { lab } from "./lab.svelte";
import type { Config, ConfigDiff, Metrics } from "./protocol";
import { t } from "./strings";
import type { Track } from "./timeline.svelte";

async function missing(): Promise<string | null> {
  if (typeof WebAssembly !== "object") return t.errors.noWasm;
  if (!(await simd().catch(() => false))) return t.errors.noSimd;
  if (typeof Worker !== "function" || typeof OffscreenCanvas !== "function") return t.errors.noWorker;
  return null;
}

const target = document.getElementById("app");
if (target) mount(App, { target });

void missing().then((sentence) => {
  if (sentence) {
    lab.phase = "failed";
    lab.notice = { tone: "warn", text: sentence };
  } else {
    void lab.boot();
  }
});

declare global {
  interface Window {
    /** For tests and for the curious: where the run stands, and a way to break the GPU. */
    __lab: { state(): LabState; loseDevice(): Promise<void>; wasmBytes(): Promise<number>; dismissTwin(): void; plot(): PlotState | null; titles(): string[]; pairs(): Promise<Record<"image_rank" | "text_rank" | "score", number[]>>; timeline(): TimelineState };
  }
}
export interface LabState {
  phase: string; running: boolean; pausing: boolean; finished: boolean; step: number; device: string | null; deviceWhy: string; threads: number;
  /** Name of the data set. */
  data: string;
  parameters: number; total: number; evaluations: number; snapshotStep: number | null; savedStep: number | null;
  metrics: Record<string, number | null> | null; losses: { step: number; total: number }[];
  retuned: { step: number; config: ConfigDiff }[]; config: Config | null;
  twin: { ready: boolean; step: number; losses: { step: number; total: number }[]; metrics: Record<string, number | null> | null };
  overlaid: string[];
}
/** Pixels (x y x y ...) of every picture and then of every text of the run's plot; of every picture how much of it is drawn. */
export interface PlotState { screen: number[]; detail: number[] }
export interface TimelineState {
  at: number | null; playing: boolean;
  /** Recorded steps and, of the run and its twin, where the first items stand on screen. */
  steps: number[]; twinSteps: number[]; shown: number[]; twinShown: number[];
}
const someOf = (track: Track): number[] => [...(track.positions?.image ?? []).slice(0, 40), ...(track.positions?.text ?? []).slice(0, 40)];
const numbers = (metrics: Metrics | null): Record<string, number | null> | null =>
  metrics && Object.fromEntries(Object.entries(metrics).filter((entry): entry is [string, number | null] => entry[1] === null || typeof entry[1] === "number"));
window.__lab = {
  state: () => ({
    phase: lab.phase,
    running: lab.running,
    pausing: lab.pausing,
    finished: lab.finished,
    step: lab.step,
    device: lab.device?.kind ?? null,
    deviceWhy: lab.deviceWhy,
    threads: lab.threads,
    data: lab.ready?.info.corpus ?? "",
    parameters: lab.ready?.info.parameters ?? 0,
    total: lab.info?.total_steps ?? 0,
    evaluations: lab.history.evaluations.length,
    snapshotStep: lab.lastSnapshot?.step ?? null,
    savedStep: lab.savedStep,
    metrics: numbers(lab.history.metrics),
    losses: lab.history.steps.map(({ step, total }) => ({ step, total })),
    retuned: lab.history.retuned.map(({ step, config }) => ({ step, config })),
    config: lab.config,
    twin: { ready: lab.twin.ready, step: lab.twin.step, losses: lab.twin.history.steps.map(({ step, total }) => ({ step, total })), metrics: numbers(lab.twin.history.metrics) },
    overlaid: lab.runs.overlaid.map(({ name }) => name),
  }),
  plot: () => {
    const [screen, detail] = [lab.space.plot?.screen(), lab.space.plot?.detail()];
    return screen && detail ? { screen: [...screen], detail: [...detail] } : null;
  },
  titles: () => (lab.ready?.items ?? []).map(({ title }) => title),
  pairs: async () => {
    const { image_rank, text_rank, score } = await lab.need.call("pairs", null);
    return { image_rank: [...image_rank], text_rank: [...text_rank], score: [...score] };
  },
  dismissTwin: () => lab.twin.dismiss(),
  timeline: () => {
    const { at, playing, run, twin } = lab.timeline;
    return { at, playing, steps: [...lab.timeline.steps], twinSteps: twin.recording.frames.map(({ step }) => step), shown: someOf(run), twinShown: someOf(twin) };
  },
  wasmBytes: () => lab.need.call("memory", null),
  loseDevice: async () => {
    await lab.need.call("lose_device", null);
  },
};
