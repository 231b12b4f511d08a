// What the dialog of experiments does: writing the run, keeping it, opening another one.
import type { Lab } from "../lab.svelte";
import { fileName, saveFile } from "../save";
import { t } from "../strings";
import { bytes } from "../views/format";
import { attachedTo, ENDING } from "./file";
import { KeptExperiments } from "./kept.svelte";
import { openExperiment } from "./open";

export class Experiments {
  readonly kept = new KeptExperiments();
  busy = $state(false);
  said = $state("");
  problem = $state("");
  /** Own pictures and captions go along. */
  withData = $state(true);

  constructor(private readonly lab: Lab) {}

  async #guarded(work: () => Promise<void>): Promise<void> {
    if (this.busy) return;
    this.busy = true;
    this.said = this.problem = "";
    try {
      await work();
    } catch (error) {
      this.problem = error instanceof Error ? error.message : String(error);
    } finally {
      this.busy = false;
    }
  }

  /** The run as it is now. */
  async #made(): Promise<{ name: string; step: number; total: number; file: Blob }> {
    const { lab } = this;
    const [made] = await lab.need.call("export", { what: "experiment", attached: attachedTo(lab, this.withData) });
    if (!made) throw new Error(t.errors.notLoaded);
    return { name: `${fileName(lab)}${ENDING}`, step: lab.step, total: lab.info?.total_steps ?? 0, file: new Blob([made.bytes]) };
  }

  save(): Promise<void> {
    return this.#guarded(async () => {
      const { name, file } = await this.#made();
      saveFile(name, file);
      this.said = t.exports.done(name, bytes(file.size));
    });
  }

  keep(): Promise<void> {
    return this.#guarded(async () => {
      const made = await this.#made();
      await this.kept.add(made).catch(() => {
        throw new Error(t.experiment.full);
      });
      this.said = t.experiment.isKept(made.name);
    });
  }

  /** True: it stands, and the dialog can close. */
  async open(file: Blob, name: string): Promise<boolean> {
    let opened = false;
    await this.#guarded(async () => {
      opened = await openExperiment(this.lab, file, name);
      // The sentence is in the bar behind the dialog.
      if (!opened) this.problem = this.lab.notice?.text ?? "";
    });
    return opened;
  }
}
