// Opening a run that was made before or elsewhere: the page takes it over as it stands, and training can go on from it.
import { tick } from "svelte";
import type { Lab } from "../lab.svelte";
import { nameOf, ownSets } from "../own/sets.svelte";
import type { Config, ExperimentHeader, Origin, PageState } from "../protocol";
import { DATA_SETS, isOwn, type DataSet } from "../state/data-names";
import { bring } from "../rescue";
import { choiceOf } from "../state/data-sets";
import { addressOf } from "../state/describe";
import { readAddress, type Address } from "../state/url";
import { t } from "../strings";
import { readExperiment } from "./file";

/** Opens an experiment; whatever is wrong with it, the run on screen goes on. Says what was opened, or what was wrong. */
export async function openExperiment(lab: Lab, file: Blob, name: string): Promise<boolean> {
  try {
    const { header, snapshot, data } = await readExperiment(lab, file, name);
    const set = dataOf(header.origin) ?? (data ? `own:${data.fingerprint.slice(0, 16)}` as const : ownNameOf(header));
    if (!set) throw new Error(t.experiment.otherData(header.corpus));
    let kept = true;
    if (isOwn(set) && data) kept = (await ownSets.add(data))[1];
    if (isOwn(set) && !ownSets.find(set)) throw new Error(t.experiment.noData(header.corpus));
    const page = stateOf(header.page, header.config);
    const written = readAddress(page?.address ?? "");
    const { defaults } = lab.settings;
    if (!defaults) throw new Error(t.errors.notLoaded);
    // Another data set than the file's own: somebody changed one of the two.
    const asWritten = page !== null && written.data === set;
    const address = asWritten ? written : readAddress(addressOf(set, header.config, defaults, lab.presets));
    await bring(lab, { address, snapshot, step: header.step, began: page?.began ?? null });
    lab.keep(snapshot, header.step);
    lab.runs.recordRun();
    await look(lab, address);
    lab.notice = kept ? { tone: "info", text: t.experiment.opened(name, header.step, header.total_steps) } : { tone: "warn", text: t.own.notKept };
    return true;
  } catch (error) {
    lab.notice = { tone: "warn", text: t.experiment.failed(error instanceof Error ? error.message : String(error)) };
    return false;
  }
}

/** The one that the page's address names: `?experiment=` with a path on the same host. */
export async function openLinked(lab: Lab, path: string): Promise<boolean> {
  try {
    const url = new URL(path, lab.base);
    if (url.origin !== lab.base.origin) throw new Error(t.experiment.otherHost(url.origin));
    const answer = await fetch(url);
    if (!answer.ok) throw new Error(`${url.pathname}: ${answer.status}`);
    return await openExperiment(lab, await answer.blob(), decodeURIComponent(url.pathname.split("/").at(-1) ?? path));
  } catch (error) {
    lab.notice = { tone: "warn", text: t.experiment.failed(error instanceof Error ? error.message : String(error)) };
    return false;
  }
}

/** What is looked at, as the address says. After the views have seen that the run is another one. */
async function look(lab: Lab, { query, view, item, space, shown, beside }: Address): Promise<void> {
  await tick();
  if (query !== null) lab.query = query;
  if (lab.views.includes(view)) lab.view = view;
  if (item !== null && item < (lab.ready?.items.length ?? 0)) lab.selected = item;
  Object.assign(lab.space.is, space);
  if (beside !== null) lab.twin.choose(beside);
  lab.twin.show(shown);
  lab.writeAddress();
}

/** The page's name of data that it has itself. */
function dataOf(origin: Origin): DataSet | undefined {
  if (origin === "own") return undefined;
  return DATA_SETS.find((set) => {
    const choice = choiceOf(set);
    if ("pack" in choice && "pack" in origin) {
      const { pack, subset, views } = origin.pack;
      return pack === choice.pack && subset === choice.subset && (views.length === 0 ? choice.views.length > 1 || pack !== "emoji" : views.join() === choice.views.join());
    }
    return "shapes" in choice && "shapes" in origin && JSON.stringify(origin.shapes) === JSON.stringify(choice.shapes);
  });
}

const ownNameOf = ({ origin, fingerprint }: ExperimentHeader): DataSet | undefined => {
  const own = ownSets.all.find((one) => one.fingerprint === fingerprint);
  return own ? nameOf(own) : origin === "own" ? `own:${fingerprint.slice(0, 16)}` : undefined;
};

/** What a page wrote; the file may come from anywhere, and the command line writes none. */
function stateOf(page: unknown, now: Config): PageState | null {
  const { address, began } = (page ?? {}) as Partial<PageState>;
  return typeof address === "string" ? { address, began: alike(began, now) ? began! : null } : null;
}

/** Whether two values have the same fields of the same kinds. */
function alike(a: unknown, b: unknown): boolean {
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return a === null || b === null || typeof a === typeof b;
  const [x, y] = [Object.entries(a), b as Record<string, unknown>];
  return x.length === Object.keys(y).length && x.every(([key, value]) => key in y && alike(value, y[key]));
}
