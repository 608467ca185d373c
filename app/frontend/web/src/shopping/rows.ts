/** What a shopping list shows of a line, from what is known of its part now. */
import type { LivePart } from "@lockstep/shared/live/state.ts";
import { sumOf, tierFor, totalOf } from "@lockstep/shared/money.ts";
import type { Line } from "./lines.ts";

/** What the server has said of a line. */
export interface Found {
  partId: number | null;
  candidates: number[];
  substitutes: number[];
}

export interface Row {
  line: Line;
  /** `unsure`: there are parts that it may mean; `gone`: its part is not sold any more. */
  state: "looking" | "found" | "gone" | "unsure" | "unknown";
  part: LivePart | null;
  name: string;
  /** How many of its pieces are missing. */
  shortfall: number;
  unitPrice: string | null;
  /** The quantity from which on it is sold, if that is more than is wanted. */
  soldFrom: number | null;
  total: string | null;
  currency: string | null;
  candidates: LivePart[];
  /** In stock, nearest first; only where pieces are missing, or the part itself is. */
  substitutes: LivePart[];
}

export function rowOf(line: Line, found: Found | undefined, partOf: (id: number) => LivePart | undefined): Row {
  const part = (found?.partId ? partOf(found.partId) : null) ?? null;
  const shown = (ids: readonly number[] = []): LivePart[] => ids.flatMap((id) => partOf(id) ?? []).filter((one) => one.content && !one.gone);
  const candidates = part ? [] : shown(found?.candidates);
  const state = !found ? "looking" : part ? (part.gone ? "gone" : "found") : line.sku !== null ? "gone" : candidates.length > 0 ? "unsure" : "unknown";
  const price = state === "found" ? (part?.price?.data ?? null) : null;
  const tiers = price?.tiers ?? [];
  const tier = tierFor(tiers, line.quantity);
  const shortfall = state === "found" && part?.stock ? Math.max(0, line.quantity - part.stock.data.available_stock) : 0;
  return {
    line,
    state,
    part,
    name: part?.content?.data.part_name ?? line.sku ?? line.asked,
    shortfall,
    unitPrice: tier?.amount ?? null,
    soldFrom: tiers.length > 0 && !tier ? Math.min(...tiers.map((one) => one.min_quantity)) : null,
    total: price && tier ? totalOf(tier.amount, line.quantity, price.currency) : null,
    currency: price?.currency ?? null,
    candidates,
    substitutes: shortfall > 0 || state === "gone" ? shown(found?.substitutes).filter((one) => one.stock?.data.is_in_stock) : [],
  };
}

/** @returns the total in each currency, alphabetically: two are never added up. */
export function totalsOf(rows: readonly Row[]): { currency: string; total: string }[] {
  const amounts = new Map<string, string[]>();
  for (const { currency, total } of rows) if (currency && total) amounts.set(currency, [...(amounts.get(currency) ?? []), total]);
  return [...amounts].sort(([one], [other]) => (one < other ? -1 : 1)).map(([currency, own]) => ({ currency, total: sumOf(own, currency) }));
}
