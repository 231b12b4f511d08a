// Every sentence of the page, in one language. Sentences stand in www/strings/<language>.json; here they become `t`.
// The await at the top lets no module that imports `t` run before its language is there.
import en from "../../strings/en.json";
import { readAddress } from "../state/url";
import { preferredLanguage, type Language } from "./language";

/** The other files must have the shape of the English one. */
type Sentences = typeof en;

// One import per language, spelled out: each becomes a file of its own, and only the chosen one is downloaded.
const OTHERS: Record<Exclude<Language, "en">, () => Promise<{ default: Sentences }>> = {
  de: () => import("../../strings/de.json"),
  fr: () => import("../../strings/fr.json"),
  es: () => import("../../strings/es.json"),
  zh: () => import("../../strings/zh.json"),
};

async function load(wanted: Language): Promise<[Language, Sentences]> {
  if (wanted === "en") return ["en", en];
  try {
    return [wanted, (await OTHERS[wanted]()).default];
  } catch {
    // Not to be had: a page in English is better than none.
    return ["en", en];
  }
}

const [language, sentences] = await load(readAddress(location.search).language ?? preferredLanguage());

const whole = new Intl.NumberFormat(language);
const point = new Intl.NumberFormat(language).format(0.5).charAt(1);

/** A number with its thousands grouped. */
export const n = (value: number): string => whole.format(value);
/** A number as JavaScript writes it, with this language's decimal sign. */
export const decimal = (written: number | string): string => String(written).replace(".", point);
export const fixed = (value: number, digits: number): string => decimal(value.toFixed(digits));
/** What somebody typed, with the decimal point that the address and the engine want. */
export const withPoint = (typed: string): string => (point === "," ? typed.replace(",", ".") : typed);

const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
/** The time of today, the day of any other. */
export const shortDate = (when: number): string => (when > new Date().setHours(0, 0, 0, 0) ? clock : day).format(when);

/** Puts values in the place of `{name}`. */
const fill = (template: string, values: Record<string, string | number>): string =>
  template.replace(/\{(\w+)\}/g, (placeholder, name: string) => String(values[name] ?? placeholder));
/** Inside a sentence: only the first letter, because German nouns keep theirs; names such as MTLS keep it too. */
const inside = (words: string): string => (/^\p{Lu}{2}/u.test(words) ? words : words.charAt(0).toLowerCase() + words.slice(1));

