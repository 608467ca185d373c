/** Parses what was typed into a cell. */
import { t } from "../i18n.ts";
import type { EditableField } from "./columns.ts";

export type Parsed =
  | { kind: "set"; value: number | string }
  | { kind: "adjust"; delta: number }
  | { kind: "invalid"; message: string };

/** The largest integer of the database. */
const MAX = 2_147_483_647;
/** In characters, as the database counts them: an emoji is one. */
const MAX_NAME = 300;

export function parseInput(field: EditableField, text: string): Parsed {
  return field === "part_name" ? parseName(text) : parseQuantity(field, text);
}

function parseName(text: string): Parsed {
  const name = text.trim();
  if (name === "") return { kind: "invalid", message: t("stock.input.nameEmpty") };
  if ([...name].length > MAX_NAME) return { kind: "invalid", message: t("stock.input.nameLong") };
  return { kind: "set", value: name };
}

function parseQuantity(field: EditableField, text: string): Parsed {
  // Typographic minuses count as minuses; Japanese and Chinese keyboards type wide digits. A space counts as nothing around a sign
  // and between thousands. Between other digits it separates two numbers, as where cells of a spreadsheet were pasted.
  const compact = text
    .replace(/[\u2212\u2013]/g, "-")
    .replace(/[\uff0b\uff0d\uff10-\uff19]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .trim()
    .replace(/\s*([=+-])\s*/g, "$1")
    .replace(/(?<!\d)\d{1,3}([ \u00a0\u202f])\d{3}(?:\1\d{3})*(?!\d)/g, (thousands) => thousands.replace(/\s/g, ""));
  const adjustable = field === "current_stock";
  if (compact.startsWith("=")) return parseSum(compact.slice(1), adjustable);
  const match = /^([+-]?)(\d+)$/.exec(compact);
  if (!match) return { kind: "invalid", message: messageFor(compact, adjustable) };
  const [, sign = "", digits = ""] = match;
  const number = Number(digits);
  if (number > MAX) return { kind: "invalid", message: t("stock.input.tooLarge") };
  if (sign === "") return { kind: "set", value: number };
  if (!adjustable) return { kind: "invalid", message: t("stock.input.onlyOnHand") };
  return { kind: "adjust", delta: sign === "-" ? -number : number };
}

/** As in a spreadsheet: `=12`, `=48+48-3`. */
function parseSum(sum: string, adjustable: boolean): Parsed {
  if (!/^\d+([+-]\d+)*$/.test(sum)) return { kind: "invalid", message: messageFor(sum, adjustable) };
  const value = (sum.match(/[+-]?\d+/g) ?? []).reduce((total, term) => total + Number(term), 0);
  if (value < 0) return { kind: "invalid", message: messageFor("", adjustable) };
  return value > MAX ? { kind: "invalid", message: t("stock.input.tooLarge") } : { kind: "set", value };
}

/** 1.000 is a thousand to some and one to others: only its author can tell. */
function messageFor(compact: string, adjustable: boolean): string {
  if (/\d\s+\d/.test(compact)) return t("stock.input.several");
  if (/^[+-]?\d+([.,'\u2019]\d+)+$/.test(compact)) return t("stock.input.marks");
  return adjustable ? t("stock.input.adjustable") : t("stock.input.number");
}
