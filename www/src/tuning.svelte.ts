// Settings that change while a run stands: those the engine can take up apply from the next step on, the others wait
// for a new run. The history keeps what changed when, and the twin takes the same changes at the same steps.
import type { Lab } from "./lab.svelte";
import type { ConfigDiff } from "./protocol";
import { SETTINGS, valueIn, type Setting, type Value } from "./state/settings";
import type { DataSet } from "./state/data-names";
import { runAddress } from "./state/url";

/** The settings with which the run on screen goes. */
interface Going { data: DataSet; preset: string; values: ReadonlyMap<string, Value> }

export class Tuning {
  /** `section.key` of what may change during a run, as the engine says. */
  retunable = $state.raw<ReadonlySet<string>>(new Set());
  /** Why the engine did not take the settings on screen. */
  refusal = $state.raw<{ run: string; why: string } | null>(null);
  #going = $state.raw<Going | null>(null);
  #busy = false;

  constructor(private readonly lab: Lab) {}

  /** The run as an address; the settings on screen may already be others. */
  readonly run: string = $derived.by(() => (this.#going ? runAddress(this.#going.data, this.#going.preset, this.#going.values) : ""));

  /** Settings whose value on screen is not the run's. Another preset or data set is another run altogether. */
  readonly differing: Setting[] = $derived.by(() => {
    const { settings } = this.lab;
    const { base } = settings;
    const going = this.#going;
    if (!going || !base || going.data !== settings.data || going.preset !== settings.preset) return [];
    return SETTINGS.filter((setting) => settings.get(setting.key) !== (going.values.has(setting.key) ? going.values.get(setting.key) : valueIn(base, setting)));
  });

  /** What can be taken up now. A run that is over takes up only what makes it longer, and the rest with it. */
  readonly #able: Setting[] = $derived.by(() => {
    const able = this.differing.filter(({ at }) => this.retunable.has(at.join(".")));
    return this.lab.finished && !able.some(({ key }) => key === "epochs" || key === "stop_epoch") ? [] : able;
  });

  /** Changes with what is to be taken up; empty: nothing. */
  readonly due: string = $derived.by(() => {
    const { step, settings } = this.lab;
    return this.#able.length > 0 && step > 0 && this.refusal?.run !== settings.run ? settings.run : "";
  });

  /** Whether this setting's value on screen waits for a new run. */
  waits(key: string): boolean {
    return this.lab.step > 0 && this.differing.some((setting) => setting.key === key) && !this.#able.some((setting) => setting.key === key);
  }

  /** The step after which the run has this setting's value; null: from its beginning. */
  since({ at }: Setting): number | null {
    const [section, name] = at;
    if (name === undefined || this.lab.history.version < 0) return null;
    return this.lab.history.retuned.findLast(({ config }) => Object.hasOwn((config[section as keyof ConfigDiff] ?? {}) as object, name))?.step ?? null;
  }

  /** A run has begun with the settings on screen. */
  begin(): void {
    const { data, preset, values } = this.lab.settings;
    this.#going = { data, preset, values: new Map(values) };
    this.refusal = null;
  }

  /** Changes settings of the run from its next step on. */
  async change(config: ConfigDiff): Promise<void> {
    const { lab } = this;
    const answer = await lab.need.call("retune", { config });
    if (!lab.info) return;
    lab.info = { ...lab.info, config: answer.config, total_steps: answer.total_steps };
    lab.finished = answer.step >= answer.total_steps;
    lab.history.add([{ type: "retuned", step: answer.step, config }]);
    lab.twin.follow();
  }

  /** Hands what is due to the engine. */
  async apply(): Promise<void> {
    if (this.#busy || !this.due || !this.#going) return;
    const { settings } = this.lab;
    const run = settings.run;
    const taken = this.#able.map((setting) => ({ setting, value: settings.get(setting.key) }));
    this.#busy = true;
    let again = true;
    try {
      await this.change(differenceOf(taken));
      const values = new Map(this.#going.values);
      for (const { setting, value } of taken) values.set(setting.key, value);
      // As the settings write it: what is the preset's own is not named.
      for (const { setting } of taken) if (settings.base && values.get(setting.key) === valueIn(settings.base, setting)) values.delete(setting.key);
      this.#going = { ...this.#going, values };
      this.refusal = null;
      // A reload before the next regular snapshot would come back to a run without the change.
      const { step } = this.lab;
      this.lab.keep(await this.lab.need.call("snapshot", null), step);
    } catch (error) {
      // A worker that died refused nothing.
      if (this.lab.client?.dead !== false) again = false;
      else this.refusal = { run, why: error instanceof Error ? error.message : String(error) };
    } finally {
      this.#busy = false;
      // Changed once more meanwhile.
      if (again && this.due) void this.apply();
    }
  }
}

function differenceOf(taken: { setting: Setting; value: Value }[]): ConfigDiff {
  const diff: ConfigDiff = {};
  for (const { setting, value } of taken) {
    const [section, name] = setting.at;
    if (name !== undefined) (diff[section as "train"] ??= {})[name] = value;
  }
  return diff;
}
