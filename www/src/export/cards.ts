// From the state of the page to what an export shows: the look once, and a card per moment.
import type { Colouring } from "../colouring.svelte";
import { paint } from "../draw/paint";
import type { Lab } from "../lab.svelte";
import { presetTitle } from "../state/describe";
import { readAddress, type Address } from "../state/url";
import { titleOf } from "../state/data-sets";
import { fixed, language, t } from "../strings";
import { filmSeconds, metricsAt, type Track } from "../timeline.svelte";
import type { Positions, Shown } from "../twin.svelte";
import { legendOf } from "./legend";
import { boundsOf, type Bounds, type Card, type Colours, type Look, type Panel, type Shape, type Theme } from "./card";

/** What plays: the number of pictures, and how to get each. */
export interface Film { look: Look; seconds: number; at(share: number): Card }

function themeOnScreen(): Theme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): string => style.getPropertyValue(`--${name}`).trim();
  return { ground: token("sheet"), ink: token("ink"), soft: token("soft"), line: token("line"), image: token("image"), text: token("text"), serif: token("serif"), sans: token("sans"), language };
}

const isDark = (): boolean => getComputedStyle(document.documentElement).colorScheme === "dark";

/** Pixels of a plot as positions, y upwards; null where some are behind the eye. */
function fromScreen(screen: Float32Array | null): Positions | null {
  if (!screen || screen.length === 0 || !screen.every(Number.isFinite)) return null;
  const places = screen.map((value, i) => (i % 2 === 0 ? value : -value) / 100);
  return { image: places.slice(0, places.length / 2), text: places.slice(places.length / 2), dims: 2 };
}

export class Cards {
  constructor(private readonly lab: Lab, private readonly colouring: Colouring) {}

  /** The moment on screen. */
  get step(): number {
    return this.lab.timeline.run.shownStep;
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
    const { draw, points, lines } = lab.space.is;
    // Asked for by the licences wherever the pictures are shown.
    const pictures = draw !== "dots" && points !== "text";
    const credits = (lab.manifest?.credits ?? []).filter(({ part }) => part === ready.info.display_view && pictures);
    return {
      shape,
      title: t.timeline.card.title,
      subtitle: this.#subtitle(),
      brand: t.brand,
      keys: { image: t.plot.keyImage, text: t.plot.keyText, coloured: colouring.by === "modality" },
      legend: legendOf(colouring, ready.items, ready.info.classes, isDark()),
      credit: credits.map(({ title, authors, licence }) => `${title}, ${authors}, ${licence}`).join(" · "),
      curve: { name: this.#curveName(), points: evaluations.filter(({ step }) => step <= last).map(({ step, metrics }) => [step / last, metrics.mr / best]) },
      titles: ready.items.map(({ title }) => title),
      points,
      draw,
      lines: lines === "on",
      selected: lab.selected,
      sheet: { pages: ready.pages, layout: ready.layout, count: ready.items.length },
      theme: themeOnScreen(),
    };
  }

  /** The moment on screen as a card; null while there are no positions. */
  async still(): Promise<Card | null> {
    const { space, timeline, twin, step } = this.lab;
    const { shown } = twin;
    const colours = await this.#colours(shown);
    // A layout of its own and a turned space are only on the screen; a projection is taken as it is.
    const seen = timeline.at === null && (space.is.layout !== "pca" || space.dims === 3);
    const places = (track: Track): Positions | null => (seen ? fromScreen((track === timeline.run ? space.plot : space.twinPlot)?.screen() ?? null) : null) ?? track.positions;
    const panels = this.#panels(places, this.step, shown, colours, (positions) => boundsOf([positions]));
    return panels.length > 0 ? this.#card(panels, this.step, step) : null;
  }

  /** From the first recorded moment to the newest: projections, whatever is laid out on the screen. */
  async film(shape: Shape): Promise<Film> {
    const { timeline, twin } = this.lab;
    const { shown } = twin;
    const colours = await this.#colours(shown);
    const now = this.lab.step;
    const steps = [...timeline.steps];
    const tracks = this.#tracks(shown);
    // As it is now: the run may go on, and thin its recording, while the film is made.
    const reels = new Map(tracks.map((track) => [track, track.recording.copy()]));
    const bounds = new Map(tracks.map((track) => [track, boundsOf(reels.get(track)!.frames)]));
    const [first, last] = [steps[0]!, steps.at(-1)!];
    return {
      look: this.look(shape),
      seconds: filmSeconds(steps.length),
      at: (share) => {
        const step = first + (last - first) * share;
        const places = (track: Track): Positions | null => (reels.get(track)?.frames.length ? reels.get(track)!.between(step) : null);
        return this.#card(this.#panels(places, step, shown, colours, (_, track) => bounds.get(track)!), step, now);
      },
    };
  }

  /** The run that is shown: other settings may stand on screen and wait. */
  get #run(): Address {
    return readAddress(this.lab.activeRun);
  }

