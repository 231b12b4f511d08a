// What can be trained beside a run: a preset, an objective of the comparison, or a recorded run, brought to the same
// seed and batches, so that the two differ in the method and in nothing that chance decides.
import type { Config, ConfigDiff, Objective, Preset } from "./protocol";
import { presetTitle } from "./state/describe";
import { layered, differenceFrom, SETTING_BY_KEY, valueIn } from "./state/settings";
import { readAddress } from "./state/url";

/** Settings that decide which items are held out, which stand in a batch, and when it is measured. */
const BATCHES = ["seed", "split", "test_view", "fold", "validation", "validation_part", "batch", "per_item", "epochs", "stop_epoch", "eval_every"];
/** When a run is measured changes nothing about it. */
const SILENT = "eval_every";

/** A configuration by name; `own`: it was a whole run, so that each of its settings was meant. */
export interface Partner { name: string; config: Config; own: boolean }
interface Known { defaults: Config; presets: Preset[]; objectives: Objective[]; nameOf(config: Config): string }

/** `preset:NAME`, `objective:ID` or `run:ADDRESS`; null: there is none such. */
export function partnerNamed(beside: string, { defaults, presets, objectives, nameOf }: Known): Partner | null {
  const [, kind, which = ""] = /^(\w+):(.*)$/.exec(beside) ?? [];
  const of = (name: string, difference: ConfigDiff): Partner => ({ name, config: layered(defaults, difference), own: false });
  if (kind === "preset") {
    const preset = presets.find(({ name }) => name === which);
    return preset ? of(presetTitle(preset), preset.config) : null;
  }
  if (kind === "objective") {
    const objective = objectives.find(({ id }) => id === which);
    return objective ? of(objective.id, objective.config) : null;
  }
  if (kind !== "run") return null;
  const address = readAddress(which);
  if (address.unknown.length > 0 || (address.preset && !presets.some(({ name }) => name === address.preset))) return null;
  const base = layered(defaults, presets.find(({ name }) => name === address.preset)?.config ?? {});
  const config = layered(base, differenceFrom(base, address.values));
  return { name: nameOf(config), config, own: true };
}

/** The partner on the seed and batches of `run`, and the settings in which that is not what it is by itself. */
export function onBatchesOf(run: Config, { config, own }: Partner, defaults: Config): { config: Config; forced: string[] } {
  const settings = BATCHES.map((key) => SETTING_BY_KEY.get(key)!);
  const other = settings.filter((setting) => valueIn(config, setting) !== valueIn(run, setting));
  // A preset leaves most settings at their defaults without meaning them.
  const meant = other.filter((setting) => setting.key !== SILENT && (own || valueIn(config, setting) !== valueIn(defaults, setting)));
  const values = new Map(other.map((setting) => [setting.key, valueIn(run, setting)]));
  return { config: layered(config, differenceFrom(config, values)), forced: meant.map(({ key }) => key) };
}

/** Of a change during the run what a partner has to take with it to see the same batches; the rest is its own matter. */
export function batchesOf(change: ConfigDiff): ConfigDiff {
  const settings = BATCHES.map((key) => SETTING_BY_KEY.get(key)!);
  const part: ConfigDiff = {};
  for (const { at } of settings) {
    const [section, name] = at;
    if (section !== "seed" && name !== undefined && Object.hasOwn(change[section] ?? {}, name)) (part[section] ??= {})[name] = change[section]![name];
  }
  return part;
}
