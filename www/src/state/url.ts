// The address is the run: data set, preset, and every setting that differs from the preset. `v` is its version.
import type { DeviceWish } from "../device";
import { asLanguage, type Language } from "../strings/language";
import type { Shown } from "../twin.svelte";
import { asDataSet, type DataSet } from "./data-names";
import { parseValue, SETTING_BY_KEY, type Value } from "./settings";
import { readSpaceKey, spaceDefaults, writeSpaceKeys, type SpaceKeys } from "./space-keys";

export const URL_VERSION = 1;

/** The views of the large area. */
export const VIEWS = ["space", "neighbourhoods", "matrix", "clusters", "iteration", "runs"] as const;
export type View = (typeof VIEWS)[number];
/** Those that a link shows; hiding all of them hides none. */
export const shownViews = (hidden: ReadonlySet<string>): readonly View[] => (VIEWS.every((view) => hidden.has(view)) ? VIEWS : VIEWS.filter((view) => !hidden.has(view)));
const SHOWN: Shown[] = ["run", "twin", "both"];
/** What a link can hide beside single settings and views. Credits are no such part: licences ask that they be seen. */
export const PARTS = ["header", "transport", "trained", "tabs", "twin", "settings", "data", "preset", "device", "search", "curves", "timeline", "status", "article"] as const;
export type Part = (typeof PARTS)[number];

/** Whether `hide=` may name this: a part of the page, a setting by its key, a view. */
export const hideable = (name: string): boolean => PARTS.some((part) => part === name) || SETTING_BY_KEY.has(name) || VIEWS.some((view) => view === name);

export interface Address {
  data: DataSet;
  /** Empty: the product's defaults. */
  preset: string;
  values: Map<string, Value>;
  device: DeviceWish;
  /** How many threads train on the CPU; null: as many as there are. */
  threads: number | null;
  query: string | null;
  view: View;
  /** The run, its twin, or both. */
  shown: Shown;
  /** What is trained beside the run, as partner.ts names it; empty: its twin; null: not asked for. */
  beside: string | null;
  /** The selected item. */
  item: number | null;
  /** The step that is looked at; null: now. */
  at: number | null;
  /** How the space is looked at. */
  space: SpaceKeys;
  /** Language of the page; null: the browser decides. */
  language: Language | null;
  /** Names of controls that this link does not show; they keep their values. */
  hide: Set<string>;
  /** For slides: the stage and the transport alone. */
  embed: boolean;
  /** An experiment on the same host to begin with. */
  experiment: string | null;
  /** What the address says that this version does not understand. */
  unknown: string[];
  /** It says nothing about a run: a saved one may be restored. */
  bare: boolean;
}

