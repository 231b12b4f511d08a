// UMAP and t-SNE, in a worker of their own: started where the points stand, so that everything moves from what is known
// to what is new. Pictures and texts are laid out together, by the angle between their arrows.
import { TSNE } from "@keckelt/tsne";
import { UMAP } from "umap-js";

export interface LayoutRequest {
  kind: "umap" | "tsne";
  /** Unit rows of `dim` numbers: pictures, then texts. */
  rows: Float32Array<ArrayBuffer>;
  dim: number;
  /** Where they stand now, x y z. */
  start: Float32Array<ArrayBuffer>;
  dims: 2 | 3;
  /** They stand in a layout of this kind already: fewer and smaller steps. */
  again: boolean;
}
export type LayoutNews =
  | { type: "neighbours" }
  /** `part` of the steps are done. */
  | { type: "moved"; positions: Float32Array<ArrayBuffer>; part: number; done: boolean }
  | { type: "failed"; message: string };

/** At most this often a set of positions is handed out. */
const PUBLISH_MS = 90;
const NEIGHBOURS = 15;
const PERPLEXITY = 30;
/** What a unit of the plot is in the layout's own measure: UMAP works in about -10 to 10, t-SNE grows from less. */
const UNIT = { umap: 10, tsne: 3 };

const scope = self as unknown as DedicatedWorkerGlobalScope;
const post = (news: LayoutNews, transfer: Transferable[] = []): void => scope.postMessage(news, transfer);

/** Numbers in [0, 1), the same at every start. */
function seeded(): () => number {
  let seed = 7;
  return () => {
    seed = (seed * 1664525 + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

/** Half the points' spread around their middle. */
function spread(points: number[][]): { middle: number[]; radius: number } {
  const middle = points[0]!.map((_, d) => points.reduce((sum, point) => sum + point[d]!, 0) / points.length);
  const square = points.reduce((sum, point) => sum + point.reduce((inner, value, d) => inner + (value - middle[d]!) ** 2, 0), 0);
  return { middle, radius: Math.sqrt(square / points.length) || 1 };
}

interface Method { points: number[][]; steps: number; step(): void }

function method({ kind, rows, dim, start, dims, again }: LayoutRequest): Method {
  const random = seeded();
  // Without a little noise, points that coincide, and a third axis in which all are 0, would never part.
  const begin = (i: number, d: number): number => UNIT[kind] * (start[3 * i + d]! + 2e-3 * (random() - 0.5));
  const data = Array.from({ length: rows.length / dim }, (_, i) => rows.subarray(i * dim, (i + 1) * dim)) as unknown as number[][];
  const place = (points: number[][]): number[][] => {
    // Neither library takes a beginning: both hand out the very arrays that they move, so these are filled in.
    points.forEach((point, i) => point.forEach((_, d) => (point[d] = begin(i, d))));
    return points;
  };
  if (kind === "umap") {
    const umap = new UMAP({
      nNeighbors: Math.min(NEIGHBOURS, data.length - 1), nComponents: dims, random,
      // Rows have length 1.
      distanceFn: (a, b) => {
        let dot = 0;
        for (let i = 0; i < a.length; i++) dot += a[i]! * b[i]!;
        return Math.max(0, 1 - dot);
      },
      ...(again ? { nEpochs: 120, learningRate: 0.4 } : {}),
    });
    const steps = umap.initializeFit(data);
    return { points: place(umap.getEmbedding()), steps, step: () => void umap.step() };
  }
  const tsne = new TSNE({ perplexity: Math.min(PERPLEXITY, (data.length - 1) / 3), dim: dims, epsilon: Math.max(10, data.length / 12) });
  tsne.initDataRaw(data);
  // Its first hundred steps exaggerate attraction, to order what is random: what comes from PCA or from t-SNE itself has an order.
  Object.assign(tsne, { iter: 100 });
  return { points: place(tsne.getSolution() as number[][]), steps: again ? 80 : 250, step: () => void tsne.step() };
}

scope.onmessage = ({ data: request }: MessageEvent<LayoutRequest>) => {
  try {
    post({ type: "neighbours" });
    const { points, steps, step } = method(request);
    const began = spread(points);
    let last = Number.NEGATIVE_INFINITY;
    for (let done = 0; done <= steps; done++) {
      if (done > 0) step();
      const now = performance.now();
      if (done < steps && now - last < PUBLISH_MS) continue;
      last = now;
      // The layout grows or shrinks; the picture keeps its size and its middle.
      const { middle, radius } = spread(points);
      const positions = new Float32Array(3 * points.length);
      points.forEach((point, i) => point.forEach((value, d) => (positions[3 * i + d] = ((value - middle[d]!) * (began.radius / radius) + began.middle[d]!) / UNIT[request.kind])));
      post({ type: "moved", positions, part: done / steps, done: done === steps }, [positions.buffer]);
    }
  } catch (error) {
    post({ type: "failed", message: error instanceof Error ? error.message : String(error) });
  }
};
