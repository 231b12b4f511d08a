// What colours mean, as entries of an exported picture's legend: the same as the key in the space says.
import type { Colouring } from "../colouring.svelte";
import { distanceColour, rankColour } from "../draw/paint";
import { categorical, NEUTRAL, type Rgb } from "../draw/palette";
import type { Item } from "../protocol";
import { decimal, t } from "../strings";
import { specificWords } from "../words";

export interface Entry { name: string; colour: string }

const hex = (colour: Rgb): string => `#${colour.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;

export function legendOf(colouring: Colouring, items: Item[], classes: string[], dark: boolean): Entry[] {
  switch (colouring.by) {
    case "class":
      return classes.map((name, i) => ({ name, colour: hex(categorical(i)) }));
    case "cluster":
      return clusters(colouring, items);
    case "modality":
      return [];
    case "distance":
      return [0, 0.25, 0.5, 0.75, 1].map((at) => ({ name: at === 0 ? `${t.space.key.distance}: 0` : decimal(at) + (at === 1 ? " +" : ""), colour: hex(distanceColour(at, dark)) }));
    case "rank":
      return t.space.key.ranks.map((name, step) => ({ name: step === 0 ? `${t.space.key.rank}: ${name}` : name, colour: hex(rankColour(step, dark)) }));
  }
}

/** Clusters by their two most specific words. */
function clusters(colouring: Colouring, items: Item[]): Entry[] {
  const labels = colouring.clusters?.labels;
  if (!labels || labels.length !== items.length) return [];
  const count = Math.max(-1, ...labels) + 1;
  const words = specificWords(items.map((item) => item.query), Int32Array.from(labels, (label) => (label < 0 ? count : label)), count + 1, 2);
  const named = Array.from({ length: count }, (_, i): Entry => ({ name: words[i]?.join(", ") || t.plot.cluster(i), colour: hex(categorical(i)) }));
  return labels.some((label) => label < 0) ? [...named, { name: t.space.key.noise, colour: hex(NEUTRAL) }] : named;
}
