// uPlot with the page's fonts and colours; loaded when there is something to draw.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { scale } from "../scale.svelte";
import { n } from "../strings";
import type { Line, Mark } from "./series";

export interface Options {
  lines: Line[];
  /** Powers of ten on the y axis; what is not above 0 is not drawn. */
  log?: boolean;
  range(low: number, high: number): [number, number];
  marks?(): Mark[];
  /** x under the pointer; null: it is elsewhere. */
  pointed?(x: number | null): void;
  /** A stretch of x was drawn with the pointer; null: a double click asks for all of it. */
  zoom?(stretch: [number, number] | null): void;
}

/** Values of CSS custom properties, at the moment of drawing (the theme may change). */
const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const colour = (name: string): string => (name.startsWith("--") ? token(name) : name);

/** Charts with the same x show one cursor. */
const SYNC = "epochs";

/** A line needs two points; one is a dot. */
const alone = (plot: uPlot): boolean => plot.data[0].length === 1;

export function chart(parent: HTMLElement, { lines, log = false, range, marks, pointed, zoom }: Options): uPlot {
  const times = scale.now;
  const font = `${11 * times}px ${token("--sans")}`;
  const axis = { stroke: () => token("--soft"), grid: { stroke: () => token("--line"), width: 1 }, ticks: { show: false }, font };
  const whole = (_: uPlot, splits: number[]): string[] => splits.map(n);
  // On a logarithmic axis uPlot leaves out splits that would stand too close: they come as null.
  const sparse = (_: uPlot, splits: (number | null)[]): string[] => splits.map((split) => (split === null ? "" : n(Number(split.toPrecision(2)))));
  return new uPlot(
    {
      width: Math.max(120, parent.clientWidth),
      height: Math.max(60, parent.clientHeight),
      legend: { show: false },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false }, sync: { key: SYNC, scales: ["x", null] }, bind: { dblclick: () => () => (zoom?.(null), null) } },
      padding: [6 * times, 8 * times, 0, 0],
      scales: { x: { time: false }, y: { ...(log ? { distr: 3 as const } : {}), range: (_, low, high) => range(low ?? 0, high ?? 1) } },
      axes: [
        { ...axis, size: 20 * times, gap: 2 * times, space: 60 * times, values: whole },
        { ...axis, size: 36 * times, gap: 3 * times, space: (log ? 18 : 24) * times, values: log ? sparse : whole },
      ],
      series: [
        {},
        ...lines.map((line) => ({ label: line.label, stroke: () => colour(line.colour), width: (line.width ?? 1.75) * times, alpha: line.faint ? 0.45 : 1, ...(line.dash ? { dash: line.dash.map((length) => length * times) } : {}), points: { show: alone, size: 6 * times, fill: () => colour(line.colour) }, spanGaps: true })),
      ],
      hooks: {
        draw: [(plot) => drawMarks(plot, marks?.() ?? [])],
        setCursor: [({ cursor: { left }, posToVal }) => pointed?.(left === undefined || left < 0 ? null : posToVal(left, "x"))],
        setSelect: [
          (plot) => {
            const { left, width } = plot.select;
            if (width > 4) zoom?.([plot.posToVal(left, "x"), plot.posToVal(left + width, "x")]);
            if (width > 0) plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          },
        ],
      },
    },
    [[], ...lines.map(() => [])] as unknown as uPlot.AlignedData,
    parent,
  );
}

function drawMarks(plot: uPlot, marks: Mark[]): void {
  if (marks.length === 0) return;
  const { ctx, bbox } = plot;
  const pixel = devicePixelRatio * scale.now;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = token("--accent");
  ctx.setLineDash([3 * pixel, 3 * pixel]);
  ctx.lineWidth = pixel;
  ctx.font = `${11 * pixel}px ${token("--sans")}`;
  for (const { at, what } of marks) {
    const x = Math.round(plot.valToPos(at, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
    // To the left where the right has no room.
    const room = x + ctx.measureText(what).width + 8 * pixel < bbox.left + bbox.width;
    ctx.textAlign = room ? "left" : "right";
    ctx.fillText(what, x + (room ? 4 : -4) * pixel, bbox.top + 10 * pixel);
  }
  ctx.restore();
}
