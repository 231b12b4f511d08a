// The colour of every point, and what the colours mean.
import type { Item, Pairs } from "../protocol";
import type { Colour } from "../state/space-keys";
import { categorical, IMAGE, NEUTRAL, sequential, TEXT, type Rgb } from "./palette";

/** Ranks in the steps in which recall is measured: first, among five, among ten, among fifty, beyond. */
export const RANK_STEPS = [1, 5, 10, 50] as const;
export const rankStep = (rank: number): number => {
  const step = RANK_STEPS.findIndex((last) => rank <= last);
  return step < 0 ? RANK_STEPS.length : step;
};
export const rankColour = (step: number, dark: boolean): Rgb => sequential(step / RANK_STEPS.length, dark);
/** 1 - cosine: 0 for arrows that are one, 1 for arrows that have nothing in common. Beyond 1 the colour stays. */
export const distanceColour = (distance: number, dark: boolean): Rgb => sequential(distance, dark);

export interface Painting { by: Colour; items: Item[]; labelOf: (item: number, label: number | null) => number; pairs: Pairs | null; dark: boolean; lassoed: number[] | null }

/** How much is left of the colour of what is not in the lasso, of 255. */
const FADED = 46;

export function paint({ by, items, labelOf, pairs, dark, lassoed }: Painting): { image: Uint8ClampedArray; text: Uint8ClampedArray } {
  const n = items.length;
  const ready = pairs?.score.length === n ? pairs : null;
  const theme = dark ? "dark" : "light";
  const colours = { image: new Uint8ClampedArray(4 * n).fill(255), text: new Uint8ClampedArray(4 * n).fill(255) };
  items.forEach((item, i) => {
    if (by === "class" || by === "cluster") {
      const label = labelOf(i, item.class);
      // -1 is what a density clustering calls noise.
      const colour = label < 0 ? NEUTRAL : categorical(label);
      colours.image.set(colour, 4 * i);
      colours.text.set(colour, 4 * i);
    } else if (by === "modality") {
      colours.image.set(IMAGE[theme], 4 * i);
      colours.text.set(TEXT[theme], 4 * i);
    } else if (by === "distance") {
      const colour = ready ? distanceColour(1 - ready.score[i]!, dark) : NEUTRAL;
      colours.image.set(colour, 4 * i);
      colours.text.set(colour, 4 * i);
    } else {
      colours.image.set(ready ? rankColour(rankStep(ready.image_rank[i]!), dark) : NEUTRAL, 4 * i);
      colours.text.set(ready ? rankColour(rankStep(ready.text_rank[i]!), dark) : NEUTRAL, 4 * i);
    }
  });
  if (lassoed) {
    const kept = new Set(lassoed);
    for (let i = 0; i < n; i++) if (!kept.has(i)) colours.image[4 * i + 3] = colours.text[4 * i + 3] = FADED;
  }
  return colours;
}
