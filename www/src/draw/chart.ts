// uPlot with the page's fonts and colours.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { n } from "../strings";

export interface Line { label: string; colour: string; dash?: number[]; width?: number; /** Half transparent. */ faint?: boolean }

/** Values of CSS custom properties, at the moment of drawing (the theme may change). */
const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function chart(parent: HTMLElement, lines: Line[], range: (low: number, high: number) => [number, number]): uPlot {
  const axis = { stroke: () => token("--soft"), grid: { stroke: () => token("--line"), width: 1 }, ticks: { show: false }, font: `11px ${token("--sans")}`, values: (_: uPlot, splits: number[]) => splits.map(n) };
  return new uPlot(
    {
      width: Math.max(120, parent.clientWidth),
      height: Math.max(60, parent.clientHeight),
      legend: { show: false },
      cursor: { y: false, points: { size: 6 } },
      padding: [6, 8, 0, 0],
      scales: { x: { time: false }, y: { range: (_, low, high) => range(low ?? 0, high ?? 1) } },
      axes: [
        { ...axis, size: 20, gap: 2, space: 60 },
        { ...axis, size: 36, gap: 3, space: 24 },
      ],
      series: [
        {},
        ...lines.map((line) => ({ label: line.label, stroke: () => token(line.colour), width: line.width ?? 1.75, alpha: line.faint ? 0.45 : 1, ...(line.dash ? { dash: line.dash } : {}), points: { show: false }, spanGaps: true })),
      ],
    },
    [[], ...lines.map(() => [])] as unknown as uPlot.AlignedData,
    parent,
  );
}

/** At most `most` points: every k-th, and the last. */
export function thinned<T>(values: T[], most: number): T[] {
  if (values.length <= most) return values;
  const stride = Math.ceil(values.length / most);
  return values.filter((_, i) => i % stride === 0 || i === values.length - 1);
}
