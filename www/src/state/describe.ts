// A configuration in words and as an address: what it is called, and in what it differs from another one.
import type { Config, ConfigDiff, Objective, Preset } from "../protocol";
import { decimal, t } from "../strings";
import { layered, SETTINGS, valueIn, type Setting, type Value } from "./settings";
import type { DataSet } from "./data-names";
import { runAddress } from "./url";

export const said = (setting: Setting, value: Value): string => {
  if (typeof value === "boolean") return value ? t.runs.on : t.runs.off;
  if (value === null || value === "") return "–";
  return typeof value === "number" ? decimal(value) : (t.settings.options[value] ?? value);
};

/** Settings in which `config` has other values than `from`. */
export const differing = (config: Config, from: Config): Setting[] => SETTINGS.filter((setting) => valueIn(config, setting) !== valueIn(from, setting));

/** The same in words: "Batch 64". */
export const differences = (config: Config, from: Config, without = ""): string[] =>
  differing(config, from).filter(({ key }) => key !== without).map((setting) => `${t.settings.names[setting.key] ?? setting.key} ${said(setting, valueIn(config, setting))}`);

/** Of these the one from which a configuration differs least, and its full configuration. */
function nearest<T extends { config: ConfigDiff }>(config: Config, defaults: Config, known: T[]): { of: T | undefined; base: Config } {
  const candidates = known.map((of) => ({ of, base: layered(defaults, of.config) }));
  const apart = (base: Config): number => differing(config, base).length;
  return candidates.reduce((best, other) => (apart(other.base) < apart(best.base) ? other : best), candidates[0] ?? { of: undefined, base: defaults });
}

export const presetOf = (config: Config, defaults: Config, presets: Preset[]): Preset | undefined => nearest(config, defaults, presets).of;

export const presetTitle = (preset: Preset | undefined): string => (preset ? (t.settings.presets[preset.name]?.title ?? preset.title) : "");

/** What a run is called unless somebody names it: the nearest preset or objective, and what differs from it (not when it is measured). */
export function described(config: Config, defaults: Config, presets: Preset[], objectives: Objective[]): string {
  const known = [...presets.map((preset) => ({ title: presetTitle(preset), config: preset.config })), ...objectives.map(({ id, config: own }) => ({ title: id, config: own }))];
  const { of, base } = nearest(config, defaults, known);
  return [...(of ? [of.title] : []), ...differences(config, base, "eval_every")].join(" · ");
}

/** The run as an address. The seed always stands in it: whoever opens it wants the same run. */
export function addressOf(data: DataSet, config: Config, defaults: Config, presets: Preset[]): string {
  const { of: preset, base } = nearest(config, defaults, presets);
  const values = new Map(differing(config, base).map((setting) => [setting.key, valueIn(config, setting)]));
  values.set("seed", config.seed);
  return runAddress(data, preset === presets[0] ? "" : (preset?.name ?? ""), values);
}
