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

/**
 * What headers call the two columns that count, without spaces and punctuation. The number of a part is looked for first: `Item` is
 * often a position, and `Part` or `Artikel` a name, beside it.
 */
const NUMBERS = /^(?:sku|m?pn|number|nummer|manufacturer.*(?:no|number)|(?:part|item|article|product|order|catalogu?e?|cat|material|mat|artikel|art|teile?|bestell|sach|produkt|hersteller\w*)(?:no|nr|number|nummer|num|code|id))$/;
const NAMES = /^(?:part|item|article|product|material|artikel|teil|produkt)$/;
const QUANTITIES = /^(?:order|required|bestell|soll)?(?:q|qty|quantity|quant|amount|count|pcs|pieces|units|menge|anzahl|stückzahl|stück|stk|bedarf)(?:pcs|stk|st|stück|ordered|required)?$/;
/** Rows within which a header is looked for: an e-mail may say something first. */
const MAX_BEFORE_HEADER = 50;
/** `M8` or `20 mm` before an x is a measure, and so is what comes after it. */
const MEASURE = /(?:^|\s)(?:M\d+(?:[.,]\d+)?|\d+(?:[.,]\d+)?\s*mm|\S+\s+\d+(?:[.,]\d+)?)$/i;

export function parseList(text: string): Parsed {
  const rows = rowsOf(text);
  const at = rows.slice(0, MAX_BEFORE_HEADER).findIndex((cells) => columnsOf(cells));
  const columns = columnsOf(rows[at] ?? []);
  const lines = columns
    ? [...tabular(rows.slice(0, at)), ...rows.slice(at + 1).map((cells) => (cells.length > 1 ? asColumns(cells, columns) : ofText(cells[0] ?? "", false)))]
    : tabular(rows);
  const found = lines.filter((line): line is Asked => line !== null && line.asked !== "");
  return { lines: found.filter(({ quantity }) => quantity > 0), skipped: found.filter(({ quantity }) => quantity === 0).length };
}

/** The rows of a text, each with its cells; a row of free text has one. */
function rowsOf(text: string): string[][] {
  const plain = text.replace(/^\uFEFF/, "").replace(/\r\n?/g, "\n");
  // Nobody's list in free text has a tab or a bar; semicolons and commas also stand in names.
  return logicalLines(plain).map((row) => {
    const line = withoutThousands(row);
    for (const delimiter of ["\t", ";", "|", ","]) {
      const cells = cellsOf(line, delimiter).map(clean);
      if (cells.length > 1 && (delimiter !== "," || line.includes('"') || columnsOf(cells) || cells.some((cell) => quantityOf(cell) !== null))) return cells;
    }
    return [clean(cellsOf(line, "\n")[0] ?? "")];
  }).filter((cells) => cells.some((cell) => cell !== ""));
}

const BEFORE = new RegExp(`^([\\s>|•·*–-]*)(\\d{1,3}(?:,\\d{3})+)(?=\\s*(?:${UNIT}|[x×*])?\\s+(?!${UNIT}\\s*$)\\S)`, "i");
const BEHIND = /(\s)(\d{1,3}(?:,\d{3})+)(?![\d.,])/g;