function build(s: Sentences) {
  /** Numbers far below one. */
  const tiny = (value: number): string => decimal(Number(value.toPrecision(2)));
  const ms = (value: number): string => fill(s.units.milliseconds, { n: value < 10 ? fixed(value, 1) : Math.round(value) });
  const seeds = (count: number): string => (count === 1 ? s.comparison.seedCount.one : fill(s.comparison.seedCount.more, { count }));
  return {
    ...s,
    units: {
      kilobytes: (count: number): string => fill(s.units.kilobytes, { n: count }),
      megabytes: (count: number): string => fill(s.units.megabytes, { n: fixed(count, 1) }),
    },
    settings: {
      ...s.settings,
      /** Of presets that have no entry here the engine's own words are shown. */
      presets: s.settings.presets as Record<string, { title: string; why: string }>,
      sizes: (train: number, test: number): string => fill(s.settings.sizes, { train: n(train), test: n(test) }),
      names: s.settings.names as Record<string, string>,
      hints: s.settings.hints as Record<string, string>,
      options: s.settings.options as Record<string, string>,
      invalid: (min: number, max: number): string => fill(s.settings.invalid, { min: n(min), max: n(max) }),
    },
    device: {
      ...s.device,
      tooSmall: (load: number, threshold: number): string => fill(s.device.tooSmall, { load: load.toExponential(0), threshold: threshold.toExponential(0) }),
      threads: (count: number): string => fill(s.device.threads, { count }),
      gpuFaster: (cpu: number, gpu: number): string => fill(s.device.gpuFaster, { cpu: ms(cpu), gpu: ms(gpu) }),
      cpuFaster: (cpu: number, gpu: number): string => fill(s.device.cpuFaster, { cpu: ms(cpu), gpu: ms(gpu) }),
      gpuRefused: (why: string): string => fill(s.device.gpuRefused, { why }),
    },
    plot: {
      ...s.plot,
      selected: (title: string): string => fill(s.plot.selected, { title }),
      ami: (value: number): string => fill(s.plot.ami, { value: fixed(value, 3) }),
      cluster: (i: number): string => fill(s.plot.cluster, { number: i + 1 }),
    },
    search: {
      ...s.search,
      encoder: (size: string): string => fill(s.search.encoder, { size }),
      by: (title: string): string => fill(s.search.by, { title }),
      own: (name: string): string => fill(s.search.own, { name }),
      unreadable: (name: string): string => fill(s.search.unreadable, { name }),
    },
    chosen: {
      ...s.chosen,
      rank: (rank: number | null): string => (rank === null ? s.chosen.rank.none : rank === 1 ? s.chosen.rank.first : fill(s.chosen.rank.at, { rank })),
    },
    clusters: { ...s.clusters, spaces: s.clusters.spaces as Record<string, string> },
    matrix: {
      ...s.matrix,
      firsts: (firsts: number, all: number): string => fill(s.matrix.firsts, { firsts: n(firsts), all: n(all) }),
      own: (score: number, rank: number): string => fill(s.matrix.own, { score: fixed(score, 2), rank }),
      other: (score: number, own: number, rank: number): string => fill(s.matrix.other, { score: fixed(score, 2), own: fixed(own, 2), rank }),
      words: (words: string): string => fill(s.matrix.words, { words }),
    },
    neighbours: {
      ...s.neighbours,
      now: (which: string): string => fill(s.neighbours.now, { which: inside(which) }),
      twin: (which: string): string => fill(s.neighbours.twin, { which: inside(which) }),
      overlap: (share: number): string => fill(s.neighbours.overlap, { percent: Math.round(100 * share) }),
      taught: s.neighbours.taught as Record<string, string>,
      wrong: (wrong: number, all: number): string => fill(s.neighbours.wrong, { wrong, all }),
    },
    curves: { ...s.curves, twin: (which: string): string => fill(s.curves.twin, { which: inside(which) }) },
    grouping: { ...s.grouping, found: (groups: number, noise: number): string => fill(groups === 1 ? s.grouping.found.one : s.grouping.found.many, { groups, percent: Math.round(100 * noise) }) },
    finding: {
      ...s.finding,
      was: (rank: number): string => fill(s.finding.was, { rank: n(rank) }),
      gone: (count: number): string => fill(s.finding.gone, { count }),
      shared: { images: (names: string): string => fill(s.finding.shared.images, { names }), texts: (names: string): string => fill(s.finding.shared.texts, { names }) },
      words: (words: string): string => fill(s.finding.words, { words }),
      /** `code`: of the language that the words were in. */
      through: (code: string): string => fill(s.finding.through, { language: new Intl.DisplayNames([language], { type: "language" }).of(code) ?? code }),
      lens: { ...s.finding.lens, failed: (why: string): string => fill(s.finding.lens.failed, { why }) },
      pad: { ...s.finding.pad, at: (down: boolean, x: number, y: number): string => fill(down ? s.finding.pad.down : s.finding.pad.up, { x: Math.round(100 * x), y: Math.round(100 * y) }) },
    },
    measures: { ...s.measures, at: ({ epoch, step }: { epoch: number; step: number }): string => fill(s.measures.at, { epoch: decimal(Number(epoch.toFixed(1))), step: n(step) }) },
    status: {
      ...s.status,
      download: (what: string, loaded: string, total: string): string => fill(s.status.download, { what, loaded, total }),
      epoch: (at: number, of: number): string => fill(s.status.epoch, { at, of }),
      parameters: (count: number): string => fill(s.status.parameters, { count: n(count) }),
      step: (at: number, of: number): string => fill(s.status.step, { at: n(at), of: n(of) }),
      ms: (value: number): string => fill(s.status.ms, { time: ms(value) }),
      left: (seconds: number): string => (seconds < 90 ? fill(s.status.left.seconds, { count: Math.ceil(seconds) }) : fill(s.status.left.minutes, { count: Math.ceil(seconds / 60) })),
      version: (version: string, commit: string): string => fill(s.status.version, { version, commit }),
    },
    spoken: (epoch: number, loss: number | null, i2t: number, t2i: number): string => {
      const values = { epoch: Math.round(epoch), i2t: fixed(i2t, 1), t2i: fixed(t2i, 1) };
      return loss === null ? fill(s.spoken.withoutLoss, values) : fill(s.spoken.withLoss, { ...values, loss: fixed(loss, 2) });
    },
    notices: {
      ...s.notices,
      restored: (step: number): string => fill(s.notices.restored, { step: n(step) }),
      notRestored: (why: string): string => fill(s.notices.notRestored, { why }),
      gpuLost: (why: string): string => fill(s.notices.gpuLost, { why }),
      restarted: (why: string): string => fill(s.notices.restarted, { why }),
      resumedAt: (step: number, lost: number): string => (lost > 0 ? fill(s.notices.resumedAt.lossy, { step: n(step), lost: n(lost) }) : fill(s.notices.resumedAt.lossless, { step: n(step) })),
    },
    slowly: {
      ...s.slowly,
      step: (step: number): string => fill(s.slowly.step, { step: n(step) }),
      numbers: (count: number, what: string): string => fill(s.slowly.numbers, { count, what }),
      length: (what: string, length: number): string => fill(s.slowly.length, { what, length: tiny(length) }),
      enlarged: (factor: number): string => fill(s.slowly.enlarged, { factor: n(Math.round(factor)) }),
      parts: {
        batch: { ...s.slowly.parts.batch, says: (batch: number, shown: number, title: string): string => fill(s.slowly.parts.batch.says, { batch, shown, title }) },
        features: { ...s.slowly.parts.features, says: (image: number, text: number): string => fill(s.slowly.parts.features.says, { image, text }) },
        embeddings: { ...s.slowly.parts.embeddings, says: (dim: number, title: string, score: number): string => fill(s.slowly.parts.embeddings.says, { dim, title, score: fixed(score, 2) }) },
        similarities: {
          ...s.slowly.parts.similarities,
          says: (title: string, rank: number, batch: number, rival: string, score: number): string => fill(s.slowly.parts.similarities.says, { title, rank, batch, rival, score: fixed(score, 2) }),
        },
        loss: { ...s.slowly.parts.loss, says: (total: number, temperature: number): string => fill(s.slowly.parts.loss.says, { total: fixed(total, 3), temperature: fixed(temperature, 3) }) },
        pulls: s.slowly.parts.pulls,
        update: {
          ...s.slowly.parts.update,
          says: (rate: number, norm: number, image: number, text: number): string => fill(s.slowly.parts.update.says, { rate: tiny(rate), norm: tiny(norm), image: tiny(image), text: tiny(text) }),
        },
      },
    },
    trained: {
      ...s.trained,
      shown: (start: string, end: string): string => fill(s.trained.shown, { start, end }),
      failed: (why: string): string => fill(s.trained.failed, { why }),
    },
    retune: { ...s.retune, since: (step: number): string => fill(s.retune.since, { step: n(step + 1) }) },
    runs: {
      ...s.runs,
      measures: s.runs.measures as Record<string, { head: string; title: string }>,
      instead: (name: string, value: string, own: string): string => fill(s.runs.instead, { name, value, own }),
      besideAt: (step: number): string => fill(s.runs.besideAt, { step: n(step) }),
      layNamed: (name: string): string => fill(s.runs.layNamed, { name }),
      pin: (name: string): string => fill(s.runs.pin, { name }),
      open: (name: string): string => fill(s.runs.open, { name }),
      delete: (name: string): string => fill(s.runs.delete, { name }),
      deleted: (name: string): string => fill(s.runs.deleted, { name }),
      keeps: (count: number): string => fill(s.runs.keeps, { count: n(count) }),
      changed: (step: number, what: string): string => fill(s.runs.changed, { step: n(step), what }),
      dropped: (count: number): string => fill(s.runs.dropped, { count: n(count) }),
    },
    comparison: {
      ...s.comparison,
      roles: s.comparison.roles as Record<string, string>,
      losses: s.comparison.losses as Record<string, string>,
      towers: s.comparison.towers as Record<string, string>,
      ablations: s.comparison.ablations as Record<string, string>,
      terms: (data: string, split: string, epochs: number, seeds: number): string => fill(s.comparison.terms, { data, split, epochs: n(epochs), seeds: n(seeds) }),
      all: (objectives: number, count: number): string => fill(s.comparison.all, { objectives, seeds: seeds(count) }),
      pair: (count: number): string => fill(s.comparison.pair, { seeds: seeds(count) }),
      these: (objectives: number, count: number): string => fill(s.comparison.these, { objectives, seeds: seeds(count) }),
      at: (objective: string, seed: number, at: number, of: number): string => fill(s.comparison.at, { objective, seed, at, of }),
      failed: (objective: string, seed: number, why: string): string => fill(s.comparison.failed, { objective, seed, why }),
      weight: (weight: string): string => fill(s.comparison.weight, { weight: decimal(weight) }),
      toTwin: (ratio: number): string => fill(s.comparison.toTwin, { ratio: fixed(ratio, 2) }),
      withTransfer: (loss: string): string => fill(s.comparison.withTransfer, { loss }),
    },
    space: {
      ...s.space,
      loading: (stage: string, name: string, part: number): string => fill((s.space.loading as Record<string, string>)[stage] ?? "", { name, percent: Math.round(100 * part) }),
      laidOut: (name: string, step: number, now: number): string => fill(now === step ? s.space.laidOut : s.space.behind, { name, step: n(step), now: n(now) }),
      half: (name: string, part: number): string => fill(s.space.half, { name, percent: Math.round(100 * part) }),
      tooMany: (count: number, limit: number): string => fill(s.space.tooMany, { count: n(count), limit: n(limit) }),
      failed: (why: string): string => fill(s.space.failed, { why }),
      chosen: {
        ...s.space.chosen,
        count: (items: number, images: number, texts: number): string => fill(s.space.chosen.count, { items: n(items), images: n(images), texts: n(texts) }),
        more: (count: number): string => fill(s.space.chosen.more, { count: n(count) }),
      },
    },
    exports: {
      ...s.exports,
      about: (step: number): string => fill(s.exports.about, { step: n(step) }),
      size: (size: string): string => fill(s.exports.size, { size }),
      tooLarge: (what: string): string => fill(s.exports.tooLarge, { what }),
      making: (name: string): string => fill(s.exports.making, { name }),
      done: (name: string, size: string): string => fill(s.exports.done, { name, size }),
      problem: (why: string): string => fill(s.exports.problem, { why }),
    },
    timeline: {
      ...s.timeline,
      notNow: (epoch: number): string => fill(s.timeline.notNow, { epoch: n(epoch) }),
      exports: {
        ...s.timeline.exports,
        filmAbout: (seconds: number, size: string): string => fill(s.timeline.exports.filmAbout, { seconds, size }),
        still: (epoch: number): string => fill(s.timeline.exports.still, { epoch: n(epoch) }),
        making: (kind: string): string => fill(s.timeline.exports.making, { kind }),
        done: (name: string, size: string): string => fill(s.timeline.exports.done, { name, size }),
        problem: (why: string): string => fill(s.timeline.exports.problem, { why }),
      },
      card: { ...s.timeline.card, of: (of: number): string => fill(s.timeline.card.of, { of: n(of) }) },
    },
    own: {
      ...s.own,
      encoder: (size: string): string => fill(s.own.encoder, { size }),
      here: (size: string): string => fill(s.own.here, { size }),
      size: (items: number, size: string): string => fill(s.own.size, { items: n(items), size }),
      deleteOne: (name: string): string => fill(s.own.deleteOne, { name }),
      reading: (done: number, rows: number): string => fill(s.own.reading, { done: n(done), rows: n(rows) }),
      left: (seconds: number): string => fill(s.own.left, { seconds: n(Math.max(1, Math.round(seconds))) }),
      row: (row: number): string => fill(s.own.row, { row: n(row) }),
      more: (count: number): string => fill(s.own.more, { count: n(count) }),
      page: (page: number, pages: number): string => fill(s.own.page, { page: n(page), pages: n(pages) }),
      captionOf: (file: string): string => fill(s.own.captionOf, { file }),
      leaveOutOne: (file: string): string => fill(s.own.leaveOutOne, { file }),
      split: (train: number, held: number, own: boolean): string => fill(own ? s.own.splitOwn : s.own.splitDrawn, { train: n(train), held: n(held) }),
      use: (count: string): string => fill(s.own.use, { count }),
      found: Object.fromEntries(Object.entries(s.own.found).map(([kind, found]) => [kind, { ...found, title: (count: number): string => fill(found.title, { count: n(count) }) }])) as Record<keyof typeof s.own.found, { title: (count: number) => string; why: string; remedy?: string }>,
    },
    experiment: {
      ...s.experiment,
      about: (step: number): string => fill(s.experiment.about, { step: n(step) }),
      kept: (step: number, total: number, size: string, date: Date): string => fill(s.experiment.kept, { step: n(step), total: n(total), size, date: day.format(date) }),
      openOne: (name: string): string => fill(s.experiment.openOne, { name }),
      saveOne: (name: string): string => fill(s.experiment.saveOne, { name }),
      deleteOne: (name: string): string => fill(s.experiment.deleteOne, { name }),
      isKept: (name: string): string => fill(s.experiment.isKept, { name }),
      used: (used: string, most: string): string => fill(s.experiment.used, { used, most }),
      opened: (name: string, step: number, total: number): string => fill(s.experiment.opened, { name, step: n(step), total: n(total) }),
      failed: (why: string): string => fill(s.experiment.failed, { why }),
      otherData: (name: string): string => fill(s.experiment.otherData, { name }),
      noData: (name: string): string => fill(s.experiment.noData, { name }),
      otherHost: (host: string): string => fill(s.experiment.otherHost, { host }),
    },
    errors: {
      ...s.errors,
      crashed: (why: string): string => fill(s.errors.crashed, { why }),
      silent: (seconds: number): string => fill(s.errors.silent, { seconds }),
      address: (parts: string): string => fill(s.errors.address, { parts }),
    },
    article: { ...s.article, sections: s.article.sections as [string, string][], keyList: s.article.keyList as [string, string][] },
  };
}

export const t = build(sentences);
/** The language the page speaks. */
export { language };

document.documentElement.lang = language;
document.title = t.title;
