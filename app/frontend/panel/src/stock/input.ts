/** What was typed into a cell, understood. */
import { strings } from "../strings.ts";
import type { EditableField } from "./columns.ts";

export type Parsed =
  | { kind: "set"; value: number | string }
  | { kind: "adjust"; delta: number }
  | { kind: "invalid"; message: string };

/** The database's integer. */
const MAX = 2_147_483_647;
/** In characters, as the database counts them: an emoji is one. */
const MAX_NAME = 300;

export function parseInput(field: EditableField, text: string): Parsed {
  return field === "part_name" ? parseName(text) : parseQuantity(field, text);
}

function parseName(text: string): Parsed {
  const name = text.trim();
  if (name === "") return { kind: "invalid", message: strings.input.nameEmpty };
  if ([...name].length > MAX_NAME) return { kind: "invalid", message: strings.input.nameLong };
  return { kind: "set", value: name };
}

function parseQuantity(field: EditableField, text: string): Parsed {
  // A typographic minus is a minus; spaces group thousands or are slips; Japanese and Chinese keyboards type wide digits.
  const compact = text
    .replace(/[\u2212\u2013]/g, "-")
    .replace(/[\uff0b\uff0d\uff10-\uff19]/g, (wide) => String.fromCharCode(wide.charCodeAt(0) - 0xfee0))
    .replace(/[\s\u00a0\u202f]/g, "");
  const match = /^([+-]?)(\d+)$/.exec(compact);
  const adjustable = field === "current_stock";
  if (!match) return { kind: "invalid", message: messageFor(compact, adjustable) };
  const [, sign = "", digits = ""] = match;
  const number = Number(digits);
  if (number > MAX) return { kind: "invalid", message: strings.input.tooLarge };
  if (sign === "") return { kind: "set", value: number };
  if (!adjustable) return { kind: "invalid", message: strings.input.onlyOnHand };
  return { kind: "adjust", delta: sign === "-" ? -number : number };
}

/** 1.000 is a thousand to some and one to others: nobody but its author can tell. */
function messageFor(compact: string, adjustable: boolean): string {
  if (/^[+-]?\d+([.,'\u2019]\d+)+$/.test(compact)) return strings.input.marks;
  return adjustable ? strings.input.adjustable : strings.input.number;
}
