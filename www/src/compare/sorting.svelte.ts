// By which column a table is sorted, and which way.

export class Sorting<Key extends string> {
  by = $state() as Key;
  down = $state(true);

  constructor(by: Key, down = true) {
    this.by = by;
    this.down = down;
  }

  /** Another column: the best first; the same again: turned round. */
  choose(key: Key, down = true): void {
    this.down = key === this.by ? !this.down : down;
    this.by = key;
  }

  aria(key: Key): "ascending" | "descending" | "none" {
    return key !== this.by ? "none" : this.down ? "descending" : "ascending";
  }

  /** Missing values stand last either way. */
  sorted<T>(rows: T[], value: (row: T, key: Key) => number | string | null): T[] {
    const keyed = rows.map((row) => ({ row, value: value(row, this.by) }));
    const order = (a: number | string, b: number | string): number => (typeof a === "string" || typeof b === "string" ? String(a).localeCompare(String(b)) : a - b);
    keyed.sort((a, b) => (a.value === null ? (b.value === null ? 0 : 1) : b.value === null ? -1 : (this.down ? -1 : 1) * order(a.value, b.value)));
    return keyed.map(({ row }) => row);
  }
}
