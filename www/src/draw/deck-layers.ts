// What is drawn, as deck.gl layers, from the ground up: lines, dots, texts, pictures, marks.
import type { Layer } from "@deck.gl/core";
import { IconLayer, LineLayer, ScatterplotLayer } from "@deck.gl/layers";
import type { Rgb } from "./palette";
import type { Scene, Sheet } from "./scene";

export interface Look {
  sheet: Sheet;
  /** Places in the sheet by item. */
  mapping: Record<string, { x: number; y: number; width: number; height: number }>;
  /** Side of a picture and radius of a dot, in pixels. */
  side: number;
  dot: number;
  /** By picture: 0 a dot, 1 the picture. */
  shown: Float32Array;
  /** By picture, then by text: how much larger than in the middle, because it is nearer to the eye. */
  nearness: Float32Array;
}
/** Opacity of a dot, and of the disc of its colour behind a picture. */
const DOT_ALPHA = 0.97;
const DISC_ALPHA = 0.5;
type Place = [number, number, number];

export function layersOf(scene: Scene, { sheet, mapping, side, dot, shown, nearness }: Look): Layer[] {
  const { image, text, colours, ink, blue, orange, points } = scene;
  const length = Math.min(sheet.count, image.length / 3);
  const [pictures, texts] = [points !== "text", points !== "image"];
  const spatial = scene.dims === 3;
  const place = (array: Float32Array, i: number): Place => [array[3 * i]!, array[3 * i + 1]!, array[3 * i + 2]!];
  const position = (value: Float32Array): { value: Float32Array; size: number } => ({ value, size: 3 });
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
  const small = Float32Array.from(nearness.subarray(length, 2 * length), (times) => times * Math.min(3, dot));
  /** Radius of a ring around a picture or around its dot. */
  const ring = (item: number): number => radius[item]! + 4;
  const at = pictures ? image : text;

  // Flat, what comes later is on top; in space, what is nearer. Many overlapping discs would hide pictures behind them.
  const parameters = spatial ? {} : { depthCompare: "always" as const, depthWriteEnabled: false };
  const soft = spatial && scene.draw === "pictures" ? { depthWriteEnabled: false } : parameters;
  const top = { depthCompare: "always" as const, depthWriteEnabled: false };
  const pixels = { radiusUnits: "pixels" as const, lineWidthUnits: "pixels" as const, billboard: true };

  const links = (id: string, ends: number[], to: Float32Array, colour: Rgb): Layer =>
    new LineLayer<number>({
      id, data: known(ends), getSourcePosition: () => place(image, scene.selected!), getTargetPosition: (item) => place(to, item), getColor: [...colour, 210], getWidth: 1.5, parameters: top,
    });
  const rings = (id: string, data: number[], colour: Rgb, width: number): Layer =>
    new ScatterplotLayer<number>({ id, data, ...pixels, getPosition: (item) => place(at, item), stroked: true, filled: false, getRadius: pictures ? ring : 7, getLineWidth: width, getLineColor: colour, parameters: top });

  const selected = scene.selected !== null && scene.selected < length ? scene.selected : null;
  const marked = known([...new Set([scene.hovered, selected].filter((item) => item !== null))]);
  const layers: (Layer | false)[] = [
    scene.lines && points === "both" &&
      new LineLayer({
        id: "pairs", data: { length, attributes: { getSourcePosition: position(image), getTargetPosition: position(text), getColor: { value: colours.image, size: 4 } } },
        getWidth: 1, opacity: 0.22, parameters,
      }),
    pictures &&
      new ScatterplotLayer({
        id: "discs", data: { length, attributes: { getPosition: position(image), getFillColor: { value: fill, size: 4 }, getRadius: { value: radius, size: 1 } } },
        ...pixels, pickable: true, parameters: soft,
      }),
    texts &&
      new ScatterplotLayer({
        id: "texts", data: { length, attributes: { getPosition: position(text), getLineColor: { value: colours.text, size: 4 }, getRadius: { value: small, size: 1 } } },
        ...pixels, stroked: true, filled: false, getLineWidth: 1.5, opacity: 0.9, pickable: true, parameters,
      }),
    pictures && drawn.length > 0 &&
      new IconLayer<number>({
        id: "pictures", data: drawn, getPosition: (item) => place(image, item),
        iconAtlas: sheet.bitmap as unknown as string, iconMapping: mapping, getIcon: (item) => String(item),
        sizeUnits: "pixels", getSize: (item) => side * nearness[item]! * (0.5 + 0.5 * shown[item]!), getColor: (item) => [255, 255, 255, colours.image[4 * item + 3]! * shown[item]!],
        // Flat, the whole square can be clicked; in space, what is transparent must not hide what is behind it.
        pickable: true, alphaCutoff: spatial ? 0.1 : -1, parameters,
      }),
    pictures && rings("found", known(scene.found), blue, 2),
    selected !== null && scene.near !== null && pictures && links("near pictures", scene.near.images, image, blue),
    selected !== null && scene.near !== null && pictures && texts && links("near texts", scene.near.texts, text, orange),
    points === "both" &&
      new LineLayer<number>({ id: "marked pairs", data: marked, getSourcePosition: (item) => place(image, item), getTargetPosition: (item) => place(text, item), getColor: ink, getWidth: 2, parameters: top }),
    texts && new ScatterplotLayer<number>({ id: "marked texts", data: marked, ...pixels, getPosition: (item) => place(text, item), getRadius: 5, getFillColor: ink, parameters: top }),
    selected !== null && rings("selected", [selected], ink, 2.5),
  ];
  return layers.filter((layer) => layer !== false);
}
