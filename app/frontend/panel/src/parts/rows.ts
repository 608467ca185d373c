/**
 * Rows that stay current while they are shown. What was heard of a part lies over its row as the server answered it, aspect by
 * aspect, and only while it is newer: so neither a late event nor a late answer takes anything back.
 */
import type { components } from "@lockstep/shared/api.gen.ts";
import type { AdminContent, AdminEvent, Person } from "@lockstep/shared/types.ts";
import type { PartsQuery } from "./query.ts";

type Schemas = components["schemas"];
export type Row = Schemas["AdminListItem"];
type PriceLine = Schemas["ShownPriceLine"];

export interface Heard {
  content?: AdminContent;
  stock?: Schemas["AdminStock"];
  price?: Schemas["PriceListState"];
  /** When the newest of these was, and whose it is. */
  at: string;
  by: Person | null;
}

/** @returns what is known of the part after an event, which may come late. */
export function noted(heard: Heard | undefined, event: AdminEvent): Heard {
  const at = event.data.updated_at;
  const isNewest = !heard || at >= heard.at;
  const next: Heard = { ...heard, at: isNewest ? at : heard.at, by: isNewest ? event.actor : heard.by };
  if (event.type === "stock.updated") return newer(heard?.stock, event.data) ? { ...next, stock: event.data } : next;
  if (event.type === "price.updated") return newer(heard?.price, event.data) ? { ...next, price: event.data } : next;
  return newer(heard?.content, event.data) ? { ...next, content: event.data } : next;
}

function newer(held: { version: number } | undefined, present: { version: number }): boolean {
  return !held || present.version > held.version;
}

/** @param now milliseconds; a price list says what holds when. */
export function overlaid(row: Row, heard: Heard | undefined, now: number): Row {
  if (!heard) return row;
  const { content, stock, price } = heard;
  return {
    ...row,
    ...(content && newer(row, content) ? { part_name: content.part_name, sku: content.sku, slug: content.slug, status: content.status, category: content.category, version: content.version, thumbnail: content.images[0]?.srcset[0]?.url ?? null } : {}),
    ...(stock && newer(row.stock, stock) ? { stock } : {}),
    ...(price && newer(row.price ?? { version: 0 }, price) ? { price: priceOf(price, row.price?.currency, now) } : {}),
    ...(heard.at > row.updated_at ? { updated_at: heard.at, changed_by: heard.by } : {}),
  };
}

/** @returns the price of one piece in that currency, or in the first there is one in. */
function priceOf({ prices, version }: Schemas["PriceListState"], currency: string | undefined, now: number): Row["price"] {
  const holds = (line: PriceLine): boolean => (!line.valid_from || Date.parse(line.valid_from) <= now) && (!line.valid_to || Date.parse(line.valid_to) > now);
  const [line] = prices
    .filter((one) => holds(one) && one.currency === (currency ?? prices[0]?.currency))
    .sort((one, other) => one.min_quantity - other.min_quantity || (other.valid_from ?? "").localeCompare(one.valid_from ?? ""));
  return line ? { amount: line.amount, currency: line.currency, version } : null;
}

/** Whether a row still belongs in the list. What a search finds is the server's to say; a row that it found is taken to fit. */
export function fits(row: Pick<Row, "status" | "category"> & Partial<Pick<Row, "stock">>, query: PartsQuery, isInCategory: (id: number | null) => boolean): boolean {
  if (query.status === "" ? row.status === "archived" : row.status !== query.status) return false;
  if (query.stock === "out" && row.stock?.is_in_stock) return false;
  if ((query.stock === "low" || query.stock === "ample") && row.stock && row.stock.is_low_stock !== (query.stock === "low")) return false;
  return query.category === "" || isInCategory(row.category?.id ?? null);
}
