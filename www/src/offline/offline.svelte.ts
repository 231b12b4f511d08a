// Complete without a network after the first visit: when a run stands, a service worker is asked to keep the site, the
// engine and all data. In the background, so that the first screen stays small.
import type { Lab } from "../lab.svelte";
import { t } from "../strings";
import { PACKS, partFile } from "./addresses";
import type { FromKeeper, ToKeeper } from "./messages";

/** After a run stands: the page's own work comes first. */
const QUIET_MS = 3_000;

class Offline {
  /** Everything that the page can use is kept. */
  kept = $state(false);
  #began = false;
  #waits = false;

  /** Called when a run stands, and again when its device changed. */
  async keep(lab: Lab): Promise<void> {
    // A frame on a slide is a guest: it keeps nothing. Without storage or HTTPS there is no service worker.
    if (!import.meta.env.PROD || lab.address.embed || !("serviceWorker" in navigator)) return;
    // One call waits for all: what is wanted is read afterwards. Where no worker may be registered `ready` never comes, and
    // every call that waited for it would stay in memory.
    if (this.#waits) return;
    this.#waits = true;
    const { serviceWorker } = navigator;
    try {
      if (!this.#began) {
        this.#began = true;
        serviceWorker.addEventListener("message", ({ data }: MessageEvent<FromKeeper>) => this.#heard(data, lab));
        await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
        await serviceWorker.register(new URL("sw.js", lab.base), { updateViaCache: "none" });
      }
      const { active } = await serviceWorker.ready;
      active?.postMessage({ keep: wanted(lab) } satisfies ToKeeper);
    } catch (error) {
      // Forbidden (private windows, policies): the page works as long as there is a network.
      console.warn(error);
    } finally {
      this.#waits = false;
    }
  }

  #heard(said: FromKeeper, lab: Lab): void {
    if (said.type === "kept") {
      this.kept = said.all && !thrifty();
    } else if (!said.files.some((file) => new URL(file, lab.base).href === own())) {
      lab.notice ??= { tone: "info", text: t.offline.newVersion, action: { label: t.offline.reload, run: () => void reload(lab) } };
    }
  }
}

/** The page's own script: of another build than the site that is kept now, it is old. */
const own = (): string => document.querySelector<HTMLScriptElement>("script[type=module][src]")?.src ?? "";

/** Somebody pays by the megabyte: only what is in use is kept. */
const thrifty = (): boolean => (navigator as { connection?: { saveData?: boolean } }).connection?.saveData === true;

function wanted(lab: Lab): string[] {
  const { bundles, manifest } = lab;
  // From the next visit on memory may be shared: then it is the threaded bundle that is loaded.
  const threaded = lab.address.threads === 1 ? null : bundles?.threads;
  const engines = [thrifty() && threaded && crossOriginIsolated ? null : bundles?.cpu, thrifty() && !crossOriginIsolated ? null : threaded, thrifty() ? null : bundles?.files, lab.device?.kind === "gpu" ? bundles?.gpu : null].flatMap((files) => (files ? [files.js, files.wasm, ...(files.rest ? [files.rest] : []), ...(files.kernels ?? [])] : []));
  const view = lab.ready?.info.display_view;
  const parts = (manifest?.parts ?? []).filter(({ name }) => !thrifty() || name.startsWith(`${view}-a`) || name === "en-a");
  const trained = thrifty() ? [] : ["trained/run.json", "trained/run.safetensors"];
  const pack = parts.length > 0 ? `${PACKS}${manifest?.name}/` : null;
  return ["bundles.json", ...trained, ...engines, ...(pack ? ["manifest.json", ...parts.map(partFile)].map((file) => pack + file) : [])];
}

async function reload(lab: Lab): Promise<void> {
  // Its snapshot is written first, so that the run comes along.
  if (lab.running) await lab.pause();
  location.reload();
}

export const offline = new Offline();