  /** "mtls-lab_emoji-1k_mtls_seed-7_epoch-12", without an ending. */
  name(film: boolean): string {
    const { config, timeline, presets, twin } = this.lab;
    const run = this.#run;
    const epochs = film ? `epochs-${this.#epochOf(timeline.steps[0] ?? 0)}-${this.#epochOf(timeline.steps.at(-1) ?? 0)}` : `epoch-${this.epoch}`;
    const parts = ["mtls-lab", run.data, run.preset || presets[0]?.name || "run", `seed-${config?.seed ?? 0}`, ...(twin.shown === "run" ? [] : [twin.shown]), epochs];
    return parts.join("_").replace(/[^\w.-]+/g, "-");
  }

  /** The moment on screen in a sentence. */
  description(card: Card): string {
    return [card.epoch.join(" "), ...card.panels.map(({ label, metrics }) => [label, ...metrics.map((pair) => pair.join(" "))].filter(Boolean).join(", "))].join(". ");
  }

  #epochOf(step: number): number {
    return Math.floor(step / Math.max(1, this.lab.info?.steps_per_epoch ?? 1));
  }

  #subtitle(): string {
    const { presets, config } = this.lab;
    const run = this.#run;
    const words = presetTitle(presets.find(({ name }) => name === run.preset) ?? presets[0]);
    // Each part stays on one line.
    return [titleOf(run.data), words, `${t.settings.names["seed"]} ${config?.seed ?? 0}`].map((part) => part.replaceAll(" ", "\u00a0")).join(" · ");
  }

  #curveName(): string {
    const { twin } = this.lab;
    return twin.shown === "both" ? `${t.timeline.card.curve}: ${twin.nameOf(true)}` : t.timeline.card.curve;
  }

  #tracks(shown: Shown): Track[] {
    const { run, twin } = this.lab.timeline;
    return [run, twin].filter((_, i) => shown === "both" || (shown === "run") === (i === 0));
  }

  /** Colours as the spaces on screen have them; what tells of pairs is known of now only. */
  async #colours(shown: Shown): Promise<Map<Track, Colours>> {
    const { by } = this.colouring;
    const found = new Map<Track, Colours>();
    for (const track of this.#tracks(shown)) {
      const pairs = by === "distance" || by === "rank" ? ((await track.client?.call("pairs", null)) ?? null) : null;
      found.set(track, paint({ by, items: this.lab.ready!.items, labelOf: (item, of) => this.colouring.labelOf(item, of), pairs, dark: isDark(), lassoed: this.lab.space.lassoed?.items ?? null }));
    }
    return found;
  }

  #panels(placesOf: (track: Track) => Positions | null, step: number, shown: Shown, colours: Map<Track, Colours>, bounds: (places: Positions, track: Track) => Bounds): Panel[] {
    const { timeline, twin, history } = this.lab;
    return this.#tracks(shown).flatMap((track): Panel[] => {
      const places = placesOf(track);
      if (!places) return [];
      const own = track === timeline.run;
      const metrics = metricsAt((own ? history : twin.history).evaluations, step);
      const ami = metrics?.ami_image;
      return [{
        label: shown === "run" ? "" : twin.nameOf(own), image: places.image, text: places.text, dims: places.dims, bounds: bounds(places, track), colours: colours.get(track)!,
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
