/** Which price holds when: the rule of app/domain/pricing.py, for the preview and the timeline. */
import type { PriceRow } from "./rows.ts";

export type PriceLine = Pick<PriceRow, "currency" | "amount" | "min_quantity" | "valid_from" | "valid_to">;

export function holdsAt({ valid_from, valid_to }: Pick<PriceLine, "valid_from" | "valid_to">, now: number): boolean {
  return (valid_from === null || Date.parse(valid_from) <= now) && (valid_to === null || now < Date.parse(valid_to));
}

export interface PriceNow {
  currency: string;
  amount: string;
  tiers: { min_quantity: number; amount: string }[];
}

/** @returns what customers would pay at `now`, in the currency of the smallest quantity unless the shop has `preferred`. */
export function priceAt(lines: readonly PriceLine[], now: number, preferred: string | null = null): PriceNow | null {
  const inForce = lines.filter((line) => holdsAt(line, now));
  const smallest = [...inForce].sort((a, b) => Number(a.min_quantity) - Number(b.min_quantity) || a.currency.localeCompare(b.currency))[0];
  if (!smallest) return null;
  const currency = inForce.some((line) => line.currency === preferred) ? (preferred as string) : smallest.currency;
  const begun = (line: PriceLine): number => (line.valid_from === null ? -Infinity : Date.parse(line.valid_from));
  const tiers = new Map<number, PriceLine>();
  for (const line of inForce.filter((one) => one.currency === currency)) {
    const quantity = Number(line.min_quantity);
    const known = tiers.get(quantity);
    // Of several lines for one quantity the one that began last wins: a sale over a standing price.
    if (!known || begun(line) > begun(known)) tiers.set(quantity, line);
  }
  const sorted = [...tiers].sort(([a], [b]) => a - b).map(([min_quantity, { amount }]) => ({ min_quantity, amount }));
  return { currency, amount: sorted[0]?.amount ?? "", tiers: sorted };
}

export interface Bar {
  key: string;
  /** Where it begins and ends, in percent of the time shown. */
  from: number;
  to: number;
  isOpenStart: boolean;
  isOpenEnd: boolean;
  isNow: boolean;
}

const DAY_MS = 86_400_000;

/** Lays periods out on one line of time, from before the first date to after the last, with today in it. */
export function timeline(rows: readonly (Pick<PriceRow, "valid_from" | "valid_to"> & { key: string })[], now: number): { bars: Bar[]; now: number; start: number; end: number } {
  const dates = rows.flatMap(({ valid_from, valid_to }) => [valid_from, valid_to]).flatMap((date) => (date === null ? [] : [Date.parse(date)])).filter((at) => !Number.isNaN(at));
  const first = Math.min(now, ...dates);
  const last = Math.max(now, ...dates);
  const margin = Math.max(DAY_MS * 3, (last - first) * 0.08);
  const [start, end] = [first - margin, last + margin];
  const percent = (at: number): number => ((at - start) / (end - start)) * 100;
  const bars = rows.map(({ key, valid_from, valid_to }) => ({
    key,
    from: valid_from === null ? 0 : percent(Date.parse(valid_from)),
    to: valid_to === null ? 100 : percent(Date.parse(valid_to)),
    isOpenStart: valid_from === null,
    isOpenEnd: valid_to === null,
    isNow: holdsAt({ valid_from, valid_to }, now),
  }));
  return { bars, now: percent(now), start, end };
}
