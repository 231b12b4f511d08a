// Colours for classes and clusters. The first eight are Okabe and Ito's, told apart with every common colour
// blindness (black replaced by a grey that shows on both grounds); the rest vary their lightness.
export type Rgb = [number, number, number];

const BASE: Rgb[] = [
  [0, 114, 178], [230, 159, 0], [0, 158, 115], [204, 121, 167], [213, 94, 0], [86, 180, 233], [148, 138, 84], [120, 120, 130],
];

/** Two modalities, two colours, everywhere on the page (also in app.css). */
export const IMAGE: { light: Rgb; dark: Rgb } = { light: [38, 98, 196], dark: [118, 169, 255] };
export const TEXT: { light: Rgb; dark: Rgb } = { light: [196, 92, 10], dark: [255, 163, 84] };

export function categorical(index: number): Rgb {
  const base = BASE[index % BASE.length]!;
  const round = Math.floor(index / BASE.length);
  const mix = (channel: number): number => (round === 0 ? channel : round % 2 === 1 ? channel * 0.62 : channel + (255 - channel) * 0.45);
  return base.map((channel) => Math.round(mix(channel))) as Rgb;
}

export const css = ([r, g, b]: Rgb): string => `rgb(${r} ${g} ${b})`;

/** From dark violet to yellow: lightness alone tells the order, whatever the colour vision (after viridis, shortened so that both ends show on both grounds). */
const SEQUENCE: { light: Rgb[]; dark: Rgb[] } = {
  light: [[68, 1, 84], [64, 67, 135], [41, 120, 142], [34, 167, 132], [122, 190, 60]],
  dark: [[118, 96, 190], [73, 132, 190], [38, 173, 156], [110, 206, 88], [253, 231, 37]],
};
export const NEUTRAL: Rgb = [120, 120, 130];

export function sequential(part: number, dark: boolean): Rgb {
  const stops = SEQUENCE[dark ? "dark" : "light"];
  const at = Math.min(1, Math.max(0, part)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  return stops[low]!.map((channel, i) => Math.round(channel + (stops[low + 1]![i]! - channel) * (at - low))) as Rgb;
}
