// The settings on screen: data set, preset, and the values in which they differ from the preset.
import { SvelteMap } from "svelte/reactivity";
import type { Config, ConfigDiff, DataChoice, Preset } from "../protocol";
import { differenceFrom, layered, SETTING_BY_KEY, valueIn, type Value } from "./settings";
import { asDataSet, type DataSet } from "./data-names";
import { choiceOf } from "./data-sets";
import { readAddress, runAddress, type Address } from "./url";

export class RunSettings {
  data = $state<DataSet>("emoji-1k");
  /** Name of a preset; empty for the first, the default. */
  preset = $state("");
  readonly values = new SvelteMap<string, Value>();
  /** The seed was given in the link: the run is to be the same everywhere, so it stays on the CPU. */
  seedGiven = $state(false);
  #defaults = $state.raw<Config | null>(null);
  #presets = $state.raw<Preset[]>([]);

  constructor(address: Address) {
    this.adopt(address);
  }

  adopt(address: Address): void {
    this.data = address.data;
    this.preset = address.preset;
    this.values.clear();
    for (const [key, value] of address.values) this.values.set(key, value);
    this.seedGiven = address.values.has("seed");
  }

  /** Takes the settings of a saved run. */
  restore(run: string): void {
    this.adopt(readAddress(run));
  }

  known(defaults: Config, presets: Preset[]): void {
    this.#defaults = defaults;
    this.#presets = presets;
    // The first preset is the default; the address does not name it.
    if (!presets.slice(1).some((preset) => preset.name === this.preset)) this.preset = "";
  }

  get defaults(): Config | null {
    return this.#defaults;
  }

  get choice(): DataChoice {
    return choiceOf(this.data);
  }

  /** Defaults and preset. */
  get base(): Config | null {
    if (!this.#defaults) return null;
    return layered(this.#defaults, this.#presets.find((preset) => preset.name === this.preset)?.config ?? {});
  }

  get(key: string): Value {
    const setting = SETTING_BY_KEY.get(key);
    if (this.values.has(key)) return this.values.get(key)!;
    return setting && this.base ? valueIn(this.base, setting) : null;
  }

  set(key: string, value: Value): void {
    const setting = SETTING_BY_KEY.get(key);
    // The seed stays in the address even when it is the default: giving it means "the same run".
    if (key !== "seed" && setting && this.base && valueIn(this.base, setting) === value) this.values.delete(key);
    else this.values.set(key, value);
  }

  /** A preset that is made for other data stays behind. */
  chooseData(data: DataSet): void {
    this.data = data;
    if ((this.#presets.find((preset) => preset.name === this.preset)?.data ?? data) !== data) this.choosePreset("");
  }

  choosePreset(name: string): void {
    this.data = asDataSet(this.#presets.find((preset) => preset.name === name)?.data ?? "") ?? this.data;
    this.preset = name === this.#presets[0]?.name ? "" : name;
    this.values.clear();
  }

  /** What the engine gets: preset and values, without what is default anyway. */
  get difference(): ConfigDiff {
    if (!this.#defaults || !this.base) return {};
    const full = layered(this.base, differenceFrom(this.base, this.values));
    const all = new Map([...SETTING_BY_KEY].map(([key, setting]) => [key, valueIn(full, setting)]));
    return differenceFrom(this.#defaults, all);
  }

  /** The run as an address. */
  get run(): string {
    return runAddress(this.data, this.preset, this.values);
  }
}
