// Numbers as people read them.
import { decimal, t } from "../strings";

export const bytes = (count: number): string => (count < 1e6 ? t.units.kilobytes(Math.max(1, Math.round(count / 1e3))) : t.units.megabytes(count / 1e6));

/** Three significant digits without a needless exponent. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return decimal(value.toExponential(1).replace("e+", "e"));
  return decimal(Number(value.toPrecision(3)));
}
