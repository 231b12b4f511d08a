// What a group of texts speaks of that the others do not.

const LEFT_OUT = new Set(["and", "for", "from", "the", "with"]);

/** Words of a text; short ones and those that say nothing are left out. */
export const wordsOf = (text: string): Set<string> =>
  new Set(text.toLowerCase().split(/[^\p{L}\d]+/u).filter((word) => word.length > 2 && !LEFT_OUT.has(word)));

/**
 * For each group (0 to `groups` - 1) its most specific words: those that are frequent in it and rare elsewhere, by
 * share * log(share / share among all).
 */
export function specificWords(texts: string[], groupOf: ArrayLike<number>, groups: number, count: number): string[][] {
  const sizes = new Array<number>(groups).fill(0);
  const inGroup = Array.from({ length: groups }, () => new Map<string, number>());
  const inAll = new Map<string, number>();
  texts.forEach((text, i) => {
    const group = groupOf[i]!;
    sizes[group]!++;
    for (const word of wordsOf(text)) {
      inGroup[group]!.set(word, (inGroup[group]!.get(word) ?? 0) + 1);
      inAll.set(word, (inAll.get(word) ?? 0) + 1);
    }
  });
  return inGroup.map((found, group) => {
    const scored = [...found].filter(([, times]) => times > 1).map(([word, times]): [string, number] => {
      const share = times / sizes[group]!;
      return [word, share * Math.log(share / (inAll.get(word)! / texts.length))];
    });
    return scored.sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1)).slice(0, count).map(([word]) => word);
  });
}
