// What can be drawn of an evaluation: each measure with its unit, its lines and how to read it. Measures of different
// units never share an axis.
import type { Metrics } from "./protocol";

export const UNITS = ["percent", "share", "distance", "uniformity"] as const;
export type Unit = (typeof UNITS)[number];
export type Part = "i2t" | "t2i" | "image" | "text";
export interface MeasureLine { key: string; part?: Part; colour: string; dash?: number[] }
export interface Measure { id: MeasureId; unit: Unit; lines: MeasureLine[] }

const DASHED = [6, 3];
const DOTTED = [2, 3];
const bothWays = (k: number, dash?: number[]): MeasureLine[] => [
  { key: `i2t_r${k}`, part: "i2t", colour: "--image", ...(dash ? { dash } : {}) },
  { key: `t2i_r${k}`, part: "t2i", colour: "--text", ...(dash ? { dash } : {}) },
];
const bothSides = (name: string, dash?: number[]): MeasureLine[] => [
  { key: `${name}_image`, part: "image", colour: "--image", ...(dash ? { dash } : {}) },
  { key: `${name}_text`, part: "text", colour: "--text", ...(dash ? { dash } : {}) },
];

const TABLE = {
  r1: ["percent", bothWays(1)],
  r5: ["percent", bothWays(5, DASHED)],
  r10: ["percent", bothWays(10, DOTTED)],
  mr: ["percent", [{ key: "mr", colour: "--ink" }]],
  ami: ["share", [{ key: "ami_image", colour: "--good" }]],
  ami_text: ["share", [{ key: "ami_text", colour: "--text" }]],
  ami_fused: ["share", [{ key: "ami_fused", colour: "--ink" }]],
  nmi: ["share", [{ key: "nmi_image", colour: "--good", dash: DASHED }]],
  ari: ["share", [{ key: "ari_image", colour: "--good", dash: DOTTED }]],
  order: ["share", [{ key: "order_agreement", colour: "--accent" }]],
  overlap: ["share", [{ key: "overlap_10", colour: "--accent", dash: DASHED }]],
  gap: ["distance", [{ key: "modality_gap", colour: "--ink" }]],
  alignment: ["distance", [{ key: "alignment", colour: "--good" }]],
  spread: ["distance", bothSides("spread", DASHED)],
  uniformity: ["uniformity", bothSides("uniformity")],
} as const satisfies Record<string, readonly [Unit, MeasureLine[]]>;

export type MeasureId = keyof typeof TABLE;
export const MEASURES: Measure[] = Object.entries(TABLE).map(([id, [unit, lines]]) => ({ id: id as MeasureId, unit, lines: [...lines] }));

/** A metric by its key; of a spread the mean over the dimensions. */
export function read(metrics: Partial<Metrics> | null | undefined, key: string): number | null {
  const value = metrics?.[key];
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  return value !== null && typeof value === "object" && "mean" in value ? value.mean : null;
}

/** The same among as many items that were trained on, where the engine measures it. */
export const readTrained = (metrics: Metrics | null | undefined, key: string): number | null => read(metrics?.trained, key);