export function readAddress(search: string): Address {
  const params = new URLSearchParams(search);
  const address: Address = { data: "emoji-1k", preset: "", values: new Map(), device: "auto", threads: null, query: null, view: "space", shown: "run", beside: null, item: null, at: null, space: spaceDefaults(), language: null, hide: new Set(), embed: false, experiment: null, unknown: [], bare: true };
  for (const [key, text] of params) {
    const setting = SETTING_BY_KEY.get(key);
    const look = readSpaceKey(address.space, key, text);
    if (look !== "other") {
      if (look === "unknown") address.unknown.push(`${key}=${text}`);
    } else if (key === "v") {
      if (Number(text) > URL_VERSION) address.unknown.push(`v=${text}`);
    } else if (key === "device") {
      if (text === "cpu" || text === "gpu") address.device = text;
      else address.unknown.push(`device=${text}`);
    } else if (key === "threads") {
      if (/^[1-9]\d?$/.test(text)) address.threads = Number(text);
      else address.unknown.push(`threads=${text}`);
    } else if (key === "q") {
      address.query = text;
    } else if (key === "view" || key === "show") {
      const view = VIEWS.find((known) => key === "view" && known === text);
      const shown = SHOWN.find((known) => key === "show" && known === text);
      if (view) address.view = view;
      else if (shown) address.shown = shown;
      else address.unknown.push(`${key}=${text}`);
    } else if (key === "beside") {
      if (text === "twin" || /^(preset|objective|run):/.test(text)) address.beside = text === "twin" ? "" : text;
      else address.unknown.push(`beside=${text}`);
    } else if (key === "item") {
      if (/^\d{1,6}$/.test(text)) address.item = Number(text);
      else address.unknown.push(`item=${text}`);
    } else if (key === "at") {
      if (/^\d{1,9}$/.test(text)) address.at = Number(text);
      else address.unknown.push(`at=${text}`);
    } else if (key === "lang") {
      address.language = asLanguage(text);
      if (!address.language) address.unknown.push(`lang=${text}`);
    } else if (key === "experiment") {
      address.experiment = text;
      address.bare = false;
    } else if (key === "hide") {
      for (const name of text.split(",").map((part) => part.trim()).filter(Boolean)) {
        if (hideable(name)) address.hide.add(name);
        else address.unknown.push(`hide=${name}`);
      }
    } else if (key === "embed") {
      address.embed = text === "" || text === "1";
      if (!address.embed && text !== "0") address.unknown.push(`embed=${text}`);
    } else if (key === "data") {
      const data = asDataSet(text);
      if (data) address.data = data;
      else address.unknown.push(`data=${text}`);
      address.bare = false;
    } else if (key === "preset") {
      address.preset = text;
      address.bare = false;
    } else if (setting) {
      const value = parseValue(setting, text);
      if (value === undefined) address.unknown.push(`${key}=${text}`);
      else address.values.set(key, value);
      address.bare = false;
    } else {
      address.unknown.push(key);
    }
  }
  return address;
}

/** The part of the address that decides a run, in a fixed order: equal runs have equal strings. */
export function runAddress(data: DataSet, preset: string, values: ReadonlyMap<string, Value>): string {
  const params = new URLSearchParams({ v: String(URL_VERSION), data });
  if (preset) params.set("preset", preset);
  for (const key of SETTING_BY_KEY.keys()) {
    const value = values.get(key);
    if (value !== undefined) params.set(key, value === null ? "" : String(value));
  }
  return params.toString();
}

/** What is looked at, and how, beside the run itself. */
export interface Looking { device: DeviceWish; threads: number | null; query: string; view: View; shown: Shown; beside: string | null; item: number | null; at: number | null; space: SpaceKeys; language: Language | null; hide: ReadonlySet<string>; embed: boolean }

/** Puts the address into the address bar; returns it. */
export function writeAddress(run: string, { device, threads, query, view, shown, beside, item, at, space, language, hide, embed }: Looking, standardQuery: string): string {
  const params = new URLSearchParams(run);
  if (device !== "auto") params.set("device", device);
  if (threads !== null) params.set("threads", String(threads));
  if (query && query !== standardQuery) params.set("q", query);
  if (view !== "space") params.set("view", view);
  if (shown !== "run") params.set("show", shown);
  if (beside !== null) params.set("beside", beside || "twin");
  if (item !== null) params.set("item", String(item));
  if (at !== null) params.set("at", String(at));
  writeSpaceKeys(params, space);
  if (language) params.set("lang", language);
  const search = withShell(params, hide, embed);
  if (search !== location.search) history.replaceState(null, "", search + location.hash);
  return search;
}

/** The same address with these controls hidden, embedded or not. */
export function withShell(address: string | URLSearchParams, hide: Iterable<string>, embed: boolean): string {
  const params = new URLSearchParams(address);
  for (const name of ["hide", "embed"]) params.delete(name);
  const names = [...hide].join(",");
  const parts = [params.toString(), names && `hide=${names}`, embed && "embed=1"].filter(Boolean);
  return `?${parts.join("&")}`;
}
