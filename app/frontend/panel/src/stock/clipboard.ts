/** Columns to and from a spreadsheet, as text. Pure. */
import type { AdminListItem } from "@lockstep/shared/types.ts";
import { t } from "../i18n.ts";
import { plainValue, type ColumnKey } from "./columns.ts";
import { parseInput, type Parsed } from "./input.ts";

/** One column of the rows, a line each; of the selection's own column the SKU. */
export function copyText(rows: readonly AdminListItem[], key: ColumnKey): string {
  return rows.map((row) => plainValue(row, key === "select" ? "sku" : key)).join("\n");
}

export interface PastedLine {
  /** Given if there are two columns: which part the line is of. */
  readonly sku: string | null;
  readonly text: string;
  readonly parsed: Parsed;
}

/**
 * Reads what was copied from a spreadsheet: one column of counts, or SKUs and counts. A heading above them is left out, as are
 * empty lines at the end. Of more columns nobody knows which one has the counts.
 */
export function readPasted(text: string): PastedLine[] {
  const lines = text.replace(/\r\n?/g, "\n").split("\n");
  while (lines.length > 0 && lines.at(-1)?.trim() === "") lines.pop();
  const read = lines.map((line): PastedLine => {
    const cells = line.split("\t");
    while (cells.length > 2 && cells.at(-1)?.trim() === "") cells.pop();
    if (cells.length > 2) return { sku: (cells[0] ?? "").trim(), text: cells.slice(1).join(" "), parsed: { kind: "invalid", message: t("stock.bulk.columns") } };
    const typed = (cells.length > 1 ? cells[1] ?? "" : cells[0] ?? "").trim();
    return { sku: cells.length > 1 ? (cells[0] ?? "").trim() : null, text: typed, parsed: parseInput("current_stock", typed) };
  });
  const isHeading = read.length > 1 && read[0]?.parsed.kind === "invalid" && !/\d/.test(read[0].text);
  return isHeading ? read.slice(1) : read;
}
