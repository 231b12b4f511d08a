// Numbers as people read them.
import type { ConfigDiff } from "../protocol";
import { SETTINGS } from "../state/settings";
import { decimal, fixed, t } from "../strings";

export const bytes = (count: number): string => (count < 1e6 ? t.units.kilobytes(Math.max(1, Math.round(count / 1e3))) : t.units.megabytes(count / 1e6));

/** Three significant digits without a needless exponent. */
export function short(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-3 || Math.abs(value) >= 1e6)) return decimal(value.toExponential(1).replace("e+", "e"));
  return decimal(Number(value.toPrecision(3)));
}

/** A value that changes while one reads it: about three digits in always the same room. */
export function steady(value: number | null | undefined): string {
  const size = Math.abs(value ?? NaN);
  return size === 0 || (size >= 0.01 && size < 1000) ? fixed(value!, size < 1 ? 3 : size < 10 ? 2 : 1) : short(value);
}

/** Changed settings by their names: `λ text→image 0, Learning rate 0.001`. */
export function changes(config: ConfigDiff): string {
  const changed = SETTINGS.flatMap(({ key, at: [section, name] }) => {
    const part = section === "seed" ? undefined : config[section];
    return part && name! in part ? [`${t.settings.names[key] ?? key} ${decimal(String(part[name!]))}`] : [];
  });
  return changed.join(", ");
}

/** Pixels where a rem is 16 of them, as a length that grows with it. */
export const rem = (pixels: number): string => `${pixels / 16}rem`;
