// Names of data sets, as addresses write them. Apart from what the page says of them: the language is read from an address too.
export const DATA_SETS = ["emoji-1k", "emoji-4", "clipart", "shapes"] as const;
export type Bundled = (typeof DATA_SETS)[number];
/** A bundled or generated set, or own data of this browser by the beginning of its fingerprint. */
export type DataSet = Bundled | `own:${string}`;
export const isOwn = (text: string): text is `own:${string}` => /^own:[0-9a-f]{16}$/.test(text);
export const asDataSet = (name: string): DataSet | undefined => (isOwn(name) ? name : DATA_SETS.find((known) => known === name));
