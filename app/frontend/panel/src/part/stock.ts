/** The stock side of a part as fields: quantities are text until they are sent. */
import type { Fields } from "./merge.ts";
import type { Part } from "./types.ts";

export const STOCK_FIELDS = ["current_stock", "reserved_quantity", "min_stock_level"] as const;
export const MAX_QUANTITY = 2_147_483_647;

export function stockFields({ stock }: Part): Fields {
  return Object.fromEntries(STOCK_FIELDS.map((name) => [name, String(stock[name])]));
}

/** @returns a quantity that was typed; null if it is none. */
export function parseQuantity(typed: unknown): number | null {
  const text = String(typed ?? "").trim();
  return /^\d{1,10}$/.test(text) && Number(text) <= MAX_QUANTITY ? Number(text) : null;
}

/** @returns a difference that was typed, such as "-2" or "+5"; null if it is none. */
export function parseDelta(typed: string): number | null {
  const text = typed.trim().replace(/^−/, "-");
  return /^[+-]?\d{1,10}$/.test(text) && Number(text) !== 0 && Math.abs(Number(text)) <= MAX_QUANTITY ? Number(text) : null;
}
