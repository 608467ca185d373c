/** How a file is to be read: what somebody says about it where it leaves that open, as the form's fields of POST /admin/imports. */
import type { components } from "@lockstep/shared/api.gen.ts";
import type { Column } from "./jobs.ts";

type Upload = components["schemas"]["ImportUpload"];
export type Encoding = NonNullable<Upload["encoding"]>;
export type Separator = NonNullable<Upload["category_separator"]>;
/** What a column may be said to be. */
export const FIELDS = [
  "sku", "part_name", "slug", "status", "description", "category", "manufacturer", "manufacturer_number", "price", "currency",
  "current_stock", "min_stock_level",
] as const satisfies readonly Column["became"][];
export type Use = Column["became"];

export const ENCODINGS: readonly Encoding[] = [
  "utf-8", "utf-16", "windows-1252", "iso-8859-1", "iso-8859-15", "windows-1250", "windows-1251", "mac-roman", "gb18030", "shift_jis",
];
export const SEPARATORS: readonly Separator[] = [
  ">", "->", "=>", "→", "»", "›", "::", "|", "/", " / ", "\\", ":", ";", ",", ".", "~", "#", "^", " - ", " – ", "·", "&gt;", "none",
];

/** "auto": the file shows it. `uses` names only the columns about which somebody said something. */
export interface Reading {
  encoding: Encoding | "auto";
  separator: Separator | "auto";
  currency: string;
  uses: Record<string, Use>;
}

export function asTheFileSays(): Reading {
  return { encoding: "auto", separator: "auto", currency: "", uses: {} };
}

/** @returns the fields of the form, in an order that does not depend on the order of the clicks. */
export function fieldsOf({ encoding, separator, currency, uses }: Reading): [name: string, value: string][] {
  const fields: [string, string][] = [];
  if (encoding !== "auto") fields.push(["encoding", encoding]);
  if (separator !== "auto") fields.push(["category_separator", separator]);
  if (currency.trim()) fields.push(["currency", currency.trim().toUpperCase()]);
  for (const [column, use] of Object.entries(uses).sort(([a], [b]) => (a < b ? -1 : 1))) {
    if (use === "ignored") fields.push(["ignore", column]);
    else if (use === "specification") fields.push(["as_specification", column]);
    else if (isField(use)) fields.push(["map", `${use}=${column}`]);
  }
  return fields;
}

export function isField(use: Use): use is (typeof FIELDS)[number] {
  return (FIELDS as readonly Use[]).includes(use);
}

export function useOf(column: Column, { uses }: Pick<Reading, "uses">): Use {
  return uses[column.name] ?? column.became;
}

/** What a column can be; what it is now only as long as it is that. */
export function choicesFor(column: Column): Use[] {
  const own: Use[] = ["private", "undecided", "nothing"];
  return [...own.filter((use) => use === column.became), ...FIELDS, "specification", "ignored"];
}

/** @returns `reading` with a column used otherwise. */
export function withUse(reading: Reading, column: Column, use: Use): Reading {
  const { [column.name]: _, ...others } = reading.uses;
  const isNothingSaid = use === "undecided" || use === "private" || use === "nothing";
  return { ...reading, uses: isNothingSaid ? others : { ...others, [column.name]: use } };
}

/** The fields that more than one column would give. */
export function doubled(columns: readonly Column[], reading: Reading): Set<Use> {
  const uses = columns.map((column) => useOf(column, reading)).filter(isField);
  return new Set(uses.filter((use, at) => uses.indexOf(use) !== at));
}

export function sameReading(a: Reading, b: Reading): boolean {
  return JSON.stringify(fieldsOf(a)) === JSON.stringify(fieldsOf(b));
}
