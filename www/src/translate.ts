// Queries in other languages. The text tower has learned English alone; the pack says the same things in other languages
// too. A word is looked up there, and the English word that stands at the same items takes its place: nothing is
// learned, and nothing is asked of anybody. Its files are loaded with the first word that English does not know.
import type { PackManifest } from "./protocol";
import { wordsOf } from "./words";

export interface Translation { from: string; language: string; english: string }

/** Texts of all items in one language; a phrase (folded) leads to the items that have it. */
interface Lexicon { language: string; names: Map<string, number[]>; phrases: Map<string, number[]> }

/** Upper and lower case, accents and apostrophes make no difference. */
export const folded = (text: string): string =>
  text.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replace(/ß/g, "ss").replace(/[’']/g, " ").replace(/[^\p{L}\p{N}\s-]+/gu, " ").replace(/\s+/g, " ").trim();

/** What a phrase is in English, and how surely. `whole`: without leaving out its ending. */
interface Word { english: string; score: number; whole: boolean }

/** Words (or characters) of a phrase that is looked up at once. */
const LONGEST = 8;
const SPACELESS = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}]/u;
/** Letters that may be missing at the end of a word: rote, roten, Hunde. */
const ENDINGS = 2;
const SHORTEST = 3;

/** Texts of an item in English, its name first: as the engine joins them. */
const textsOf = (query: string): string[] => query.split(", ");

async function lexicon(language: string, files: string[], base: URL, items: number): Promise<Lexicon> {
  const rows: string[][] = [];
  // Blocks in the order of the items: a small data set needs the first one only.
  for (const file of files) {
    if (rows.length >= items) break;
    const response = await fetch(new URL(file, base));
    if (!response.ok || !response.body) throw new Error(`${file}: ${response.status}`);
    rows.push(...((await new Response(response.body.pipeThrough(new DecompressionStream("gzip"))).json()) as string[][]));
  }
  const [names, phrases] = [new Map<string, number[]>(), new Map<string, number[]>()];
  const add = (to: Map<string, number[]>, phrase: string, item: number): void => {
    const at = to.get(phrase);
    if (!at) to.set(phrase, [item]);
    else if (at.at(-1) !== item) at.push(item);
  };
  rows.slice(0, items).forEach((texts, item) => {
    texts.forEach((text, nth) => {
      const phrase = folded(text);
      if (nth === 0) add(names, phrase, item);
      add(phrases, phrase, item);
      if (!SPACELESS.test(phrase)) for (const word of phrase.split(" ")) if (word.length >= SHORTEST) add(phrases, word, item);
    });
  });
  return { language, names, phrases };
}

export class Translator {
  #english: string[][];
  #known: Set<string>;
  #counts = new Map<string, number>();
  #lexica: Promise<Lexicon[]> | null = null;

