/**
 * Lists of what somebody needs, as people paste them: cells of a spreadsheet, CSV with or without a header, lines of an e-mail.
 * What stands for a part is only told apart from its quantity here; which part it is, `POST /parts/lookup` says.
 */
import { quantityOf, UNIT } from "./quantity.ts";

export interface Asked {
  asked: string;
  quantity: number;
}

export interface Parsed {
  lines: Asked[];
  /** Rows with the quantity 0. */
  skipped: number;
}

const MAX_ASKED = 200;
/** What is longer than any row is no row: the rest of it is not looked at. */
const MAX_ROW = 2_000;
/** Lines that an open quotation mark may span. */
const MAX_SPANNED = 20;

/** What headers call the two columns that count. */
const NUMBERS = /^(?:sku|part(?: ?(?:no|number|nr))?\.?|p\/n|pn|item(?: ?(?:no|number))?\.?|number|article(?: ?(?:no|number))?\.?|material|artikel(?:-?nr|nummer)?\.?|teil(?:e-?nr|enummer)?\.?|bestell-?(?:nr|nummer)\.?|nummer|mpn|manufacturer.*(?:no|number)\.?)$/i;
const QUANTITIES = /^(?:q(?:ty|uantity|ty\.|uant\.)|amount|count|pcs|pieces|units|menge|anzahl|stück|stk\.?|bestellmenge)$/i;
/** `M8` or `20 mm` before an x is a measure, and so is what comes after it. */
const MEASURE = /(?:^|\s)(?:M\d+(?:[.,]\d+)?|\d+(?:[.,]\d+)?\s*mm|\S+\s+\d+(?:[.,]\d+)?)$/i;

export function parseList(text: string): Parsed {
  const rows = rowsOf(text);
  const [header, ...rest] = rows;
  const columns = header && columnsOf(header);
  const lines = columns ? rest.map((cells) => asColumns(cells, columns)) : tabular(rows);
  const found = lines.filter((line): line is Asked => line !== null && line.asked !== "");
  return { lines: found.filter(({ quantity }) => quantity > 0), skipped: found.filter(({ quantity }) => quantity === 0).length };
}

/** The rows of a text, each with its cells; a row of free text has one. */
function rowsOf(text: string): string[][] {
  const plain = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  // Nobody's list in free text has a tab; semicolons and commas also stand in names.
  return logicalLines(plain).map((line) => {
    for (const delimiter of ["\t", ";", ","]) {
      const cells = cellsOf(line, delimiter).map(clean);
      if (cells.length > 1 && (delimiter !== "," || line.includes('"') || columnsOf(cells) || cells.some((cell) => quantityOf(cell) !== null))) return cells;
    }
    return [clean(cellsOf(line, "\n")[0] ?? "")];
  }).filter((cells) => cells.some((cell) => cell !== ""));
}

/** Lines, of which one with an open quotation mark goes on in the next. */
function logicalLines(text: string): string[] {
  const physical = text.split("\n").map((line) => line.slice(0, MAX_ROW));
  const lines: string[] = [];
  for (let at = 0; at < physical.length; at += 1) {
    const spanned = physical.slice(at, at + MAX_SPANNED);
    const end = opens(spanned[0] ?? "") ? spanned.findIndex((line, index) => index > 0 && CLOSES.test(line)) : -1;
    // Nothing closes it: it is an inch.
    lines.push(end > 0 ? spanned.slice(0, end + 1).join("\n") : (spanned[0] ?? ""));
    if (end > 0) at += end;
  }
  return lines;
}

const CLOSES = /^(?:[^"]|"")*"(?:[\t;,]|$)/;

/** Whether the last quoted cell of a line does not end in it. */
function opens(line: string): boolean {
  return /(?:^|[\t;,])"(?:[^"]|"")*$/.test(line) && (line.match(/"/g) ?? []).length % 2 === 1;
}

/** The cells of one row, by RFC 4180: quoted ones may have the delimiter, and doubled quotation marks, in them. */
function cellsOf(line: string, delimiter: string): string[] {
  const cells: string[] = [];
  const quoted = /\s*"((?:[^"]|"")*)"\s*/y;
  for (let at = 0; at <= line.length; ) {
    quoted.lastIndex = at;
    const found = quoted.exec(line);
    const isWhole = found && (quoted.lastIndex === line.length || line[quoted.lastIndex] === delimiter);
    const next = line.indexOf(delimiter, at);
    const end = isWhole ? quoted.lastIndex : next < 0 ? line.length : next;
    cells.push(isWhole ? (found[1] ?? "").replace(/""/g, '"') : line.slice(at, end));
    at = end + 1;
  }
  return cells;
}

