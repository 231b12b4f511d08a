// Why something was found: the neighbours that it shares with the query, and the words they have in common. A picture
// found by words has no words itself: what the two share are the texts that are near both.
import type { Hit, Hits, Item, Query } from "./protocol";
import { wordsOf } from "./words";

/** Neighbours of each that are compared. */
export const NEAREST = 10;
/** Texts on show. */
export const TEXTS = 8;

/** `shared`: items in the order of the query; for a picture those whose texts are near, for a text those whose pictures are. */
export interface Reason { shared: number[]; words: string[] }
export interface Reasons { images: Map<number, Reason>; texts: Map<number, Reason> }

type Ask = (query: Query, k: number) => Promise<Hits>;

const first = (hits: Hit[]): number[] => hits.slice(0, NEAREST).map(({ item }) => item);

/** Words of the query: its own, or those of the item it is; a picture from outside has none. */
function said(query: Query, items: Item[]): Set<string> {
  if (query.kind === "text") return wordsOf(query.text);
  return query.kind === "item" ? wordsOf(items[query.item]?.query ?? "") : new Set();
}

export async function explain(query: Query, hits: Hits, items: Item[], ask: Ask): Promise<Reasons> {
  const words = said(query, items);
  const reason = (item: number, near: number[], ofQuery: number[]): [number, Reason] => {
    const own = wordsOf(items[item]?.query ?? "");
    return [item, { shared: ofQuery.filter((other) => near.includes(other)), words: [...words].filter((word) => own.has(word)) }];
  };
  const [texts, images] = [first(hits.texts), first(hits.images)];
  const [ofImages, ofTexts] = await Promise.all([
    Promise.all(hits.images.map(async ({ item }) => reason(item, first((await ask({ kind: "item", item }, NEAREST)).texts), texts))),
    Promise.all(hits.texts.slice(0, TEXTS).map(async ({ item }) => reason(item, first((await ask({ kind: "text", text: items[item]?.query ?? "" }, NEAREST)).images), images))),
  ]);
  return { images: new Map(ofImages), texts: new Map(ofTexts) };
}
