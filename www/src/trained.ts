// A finished run that ships with the page, to look at before anything is trained here. tests/trained.shot.ts makes it.
import type { Lab } from "./lab.svelte";
import { bring } from "./rescue";
import { readAddress } from "./state/url";
import { fixed, t } from "./strings";

/** `run`: its address. */
interface Trained { run: string; step: number }

const FOLDER = "trained/";
/** Shows it in place of a run that has not begun. */
export async function showTrained(lab: Lab): Promise<void> {
  try {
    const [about, bytes] = await Promise.all([
      fetched("run.json", lab.base).then((answer) => answer.json() as Promise<Trained>),
      fetched("run.safetensors", lab.base).then((answer) => answer.arrayBuffer()),
    ]);
    await bring(lab, { address: readAddress(about.run), snapshot: new Uint8Array(bytes), step: about.step, began: null });
    const ami = (at: number): string => fixed(lab.history.evaluations.at(at)?.metrics.ami_image ?? 0, 2);
    lab.notice = { tone: "info", text: t.trained.shown(ami(0), ami(-1)), action: { label: t.trained.leave, run: () => void lab.reset() } };
  } catch (error) {
    lab.notice = { tone: "warn", text: t.trained.failed(error instanceof Error ? error.message : String(error)) };
  }
}

async function fetched(file: string, base: URL): Promise<Response> {
  const answer = await fetch(new URL(FOLDER + file, base));
  if (!answer.ok) throw new Error(`${file}: ${answer.status}`);
  return answer;
}
