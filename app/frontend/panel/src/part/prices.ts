/** What may be wrong with a price list, and what changes in it. */
import type { Fields } from "./merge.ts";
import { isLarge, parseAmount, percentChange, sameMoney } from "./money.ts";
import { rowsOf, type PriceRow, type Row } from "./rows.ts";
import { parseQuantity } from "./stock.ts";

/** @returns the key of what is wrong with each line, by the line's key. */
export function priceFaults(values: Fields): Record<string, string> {
  const faults: Record<string, string> = {};
  const seen = new Set<string>();
  for (const row of rowsOf<PriceRow>(values)) {
    const tier = [row.currency.trim(), Number(row.min_quantity), row.valid_from ?? ""].join("|");
    if (!/^[A-Z]{3}$/.test(row.currency.trim())) faults[row.key] = "part.prices.wrong.currency";
    else if (parseAmount(row.amount) === null) faults[row.key] = "part.prices.wrong.amount";
    else if (!parseQuantity(row.min_quantity)) faults[row.key] = "part.prices.wrong.quantity";
    else if (row.valid_from && row.valid_to && Date.parse(row.valid_to) <= Date.parse(row.valid_from)) faults[row.key] = "part.prices.wrong.period";
    else if (seen.has(tier)) faults[row.key] = "part.prices.wrong.twice";
    seen.add(tier);
  }
  return faults;
}

export interface PriceChange {
  key: string;
  currency: string;
  min_quantity: string;
  from: string;
  to: string;
  percent: number | null;
  isLarge: boolean;
}

/** The line that a line's amount is compared with: itself before, else the latest one for the same quantity in the same currency. */
function before(row: Row<PriceRow>, base: readonly Row<PriceRow>[]): Row<PriceRow> | undefined {
  const own = base.find(({ key }) => key === row.key);
  if (own && own.currency === row.currency && own.min_quantity === row.min_quantity) return own;
  const alike = base.filter((one) => one.currency === row.currency && Number(one.min_quantity) === Number(row.min_quantity));
  return alike.sort((a, b) => Date.parse(b.valid_from ?? "1970-01-01") - Date.parse(a.valid_from ?? "1970-01-01"))[0];
}

/** @returns the lines whose amount becomes another one than that before it. */
export function priceChanges(base: Fields, values: Fields): PriceChange[] {
  const known = rowsOf<PriceRow>(base);
  return rowsOf<PriceRow>(values).flatMap((row) => {
    const to = parseAmount(row.amount);
    const from = before(row, known)?.amount;
    if (to === null || from === undefined || sameMoney(from, to)) return [];
    return [{ key: row.key, currency: row.currency, min_quantity: row.min_quantity, from, to, percent: percentChange(from, to), isLarge: isLarge(from, to) }];
  });
}

/** A moment as a field for local time takes it, and back. */
export function toLocal(iso: string | null): string {
  if (iso === null) return "";
  const date = new Date(iso);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

export function fromLocal(local: string): string | null {
  const date = new Date(local);
  return local === "" || Number.isNaN(date.getTime()) ? null : date.toISOString().replace(".000Z", "Z");
}