/** Without what is invisible, what quotes an e-mail or lists, and what keeps a spreadsheet from changing a cell. */
function clean(cell: string): string {
  const visible = cell.replace(/[\p{Cf}\p{Cs}]/gu, "").replace(/[\p{Cc}\s]+/gu, " ").trim();
  return visible.replace(/^(?:[>|]\s*)+/, "").replace(/^[-–•·]\s+/, "").replace(/^="(.*)"$/, "$1").replace(/^'(?=[=+\-@\d])/, "").trim().slice(0, MAX_ASKED);
}

interface Columns {
  number: number;
  quantity: number;
}

function columnsOf(cells: readonly string[]): Columns | null {
  const number = cells.findIndex((cell) => NUMBERS.test(cell));
  const quantity = cells.findIndex((cell) => QUANTITIES.test(cell));
  return cells.length > 1 && number >= 0 && number !== quantity ? { number, quantity } : null;
}

function asColumns(cells: readonly string[], { number, quantity }: Columns): Asked | null {
  const asked = cells[number] ?? "";
  return asked === "" ? null : { asked, quantity: quantityOf(cells[quantity] ?? "") ?? 1 };
}

/** Rows without a header: where every row has a number in two places, the part is where the numbers are larger. So it is in free text. */
function tabular(rows: readonly string[][]): (Asked | null)[] {
  const wide = rows.filter((cells) => cells.length > 1);
  const isNumbered = (at: (cells: readonly string[]) => string | undefined): boolean => wide.every((cells) => quantityOf(at(cells) ?? "") !== null);
  const sum = (at: (cells: readonly string[]) => string | undefined): number => wide.reduce((total, cells) => total + (quantityOf(at(cells) ?? "") ?? 0), 0);
  const first = (cells: readonly string[]): string | undefined => cells[0];
  const last = (cells: readonly string[]): string | undefined => cells.at(-1);
  const quantityFirst = isNumbered(first) && (!isNumbered(last) || sum(first) < sum(last));
  const beginWithQuantity = quantitiesBegin(rows);
  return rows.map((cells) => (cells.length > 1 ? ofCells(cells, quantityFirst) : ofText(cells[0] ?? "", beginWithQuantity)));
}

/** Whether two bare numbers in a line are quantity and part, in this order: as the other lines say, or else by which are larger. */
function quantitiesBegin(rows: readonly (readonly string[])[]): boolean {
  const pairs = rows.filter((cells) => cells.length === 1).map(([text = ""]) => text.split(" ")).filter((words) => words.length === 2);
  const numbers = pairs.map((words) => words.map(quantityOf));
  const order = numbers.reduce((sum, [first, second], at) => {
    if (first == null && second != null) return sum - Number(/\d/.test(pairs[at]?.[0] ?? ""));
    return first != null && second == null ? sum + Number(/\d/.test(pairs[at]?.[1] ?? "")) : sum;
  }, 0);
  if (order !== 0) return order > 0;
  const bare = numbers.filter((pair) => pair.every((one) => one !== null));
  const [before, behind] = [0, 1].map((at) => bare.reduce((sum, pair) => sum + (pair[at] ?? 0), 0));
  return (before ?? 0) < (behind ?? 0);
}

function ofCells(cells: readonly string[], quantityFirst: boolean): Asked | null {
  const filled = cells.filter((cell) => cell !== "");
  if (filled.length === 1) return ofText(filled[0] ?? "", quantityFirst);
  const isQuantity = (cell: string): boolean => quantityOf(cell) !== null;
  const at = quantityFirst ? filled.findIndex(isQuantity) : filled.findLastIndex(isQuantity);
  const asked = filled.find((cell, index) => index !== at && /[\p{L}\p{N}]/u.test(cell));
  return asked === undefined ? null : { asked, quantity: quantityOf(filled[at] ?? "") ?? 1 };
}

/** In words: each form names its part and its quantity. */
const FORMS = [
  new RegExp(`^(?<quantity>\\d+)\\s*[x×*]\\s+(?<asked>.+)$`, "i"),
  new RegExp(`^(?<quantity>\\d+)\\s*${UNIT}\\s+(?:of\\s+|à\\s+)?(?<asked>.+)$`, "i"),
  new RegExp(`^(?<asked>.+?)[\\s,:=]+(?:qty|quantity|menge|anzahl)[.:\\s]*(?<quantity>\\d+)$`, "i"),
  new RegExp(`^(?<asked>.+?)\\s+\\(?(?<quantity>\\d+)\\s*${UNIT}\\)?$`, "i"),
  /^(?<asked>.+?)\s+[x×*]\s*(?<quantity>\d+)$/i,
  /^(?<asked>\S.*?)\s*[:=]\s*(?<quantity>\d+)$/,
];

function ofText(text: string, quantityFirst: boolean): Asked | null {
  if (!/[\p{L}\p{N}]/u.test(text)) return null;
  for (const form of FORMS) {
    const { asked = "", quantity = "" } = form.exec(text)?.groups ?? {};
    const amount = quantityOf(quantity);
    if (amount !== null && /[\p{L}\p{N}]/u.test(asked) && !(form.source.includes("[x×*]\\s*(") && MEASURE.test(asked))) return { asked: asked.trim(), quantity: amount };
  }
  return besides(text, quantityFirst) ?? { asked: text, quantity: 1 };
}

/** `6204-2RS 3` and `3 6204-2RS`, but not `DIN 912`: a part's number has a digit. Which of two bare numbers it is, the list says. */
function besides(text: string, quantityFirst: boolean): Asked | null {
  const [first = "", second = "", ...more] = text.split(" ");
  if (more.length > 0) return null;
  const before = quantityOf(first);
  const behind = quantityOf(second);
  if (behind !== null && /\d/.test(first) && (before === null || !quantityFirst)) return { asked: first, quantity: behind };
  return before !== null && /\d/.test(second) ? { asked: second, quantity: before } : null;
}
