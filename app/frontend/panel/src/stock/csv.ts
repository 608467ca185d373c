/** The present view as a CSV file, which spreadsheets open as it is. */
import type { AdminListItem, Page } from "@lockstep/shared/types.ts";
import { plainValue, type Column } from "./columns.ts";

/** A whole catalogue; a spreadsheet takes little more. */
export const MAX_ROWS = 100_000;
const READ = 200;

/** Spreadsheets take what begins like this for a formula. */
const FORMULA = /^[=+\-@\t\r]/;

function field(text: string, isNumber = false): string {
  const safe = !isNumber && FORMULA.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

export function csvLine(row: AdminListItem, columns: readonly Column[]): string {
  return columns.map((column) => field(plainValue(row, column.key), column.numeric)).join(",");
}

/**
 * Reads page after page, and returns the file's text, with a byte order mark.
 * @param read reads a page from a cursor on.
 * @param told is told how many rows have been read; returns false to stop.
 * @returns null if it was stopped.
 */
export async function csvOf(
  columns: readonly Column[], headings: readonly string[], read: (cursor: string | null, limit: number) => Promise<Page<AdminListItem>>, told: (count: number) => boolean,
): Promise<{ text: string; isWhole: boolean } | null> {
  const lines = [headings.map((heading) => field(heading)).join(",")];
  let cursor: string | null = null;
  do {
    const page: Page<AdminListItem> = await read(cursor, READ);
    lines.push(...page.items.map((row) => csvLine(row, columns)));
    cursor = page.next_cursor;
    if (!told(lines.length - 1)) return null;
  } while (cursor !== null && lines.length <= MAX_ROWS);
  return { text: `\ufeff${lines.join("\r\n")}\r\n`, isWhole: cursor === null };
}

export function download(name: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/csv;charset=utf-8" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
