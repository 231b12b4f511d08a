// The data sets that the page offers: what the engine is asked for, and the preset that shows what each is there for.
import type { DataChoice } from "../protocol";

export const DATA_SETS = ["emoji-1k", "emoji-4", "clipart", "shapes"] as const;
export type DataSet = (typeof DATA_SETS)[number];

/** Drawing styles are in order; the first is the one shown. */
const CHOICES: Record<DataSet, DataChoice> = {
  "emoji-1k": { pack: "emoji", subset: "emoji-1k", views: ["noto"] },
  "emoji-4": { pack: "emoji", subset: "emoji-4", views: ["noto", "twemoji", "openmoji", "fluent"] },
  clipart: { pack: "clipart", subset: "clipart", views: ["clipart"] },
  shapes: { shapes: { items: 2000, seed: 1 } },
};

/** What to search for; the first is the query of a new page. English in every language of the page: so are the texts that the model reads. */
export const EXAMPLES: Record<DataSet, [string, ...string[]]> = {
  "emoji-1k": ["red fruit", "animal in the sea", "musical instrument"],
  "emoji-4": ["red fruit", "two people in love", "animal in the sea"],
  clipart: ["musical instrument", "old car", "dog", "map of a country"],
  shapes: ["a small red circle above a large blue square", "a red triangle", "a green ring in the middle"],
};

export const standardQuery = (data: DataSet): string => EXAMPLES[data][0];
export const choiceOf = (data: DataSet): DataChoice => CHOICES[data];
export const asDataSet = (name: string): DataSet | undefined => DATA_SETS.find((known) => known === name);
