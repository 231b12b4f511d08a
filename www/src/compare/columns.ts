// The measures by which runs are compared, a column each, and how people read them.
import type { Metrics } from "../protocol";
import { read } from "../measures";
import { fixed } from "../strings";

export interface Column { key: string; digits: number }

/** R@1 both ways and mR in per cent, the others as shares: for all of them more is better. */
export const COLUMNS: Column[] = [
  { key: "i2t_r1", digits: 1 },
  { key: "t2i_r1", digits: 1 },
  { key: "mr", digits: 1 },
  { key: "ami_image", digits: 3 },
  { key: "order_agreement", digits: 3 },
  { key: "overlap_10", digits: 3 },
];

/** A measure's value; null where the data has no labels. */
export const measured = (metrics: Metrics | null | undefined, { key }: Column): number | null => read(metrics, key);

export const written = (value: number | null, { digits }: Column): string => (value === null ? "–" : fixed(value, digits));

/** A difference with its sign; one too small to be seen has none. */
export function signed(value: number, { digits }: Column): string {
  const size = fixed(Math.abs(value), digits);
  if (Number(Math.abs(value).toFixed(digits)) === 0) return `±${fixed(0, digits)}`;
  return value > 0 ? `+${size}` : `−${size}`;
}
