// A video of a film: painted on a canvas of its own in real time and recorded from it by the browser.
import { SIZES } from "./card";
import type { Film } from "./cards";
import { compose, Details } from "./compose";
import { CanvasPen } from "./pen";

export interface VideoKind { ending: "webm" | "mp4"; mime: string }
const KINDS: VideoKind[] = [
  { ending: "webm", mime: "video/webm;codecs=vp9" },
  { ending: "webm", mime: "video/webm;codecs=vp8" },
  { ending: "webm", mime: "video/webm" },
  { ending: "mp4", mime: "video/mp4;codecs=avc1.42E01F" },
  { ending: "mp4", mime: "video/mp4" },
];
const FRAMES_PER_SECOND = 30;
const BITS_PER_SECOND = 8e6;
/** The last picture stands this long. */
export const HOLD_SECONDS = 1.6;

/** What this browser records; null: no video at all. */
export function videoKind(): VideoKind | null {
  if (typeof MediaRecorder !== "function" || !("captureStream" in HTMLCanvasElement.prototype)) return null;
  return KINDS.find(({ mime }) => MediaRecorder.isTypeSupported(mime)) ?? null;
}

export async function recordVideo(film: Film, kind: VideoKind, progress: (share: number) => void, signal: AbortSignal): Promise<Blob> {
  const [width, height] = SIZES[film.look.shape];
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d", { alpha: false });
  if (!context) throw new Error("no canvas");
  const pen = new CanvasPen(context, width, height, 1, film.look.theme, film.look.sheet);
  const details = new Details(() => performance.now());
  compose(pen, film.look, film.at(0), details);
  const stream = canvas.captureStream(FRAMES_PER_SECOND);
  const recorder = new MediaRecorder(stream, { mimeType: kind.mime, videoBitsPerSecond: BITS_PER_SECOND });
  const parts: Blob[] = [];
  recorder.ondataavailable = ({ data }) => parts.push(data);
  const stopped = new Promise<void>((resolve, reject) => {
    recorder.onstop = () => resolve();
    recorder.onerror = (event) => reject((event as Event & { error?: Error }).error ?? new Error("the recording failed"));
  });
  stopped.catch(() => undefined);
  try {
    recorder.start(500);
    const total = film.seconds + HOLD_SECONDS;
    let passed = 0;
    let before = performance.now();
    while (passed < total) {
      await new Promise((resolve) => setTimeout(resolve, 1000 / FRAMES_PER_SECOND));
      signal.throwIfAborted();
      const now = performance.now();
      // Behind a hidden tab timers rest: so does the recording, and the film has no hole.
      if (document.hidden) {
        if (recorder.state === "recording") recorder.pause();
      } else {
        if (recorder.state === "paused") recorder.resume();
        passed += Math.min(250, now - before) / 1000;
        compose(pen, film.look, film.at(Math.min(1, passed / film.seconds)), details);
        progress(Math.min(1, passed / total));
      }
      before = now;
    }
    recorder.stop();
    await stopped;
    return new Blob(parts, { type: kind.mime.split(";")[0]! });
  } finally {
    if (recorder.state !== "inactive") recorder.stop();
    for (const track of stream.getTracks()) track.stop();
    canvas.width = canvas.height = 0;
  }
}
