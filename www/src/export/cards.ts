// From the state of the page to what an export shows: the look once, and a card per moment.
import type { Colouring } from "../colouring.svelte";
import { categorical, type Rgb } from "../draw/palette";
import type { Lab } from "../lab.svelte";
import { presetTitle } from "../state/describe";
import { fixed, language, t } from "../strings";
import { filmSeconds, metricsAt, type Track } from "../timeline.svelte";
import type { Positions, Shown } from "../twin.svelte";
import { boundsOf, type Bounds, type Card, type Look, type Panel, type Shape, type Theme } from "./card";

/** What plays: the number of pictures, and how to get each. */
export interface Film { look: Look; seconds: number; at(share: number): Card }

export const hex = (colour: Rgb): string => `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;

function themeOnScreen(): Theme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return { ground: token("sheet"), ink: token("ink"), soft: token("soft"), line: token("line"), image: token("image"), text: token("text"), serif: token("serif"), sans: token("sans"), language };
}

export class Cards {
  constructor(private readonly lab: Lab, private readonly colouring: Colouring) {}

  /** The moment on screen. */
  get step(): number {
    return this.lab.timeline.run.step;
  }
  get epoch(): number {
    return this.#epochOf(this.step);
  }

  look(shape: Shape): Look {
    const { lab, colouring } = this;
    const ready = lab.ready!;
    const { evaluations } = lab.twin.shown === "twin" ? lab.twin.history : lab.history;
    const best = Math.max(10, ...evaluations.map(({ metrics }) => metrics.mr));
    const last = Math.max(1, lab.step);
    const names = colouring.by === "class" ? ready.info.classes : Array.from({ length: colouring.k }, (_, i) => String(i + 1));
    // Asked for by the licences wherever the pictures are shown.
    const credits = (lab.manifest?.credits ?? []).filter(({ part }) => part === ready.info.display_view && colouring.thumbnails);
    return {
      shape,
      title: t.timeline.card.title,
      subtitle: this.#subtitle(),
      brand: t.brand,
      keys: { image: t.plot.keyImage, text: t.plot.keyText },
      legend: names.map((name, i) => ({ name, colour: hex(categorical(i)) })),
      credit: credits.map(({ title, authors, licence }) => `${title}, ${authors}, ${licence}`).join(" · "),
      curve: { name: this.#curveName(), points: evaluations.filter(({ step }) => step <= last).map(({ step, metrics }) => [step / last, metrics.mr / best]) },
      colours: colouring.colours,
      titles: ready.items.map(({ title }) => title),
      thumbnails: colouring.thumbnails,
      lines: colouring.lines,
      selected: lab.selected,
      sheet: { bitmap: ready.bitmap, size: ready.atlas.size, columns: ready.atlas.columns, count: ready.items.length },
      theme: themeOnScreen(),
    };
  }

  /** The moment on screen as a card; null while there are no positions. */
  still(): Card | null {
    const panels = this.#panels((track) => track.positions, this.step, this.lab.twin.shown, (track) => boundsOf([track.positions!]));
    return panels.length > 0 ? this.#card(panels, this.step, this.lab.step) : null;
  }

  /** From the first recorded moment to the newest. */
  film(shape: Shape): Film {
    const { timeline, twin, step: now } = this.lab;
    const { shown } = twin;
    const steps = [...timeline.steps];
    const tracks = [timeline.run, timeline.twin].filter((_, i) => shown === "both" || (shown === "run") === (i === 0));
    // As it is now: the run may go on, and thin its recording, while the film is made.
    const reels = new Map(tracks.map((track) => [track, track.recording.copy()]));
    const bounds = new Map(tracks.map((track) => [track, boundsOf(reels.get(track)!.frames)]));
    const [first, last] = [steps[0]!, steps.at(-1)!];
    return {
      look: this.look(shape),
      seconds: filmSeconds(steps.length),
      at: (share) => {
        const step = first + (last - first) * share;
        const panels = this.#panels((track) => (reels.get(track)?.frames.length ? reels.get(track)!.between(step) : null), step, shown, (track) => bounds.get(track)!);
        return this.#card(panels, step, now);
      },
    };
  }

  /** "mtls-lab_emoji-1k_mtls_seed-7_epoch-12", without an ending. */
  name(film: boolean): string {
    const { settings, config, timeline, presets, twin } = this.lab;
    const epochs = film ? `epochs-${this.#epochOf(timeline.steps[0] ?? 0)}-${this.#epochOf(timeline.steps.at(-1) ?? 0)}` : `epoch-${this.epoch}`;
    const parts = ["mtls-lab", settings.data, settings.preset || presets[0]?.name || "run", `seed-${config?.seed ?? 0}`, ...(twin.shown === "run" ? [] : [twin.shown]), epochs];
    return parts.join("_").replace(/[^\w.-]+/g, "-");
  }

  /** The moment on screen in a sentence. */
  description(): string {
    const card = this.still();
    return card ? [card.epoch.join(" "), ...card.panels.map(({ label, metrics }) => [label, ...metrics.map((pair) => pair.join(" "))].filter(Boolean).join(", "))].join(". ") : "";
  }

  #epochOf(step: number): number {
    return Math.floor(step / Math.max(1, this.lab.info?.steps_per_epoch ?? 1));
  }

  #subtitle(): string {
    const { settings, presets, config } = this.lab;
    const words = presetTitle(presets.find(({ name }) => name === settings.preset) ?? presets[0]);
    return [t.settings.sets[settings.data], words, `${t.settings.names["seed"]} ${config?.seed ?? 0}`].join(" · ");
  }

  #curveName(): string {
    const { twin } = this.lab;
    return twin.shown === "both" ? `${t.timeline.card.curve}: ${twin.nameOf(true)}` : t.timeline.card.curve;
  }

  #panels(positionsOf: (track: Track) => Positions | null, step: number, which: Shown, boundsOf: (track: Track) => Bounds): Panel[] {
    const { timeline, twin, history } = this.lab;
    const both = which === "both";
    const shown = [
      { track: timeline.run, label: both ? twin.nameOf(true) : "", seen: which !== "twin", evaluations: history.evaluations },
      { track: timeline.twin, label: twin.nameOf(false), seen: which !== "run", evaluations: twin.history.evaluations },
    ];
    return shown.flatMap(({ track, label, seen, evaluations }): Panel[] => {
      const positions = seen ? positionsOf(track) : null;
      if (!positions) return [];
      const metrics = metricsAt(evaluations, step);
      const ami = metrics?.ami_image;
      return [{
        label, image: positions.image, text: positions.text, dims: positions.dims, bounds: boundsOf(track),
        metrics: metrics ? [
          [`R@1 ${t.measures.parts.i2t}`, fixed(metrics.i2t_r1, 1)],
          [`R@1 ${t.measures.parts.t2i}`, fixed(metrics.t2i_r1, 1)],
          ...(ami === null || ami === undefined ? [] : ([["AMI", fixed(ami, 2)]] as [string, string][])),
        ] : [],
      }];
    });
  }

  #card(panels: Panel[], step: number, now: number): Card {
    const info = this.lab.info!;
    const of = Math.round(info.total_steps / Math.max(1, info.steps_per_epoch));
    return { panels, epoch: [t.timeline.card.epoch, String(this.#epochOf(step)), t.timeline.card.of(of)], at: Math.min(1, step / Math.max(1, now)) };
  }
}
