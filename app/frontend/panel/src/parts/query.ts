/** The list's filters and order, as they stand in the address. */
import type { AdminSort, PartStatus } from "@lockstep/shared/types.ts";
import type { LocationQuery, LocationQueryRaw } from "vue-router";

export const STATUSES = ["draft", "published", "archived"] as const satisfies readonly PartStatus[];
export const SORTS = ["sku", "-sku", "part_name", "-part_name", "available", "-available", "updated_at", "-updated_at"] as const satisfies readonly AdminSort[];
export const DEFAULT_SORT: AdminSort = "sku";

export interface PartsQuery {
  q: string;
  /** The slug of a category, which stands for those below it too; "" for all. */
  category: string;
  /** "" is all but the archived. */
  status: PartStatus | "";
  /** Low covers what is out of stock. */
  stock: "" | "low" | "ample" | "out";
  sort: AdminSort;
}

export function readQuery(address: LocationQuery): PartsQuery {
  const low = address["low_stock"];
  return {
    q: text(address["q"]).slice(0, 200),
    category: text(address["category"]),
    status: STATUSES.find((status) => status === address["status"]) ?? "",
    stock: address["out_of_stock"] === "true" ? "out" : low === "true" ? "low" : low === "false" ? "ample" : "",
    sort: SORTS.find((sort) => sort === address["sort"]) ?? DEFAULT_SORT,
  };
}

/** @returns the address, and the query of the API alike; what is not narrowed is left out. */
export function writeQuery({ q, category, status, stock, sort }: PartsQuery): LocationQueryRaw & Record<string, string> {
  const isOut = stock === "out";
  const wanted = { q, category, status, low_stock: isOut ? "" : stock && String(stock === "low"), out_of_stock: isOut ? "true" : "", sort: sort === DEFAULT_SORT ? "" : sort };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ""));
}

export function isNarrowed(query: PartsQuery): boolean {
  return query.q !== "" || query.category !== "" || query.status !== "" || query.stock !== "";
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
