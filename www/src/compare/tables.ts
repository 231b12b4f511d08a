// A table as a file: CSV for programs, Markdown and LaTeX for papers. Numbers keep the decimal point in every language.

export type Cell = string | number | null;
export interface Table { head: string[]; rows: Cell[][] }

const quoted = (cell: Cell): string => {
  const text = cell === null ? "" : String(cell);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** RFC 4180. */
export const csv = ({ head, rows }: Table): string => [head, ...rows].map((row) => `${row.map(quoted).join(",")}\r\n`).join("");

export function markdown({ head, rows }: Table): string {
  const line = (cells: Cell[]): string => `| ${cells.map((cell) => (cell === null ? "" : String(cell)).replaceAll("|", "\\|").replaceAll("\n", " ")).join(" | ")} |`;
  return [line(head), line(head.map((_, n) => (n === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n") + "\n";
}

const SPECIAL: Record<string, string> = { "\\": "\\textbackslash{}", "~": "\\textasciitilde{}", "^": "\\textasciicircum{}", "±": "$\\pm$", "×": "$\\times$", "→": "$\\to$", "λ": "$\\lambda$", "−": "$-$", "–": "--" };
const tex = (cell: Cell): string => (cell === null ? "" : String(cell)).replace(/[\\~^±×→λ−–]|[&%$#_{}]/g, (sign) => SPECIAL[sign] ?? `\\${sign}`);

/** A tabular with booktabs' rules; `bold` says which cells are the best. */
export function latex({ head, rows }: Table, bold: (row: number, column: number) => boolean): string {
  const line = (cells: string[]): string => `${cells.join(" & ")} \\\\`;
  const body = rows.map((row, r) => line(row.map((cell, c) => (bold(r, c) ? `\\textbf{${tex(cell)}}` : tex(cell)))));
  return [`\\begin{tabular}{l${"r".repeat(head.length - 1)}}`, "\\toprule", line(head.map(tex)), "\\midrule", ...body, "\\bottomrule", "\\end{tabular}"].join("\n") + "\n";
}