  /** `queries`: of each item its English texts; `preferred`: the language of the page. */
  constructor(private readonly manifest: PackManifest, private readonly base: URL, queries: string[], private readonly preferred: string) {
    this.#english = queries.map(textsOf);
    this.#known = new Set(queries.flatMap((query) => [...folded(query).split(" ")]));
    for (const texts of this.#english) for (const text of new Set(texts)) this.#counts.set(text, (this.#counts.get(text) ?? 0) + 1);
  }

  /** Whether a query has a word that no English text of the pack has. */
  foreign(query: string): boolean {
    const words = folded(query).split(" ").filter((word) => word.length >= SHORTEST || SPACELESS.test(word));
    return words.some((word) => !this.#known.has(word));
  }

  /** The query in the pack's English; null where it is English, or no language of the pack knows a word of it. */
  async translate(query: string): Promise<Translation | null> {
    if (!this.foreign(query)) return null;
    const found = (await this.#all()).map((lexicon) => ({ lexicon, ...this.#through(lexicon, folded(query)) }));
    const rank = ({ lexicon, sure }: (typeof found)[number]): number => sure + (lexicon.language === this.preferred ? 0.1 : 0);
    const best = found.filter(({ sure }) => sure > 0).sort((a, b) => rank(b) - rank(a))[0];
    return best && best.english !== folded(query) ? { from: query.trim(), language: best.lexicon.language, english: best.english } : null;
  }

  #all(): Promise<Lexicon[]> {
    if (!this.#lexica) {
      const parts = this.manifest.parts.filter(({ kind, name }) => kind === "texts" && !name.startsWith("en-"));
      const languages = [...new Set(parts.map(({ name }) => name.slice(0, name.lastIndexOf("-"))))];
      this.#lexica = Promise.all(languages.map((language) => lexicon(language, parts.filter(({ name }) => name.startsWith(`${language}-`)).map(({ file }) => file), this.base, this.#english.length)));
      // Not to be had: the next query tries again.
      this.#lexica.catch(() => (this.#lexica = null));
    }
    return this.#lexica;
  }

  /** Word by word, the longest known phrase first; `sure` is the share of the query that was found. */
  #through(lexicon: Lexicon, query: string): { english: string; sure: number } {
    const spaceless = SPACELESS.test(query);
    const tokens = spaceless ? [...query.replaceAll(" ", "")] : query.split(" ");
    const said: string[] = [];
    let sure = 0;
    for (let from = 0; from < tokens.length; ) {
      let [to, found] = [Math.min(tokens.length, from + LONGEST), null as Word | null];
      for (; to > from; to--) {
        found = to > from + 1 || spaceless ? this.#phrase(lexicon, tokens.slice(from, to).join(spaceless ? "" : " ")) : this.#word(lexicon, tokens[from]!);
        if (found) break;
      }
      const count = found ? to - from : 1;
      if (found) sure += (count * (found.whole ? 1 : 0.75)) / tokens.length;
      // A word that is not found stays: it may be English, or a name. A character alone says nothing.
      if (found) said.push(found.english);
      else if (!spaceless) said.push(tokens[from]!);
      from += count;
    }
    return { english: said.filter((word, n) => said.indexOf(word) === n).join(" "), sure };
  }

  /** A word as it stands or without its ending, whichever the pack is surer about. */
  #word(lexicon: Lexicon, word: string): Word | null {
    let best = this.#phrase(lexicon, word);
    for (let end = word.length - 1; end >= Math.max(SHORTEST, word.length - ENDINGS); end--) {
      const stem = word.slice(0, end);
      // What is left may be an English word: then this is a slip of the pen.
      const found = this.#known.has(stem) ? null : this.#phrase(lexicon, stem);
      if (found && found.score * 0.9 > (best?.score ?? 0)) best = { ...found, score: found.score * 0.9, whole: false };
    }
    return best;
  }

  /** The English text that stands at the same items as a phrase: by what one tells of the other. An item's name becomes its name. */
  #phrase({ names, phrases }: Lexicon, phrase: string): Word | null {
    const named = names.get(phrase);
    if (named?.length === 1) return { english: this.#english[named[0]!]![0]!, score: Number.POSITIVE_INFINITY, whole: true };
    const items = phrases.get(phrase);
    if (!items) return null;
    const together = new Map<string, number>();
    for (const item of items) for (const text of new Set([...this.#english[item]!, ...wordsOf(this.#english[item]![0]!)])) together.set(text, (together.get(text) ?? 0) + 1);
    const all = this.#english.length;
    const told = ([text, count]: [string, number]): number => (count / items.length) * Math.log((count * all) / (items.length * this.#counts.get(text)!));
    const best = [...together].filter(([text]) => this.#counts.has(text)).sort((a, b) => told(b) - told(a) || a[0].length - b[0].length)[0];
    // Few items have many texts of which any may be meant.
    return best ? { english: best[0], score: (told(best) * items.length) / (items.length + 3), whole: true } : null;
  }
}
