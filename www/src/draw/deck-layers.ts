// What is drawn, as deck.gl layers, from the ground up: lines, dots, texts, pictures, marks.
import type { Layer } from "@deck.gl/core";
import { LineLayer, ScatterplotLayer } from "@deck.gl/layers";
import { MassLayer } from "./mass-layer";
import type { Rgb } from "./palette";
import { tileOf, type Scene, type Sheet } from "./scene";

export interface Look {
  sheet: Sheet;
  /** Side of a picture and radius of a dot, in pixels. */
  side: number;
  dot: number;
  /** By how much every width and margin is larger than usual. */
  times: number;
  /** By picture: 0 a dot, 1 the picture. */
  shown: Float32Array;
  /** By picture, then by text: how much larger than in the middle, because it is nearer to the eye. */
  nearness: Float32Array;
}
/** Opacity of a dot, and of the disc of its colour behind a picture. */
const DOT_ALPHA = 0.97;
const DISC_ALPHA = 0.5;
const LINE_ALPHA = 0.45;
type Place = [number, number, number];

export function layersOf(scene: Scene, { sheet, side, dot, times, shown, nearness }: Look): Layer[] {
  const { image, text, colours, ink, blue, orange, points } = scene;
  const length = Math.min(sheet.count, image.length / 3);
  const [pictures, texts] = [points !== "text", points !== "image"];
  const spatial = scene.dims === 3;
  const place = (array: Float32Array, i: number): Place => [array[3 * i]!, array[3 * i + 1]!, array[3 * i + 2]!];
  const known = (items: number[]): number[] => items.filter((item) => item < length);

  const radius = new Float32Array(length);
  const fill = new Uint8ClampedArray(4 * length);
  const drawn: number[] = [];
  for (let i = 0; i < length; i++) {
    const part = shown[i]!;
    if (part > 0) drawn.push(i);
    radius[i] = (dot + (side * 0.6 - dot) * part) * nearness[i]!;
    fill[4 * i] = colours.image[4 * i]!;
    fill[4 * i + 1] = colours.image[4 * i + 1]!;
    fill[4 * i + 2] = colours.image[4 * i + 2]!;
    fill[4 * i + 3] = colours.image[4 * i + 3]! * (DOT_ALPHA + (DISC_ALPHA - DOT_ALPHA) * part);
  }
  const wide = radius.map((size) => 2 * size);
  const small = Float32Array.from(nearness.subarray(length, 2 * length), (near) => near * (2 * Math.min(3 * times, dot) + times));
  /** The pictures that lie on a page of thumbnails: one texture a layer. Items are in order, and so are pages. */
  const onPage = (page: ImageBitmap, n: number): Layer => {
    const own = sheet.pages.length === 1 ? drawn : drawn.filter((item) => tileOf(sheet.layout, item).page === n);
    const corners = new Float32Array(3 * own.length);
    const fades = new Uint8ClampedArray(4 * own.length);
    own.forEach((item, i) => {
      corners.set(image.subarray(3 * item, 3 * item + 3), 3 * i);
      fades[4 * i + 3] = colours.image[4 * item + 3]! * shown[item]!;
    });
    return new MassLayer({
      id: `pictures ${n}`, kind: "picture", positions: corners, colours: fades, sizes: Float32Array.from(own, (item) => side * nearness[item]! * (0.5 + 0.5 * shown[item]!)),
      cells: Float32Array.from(own, (item) => tileOf(sheet.layout, item).cell), page, size: sheet.layout.size, columns: sheet.layout.columns, cutoff: spatial ? 0.1 : 0, parameters,
    });
  };
  /** Radius of a ring around a picture or around its dot. */
  const ring = (item: number): number => radius[item]! + 4 * times;
  const at = pictures ? image : text;

  // Flat, what comes later is on top; in space, what is nearer. Many overlapping discs would hide pictures behind them.
  const parameters = spatial ? {} : { depthCompare: "always" as const, depthWriteEnabled: false };
  const soft = spatial && scene.draw === "pictures" ? { depthWriteEnabled: false } : parameters;
  const top = { depthCompare: "always" as const, depthWriteEnabled: false };
  const pixels = { radiusUnits: "pixels" as const, lineWidthUnits: "pixels" as const, billboard: true };

  const links = (id: string, ends: number[], to: Float32Array, colour: Rgb): Layer =>
    new LineLayer<number>({
      id, data: known(ends), getSourcePosition: () => place(image, scene.selected!), getTargetPosition: (item) => place(to, item), getColor: [...colour, 210], getWidth: 1.5 * times, parameters: top,
    });
  const rings = (id: string, data: number[], colour: Rgb, width: number): Layer =>
    new ScatterplotLayer<number>({ id, data, ...pixels, getPosition: (item) => place(at, item), stroked: true, filled: false, getRadius: pictures ? ring : 7 * times, getLineWidth: width * times, getLineColor: colour, parameters: top });

  const selected = scene.selected !== null && scene.selected < length ? scene.selected : null;
  const marked = known([...new Set([scene.hovered, selected].filter((item) => item !== null))]);
  const layers: (Layer | false)[] = [
    scene.lines && points === "both" && new MassLayer({ id: "pairs", kind: "line", ...between(image, text, colours.image, length), parameters }),
    pictures && new MassLayer({ id: "discs", kind: "disc", positions: image.subarray(0, 3 * length), colours: fill, sizes: wide, parameters: soft }),
    texts && new MassLayer({ id: "texts", kind: "ring", stroke: 1.5 * times, positions: text.subarray(0, 3 * length), colours: colours.text.subarray(0, 4 * length), sizes: small, parameters }),
    // In space, what is transparent must not hide what is behind it.
    ...(pictures ? sheet.pages.map((page, n) => onPage(page, n)) : []),
    pictures && rings("found", known(scene.found), blue, 2),
    selected !== null && scene.near !== null && pictures && links("near pictures", scene.near.images, image, blue),
    selected !== null && scene.near !== null && pictures && texts && links("near texts", scene.near.texts, text, orange),
    points === "both" &&
      new LineLayer<number>({ id: "marked pairs", data: marked, getSourcePosition: (item) => place(image, item), getTargetPosition: (item) => place(text, item), getColor: ink, getWidth: 2 * times, parameters: top }),
    texts && new ScatterplotLayer<number>({ id: "marked texts", data: marked, ...pixels, getPosition: (item) => place(text, item), getRadius: 5 * times, getFillColor: ink, parameters: top }),
    selected !== null && rings("selected", [selected], ink, 2.5),
  ];
  return layers.filter((layer) => layer !== false);
}

/** Whether there is a line among the layers of a scene. */
export const hasLines = ({ lines, selected, hovered }: Scene): boolean => lines || selected !== null || hovered !== null;

/** Both ends of every pair, one after the other, faint. */
function between(image: Float32Array, text: Float32Array, colours: Uint8ClampedArray, length: number): { positions: Float32Array; colours: Uint8ClampedArray } {
  const ends = { positions: new Float32Array(6 * length), colours: new Uint8ClampedArray(8 * length) };
  for (let i = 0; i < length; i++) {
    for (let d = 0; d < 3; d++) {
      ends.positions[6 * i + d] = image[3 * i + d]!;
      ends.positions[6 * i + 3 + d] = text[3 * i + d]!;
    }
    for (let c = 0; c < 4; c++) ends.colours[8 * i + c] = ends.colours[8 * i + 4 + c] = colours[4 * i + c]! * (c === 3 ? LINE_ALPHA : 1);
  }
  return ends;
}
