/** CSV that spreadsheets leave as it is, by the rules of app/domain/spreadsheets.py. */

const BYTE_ORDER_MARK = "\uFEFF";
const EXPONENT = "[+-]?[0-9](?:[.,][0-9]+[Ee][+-]?[0-9]{1,3}|[Ee][+-][0-9]{2,3})";
const TITLED = "(?:Jan|Feb|Mar|Mrz|Mär|Apr|May|Mai|Jun|Jul|Aug|Sep|Oct|Okt|Nov|Dec|Dez)";
const SMALL =
  "(?:janv|févr|mars|avr|mai|juin|juil|août|sept|oct|nov|déc|ene|feb|mar|abr|may|jun|jul|ago|sep|dic|gen|mag|giu|lug|set|ott)";
const DATE = `[0-9]{1,2}(?:-|\\. )${TITLED}(?:[- ][0-9]{2,4})?|${TITLED}[- ][0-9]{2}|[0-9]{1,2}-${SMALL}\\.?(?:-[0-9]{2,4})?`;
/** What a spreadsheet takes for a formula, or would change, also after leading apostrophes. */
const UNSAFE = new RegExp(`^'*(?:[=+\\-@\\t\\r]|(?:${EXPONENT}|${DATE})$)`);

/** @param delimiter what the spreadsheets of the reader's language expect between cells. */
export function csvOf(rows: readonly (readonly (string | number | null)[])[], delimiter: "," | ";" = ","): string {
  return BYTE_ORDER_MARK + rows.map((row) => row.map((cell) => quoted(typeof cell === "string" ? safe(cell) : String(cell ?? ""))).join(delimiter) + "\r\n").join("");
}

function safe(cell: string): string {
  return UNSAFE.test(cell) ? `'${cell}` : cell;
}

function quoted(cell: string): string {
  return /[",;\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
