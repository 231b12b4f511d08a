// The data sets that the page offers: what the engine is asked for, and the preset that shows what each is there for.
import { ownSets } from "../own/sets.svelte";
import type { DataChoice } from "../protocol";
import { t } from "../strings";
import { isOwn, type Bundled, type DataSet } from "./data-names";

/** Drawing styles are in order; the first is the one shown. */
const CHOICES: Record<Bundled, DataChoice> = {
  "emoji-1k": { pack: "emoji", subset: "emoji-1k", views: ["noto"] },
  "emoji-4": { pack: "emoji", subset: "emoji-4", views: ["noto", "twemoji", "openmoji", "fluent"] },
  clipart: { pack: "clipart", subset: "clipart", views: ["clipart"] },
  shapes: { shapes: { items: 2000, seed: 1 } },
};

/** What to search for; the first is the query of a new page. English in every language of the page: so are the texts that the model reads. */
export const EXAMPLES: Record<Bundled, [string, ...string[]]> = {
  "emoji-1k": ["red fruit", "animal in the sea", "musical instrument"],
  "emoji-4": ["red fruit", "two people in love", "animal in the sea"],
  clipart: ["musical instrument", "old car", "dog", "map of a country"],
  shapes: ["a small red circle above a large blue square", "a red triangle", "a green ring in the middle"],
};

/** Of own data the first captions. */
export const examplesOf = (data: DataSet): readonly string[] => (isOwn(data) ? (ownSets.find(data)?.queries ?? []) : EXAMPLES[data]);
export const standardQuery = (data: DataSet): string => examplesOf(data)[0] ?? "";
/** Fails with a sentence where own data is not in this browser. */
export function choiceOf(data: DataSet): DataChoice {
  if (!isOwn(data)) return CHOICES[data];
  const own = ownSets.find(data);
  if (!own) throw new Error(t.own.notHere);
  return { own: own.fingerprint, file: own.file, encoded: own.encoded };
}
/** How the page calls a data set. */
export const titleOf = (data: DataSet): string => (isOwn(data) ? (ownSets.find(data)?.name ?? t.own.title) : t.settings.sets[data]);
