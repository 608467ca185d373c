/** Lists as fields: each row a field under the key that it had when it was read, and their order one more. */
import type { PriceListAnswer, ShownPrice, Specification } from "./types.ts";
import { ORDER, type Fields, type Json } from "./merge.ts";

export type Row<T> = T & { readonly key: string };

export interface SpecificationRow {
  group: string;
  name: string;
  value: string;
  unit: string;
}

/** As typed: amount and quantity are text until they are sent. */
export interface PriceRow {
  currency: string;
  amount: string;
  min_quantity: string;
  valid_from: string | null;
  valid_to: string | null;
}

function fieldsOf<T extends object>(items: readonly T[], identity: (item: T) => string): Fields {
  const keyed = items.map((item) => [`row:${identity(item)}`, item as unknown as Json] as const);
  return { ...Object.fromEntries(keyed), [ORDER]: keyed.map(([key]) => key) };
}

export function rowsOf<T extends object>(fields: Fields): Row<T>[] {
  return ((fields[ORDER] ?? []) as string[]).flatMap((key) => (fields[key] === undefined ? [] : [{ ...(fields[key] as unknown as T), key }]));
}

/** @returns the fields again, after rows were edited, moved, added or removed. */
export function fromRows<T extends object>(rows: readonly Row<T>[]): Fields {
  return { ...Object.fromEntries(rows.map(({ key, ...row }) => [key, row as unknown as Json])), [ORDER]: rows.map(({ key }) => key) };
}

export function newKey(): string {
  return `row:new:${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;
}

export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  if (to < 0 || to >= list.length) return [...list];
  const rest = list.filter((_, at) => at !== from);
  return [...rest.slice(0, to), ...list.slice(from, from + 1), ...rest.slice(to)];
}

export function specificationFields(list: readonly Specification[]): Fields {
  const items = list.map(({ group, name, value, unit }): SpecificationRow => ({ group, name, value, unit }));
  return fieldsOf(items, ({ group, name }) => JSON.stringify([group, name]));
}

export function priceFields(list: PriceListAnswer["prices"]): Fields {
  const items = list.map(({ currency, amount, min_quantity, valid_from, valid_to }): PriceRow => ({ currency, amount, min_quantity: String(min_quantity), valid_from, valid_to }));
  return fieldsOf(items, ({ currency, min_quantity, valid_from }) => [currency, min_quantity, valid_from].join("|"));
}

export function priceLine({ currency, amount, min_quantity, valid_from, valid_to }: PriceRow): ShownPrice {
  return { currency, amount, min_quantity: Number(min_quantity), valid_from, valid_to };
}

/** Rows of a table as a spreadsheet or a web page puts it on the clipboard: name, value, unit; or group, name, value, unit. */
export function pastedRows(text: string): SpecificationRow[] {
  const lines = text.replace(/\r\n?/g, "\n").split("\n").map((line) => line.split("\t").map((cell) => cell.trim()));
  return lines
    .filter((cells) => cells.some(Boolean))
    .map((cells) => {
      const [group = "", name = "", value = "", unit = ""] = cells.length > 3 ? cells : ["", ...cells];
      return { group, name, value, unit };
    });
}
