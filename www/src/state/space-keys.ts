// How the space is looked at, as address keys: the first value of each is the default and is not written.
const KEYS = {
  colour: ["class", "cluster", "modality", "distance", "rank"],
  points: ["both", "image", "text"],
  draw: ["zoom", "pictures", "dots"],
  layout: ["pca", "umap", "tsne"],
  dims: ["2", "3"],
  lines: ["off", "on"],
  near: ["off", "on"],
} as const;

export type SpaceKey = keyof typeof KEYS;
export type SpaceKeys = { [K in SpaceKey]: (typeof KEYS)[K][number] };
export type Colour = SpaceKeys["colour"];
export type Points = SpaceKeys["points"];
export type Draw = SpaceKeys["draw"];
export type LayoutKind = SpaceKeys["layout"];

const names = Object.keys(KEYS) as SpaceKey[];
export const valuesOf = <K extends SpaceKey>(key: K): readonly SpaceKeys[K][] => KEYS[key] as readonly string[] as readonly SpaceKeys[K][];

export const spaceDefaults = (): SpaceKeys => Object.fromEntries(names.map((key) => [key, KEYS[key][0]])) as unknown as SpaceKeys;

/** Takes a part of the address if it is one of these: whether it was, and whether its value is known. */
export function readSpaceKey(into: SpaceKeys, key: string, text: string): "other" | "known" | "unknown" {
  const name = names.find((known) => known === key);
  if (!name) return "other";
  const value = KEYS[name].find((known) => known === text);
  if (value) Object.assign(into, { [name]: value });
  return value ? "known" : "unknown";
}

export function writeSpaceKeys(params: URLSearchParams, keys: SpaceKeys): void {
  for (const name of names) if (keys[name] !== KEYS[name][0]) params.set(name, keys[name]);
}