/** `1,000 x 6204` and `6204-2RS 1,000`, of which the comma parts no cells, without it; but `608,100` are two, and so are `DIN 912,100`. */
function withoutThousands(line: string): string {
  const plain = (before: string, number: string): string => before + number.replaceAll(",", "");
  return line
    .replace(BEFORE, (_whole, before: string, number: string) => plain(before, number))
    .replace(BEHIND, (whole, space: string, number: string, at: number, all: string) => (/\d/.test(all.slice(0, at)) ? plain(space, number) : whole));
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
  return visible.replace(/^(?:[>|]\s*)+/, "").replace(/^[-–—•·*]\s+/, "").replace(/^\(?(?:\d{1,3}|[a-z])[.)]{1,2}\s+(?=\S)/i, "").replace(/^="(.*)"$/, "$1").replace(/^'(?=[=+\-@\d])/, "").trim().slice(0, MAX_ASKED);
}

interface Columns {
  number: number;
  quantity: number;
}

function columnsOf(cells: readonly string[]): Columns | null {
  const names = cells.map((cell) => cell.toLowerCase().replace(/[^\p{L}\p{N}]/gu, ""));
  const exact = names.findIndex((name) => NUMBERS.test(name));
  const number = exact >= 0 ? exact : names.findIndex((name) => NAMES.test(name));
  const quantity = names.findIndex((name) => QUANTITIES.test(name));
  return cells.length > 1 && number >= 0 && number !== quantity ? { number, quantity } : null;
}

function asColumns(cells: readonly string[], { number, quantity }: Columns): Asked | null {
  const asked = cells[number] ?? "";
  return !/[\p{L}\p{N}]/u.test(asked) ? null : { asked, quantity: quantityOf(cells[quantity] ?? "") ?? 1 };
}

/** Rows without a header: where every row has a number in two places, the part is where the numbers are larger. So it is in free text. */
function tabular(all: readonly string[][]): (Asked | null)[] {
  const rows = withoutPositions(all);
  const wide = rows.filter((cells) => cells.length > 1);
  const isNumbered = (at: (cells: readonly string[]) => string | undefined): boolean => wide.every((cells) => quantityOf(at(cells) ?? "") !== null);
  const sum = (at: (cells: readonly string[]) => string | undefined): number => wide.reduce((total, cells) => total + (quantityOf(at(cells) ?? "") ?? 0), 0);
  const first = (cells: readonly string[]): string | undefined => cells[0];
  const last = (cells: readonly string[]): string | undefined => cells.at(-1);
  const quantityFirst = isNumbered(first) && (!isNumbered(last) || sum(first) < sum(last));
  const beginWithQuantity = quantitiesBegin(rows);
  return rows.map((cells) => (cells.length > 1 ? ofCells(cells, quantityFirst) : ofText(cells[0] ?? "", beginWithQuantity)));
}

/** Without a first column that counts the rows, in ones or tens, beside another one of quantities. */
function withoutPositions(rows: readonly string[][]): readonly string[][] {
  const wide = rows.filter((cells) => cells.length > 2);
  const counts = (step: number): boolean => wide.every(([first = ""], at) => first.replace(/\.$/, "") === String(step * (at + 1)));
  const hasOthers = wide.every(([, ...others]) => others.some((cell) => quantityOf(cell) !== null && !/[.,]0{1,2}$/.test(cell)) && others.some((cell) => quantityOf(cell) === null && cell !== ""));
  const isCounted = wide.length > 0 && hasOthers && (counts(1) || (wide.length > 1 && counts(10)));
  return isCounted ? rows.map((cells) => (cells.length > 2 ? cells.slice(1) : cells)) : rows;
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

const NUMBER = "(?<quantity>\\d{1,3}(?:[.'’]\\d{3})+|\\d+)";
/** What stands between a part and its quantity. */
const BETWEEN = "(?:\\s*(?:[:=,]|=>|->)\\s*|\\s+[-–—/]\\s+|\\s+)";

/** Between them, these may also be a measure's: `M8 x 40`. */
const TIMES = new RegExp(`^(?<asked>.+?)\\s+(?:[x×*]\\s*|[-–—/]\\s+)${NUMBER}(?:\\s*${UNIT})?$`, "i");

/** In words: each form names its part and its quantity. */
const FORMS = [
  new RegExp(`^${NUMBER}\\s*[x×*](?:\\s+|(?=\\p{L}|\\d{4,}-))(?<asked>.+)$`, "iu"),
  new RegExp(`^${NUMBER}(?:\\s*${UNIT}\\s+(?:(?:of|von|à)\\s+)?|\\s+(?:of|von)\\s+)(?<asked>.+)$`, "i"),
  new RegExp(`^(?:qty|quantity|menge|anzahl)[.:=\\s]*${NUMBER}(?:\\s*${UNIT})?${BETWEEN}(?<asked>.+)$`, "i"),
  new RegExp(`^(?<asked>.+?)${BETWEEN}\\(?(?:qty|quantity|menge|anzahl)[.:=\\s]*${NUMBER}(?:\\s*${UNIT})?\\)?$`, "i"),
  TIMES,
  new RegExp(`^(?<asked>.+?)${BETWEEN}[(\\[]?${NUMBER}\\s*${UNIT}[)\\]]?(?:\\s+(?:je|zu|à|at|@)\\s.*)?$`, "i"),
  new RegExp(`^(?<asked>\\S.*?)\\s*(?:[:=]|=>|->)\\s*${NUMBER}$`, "i"),
  new RegExp(`^(?<asked>.*\\d.*?)\\s*[(\\[]${NUMBER}[)\\]]$`, "i"),
];

/** What may stand before the number of a part. */
const CALLED = /^(?:sku|(?:part|item|article|artikel|art|teile?)[ .-]*(?:no|nr|number|nummer)|(?:part|item|article|artikel|teil)(?=:))[.:#]*\s+/i;

function ofText(text: string, quantityFirst: boolean): Asked | null {
  if (!/[\p{L}\p{N}]/u.test(text)) return null;
  for (const form of FORMS) {
    const { asked = "", quantity = "" } = form.exec(text)?.groups ?? {};
    const amount = quantityOf(quantity);
    const isMeasure = form === TIMES ? MEASURE.test(asked) : /\s[x×*]$/i.test(asked);
    if (amount !== null && /[\p{L}\p{N}]/u.test(asked) && !isMeasure) return { asked: asked.trim().replace(CALLED, ""), quantity: amount };
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
