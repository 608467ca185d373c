/**
 * The grid's query lives in the URL, so that a filtered view can be shared and bookmarked, and "back" undoes a filter. Which
 * part of it is on the screen lives in the history entry alone: a cursor is of no use to anybody else.
 */
import type { AdminSort, PartStatus } from "@lockstep/shared/types.ts";
import { computed } from "vue";
import { useRouter, type LocationQuery, type LocationQueryRaw } from "vue-router";
import { FIRST_PAGE, type Place, type StockQuery, type View } from "./view.ts";

export const DEFAULT_SORT: AdminSort = "sku";
export const SORTS = Object.keys({
  "sku": 1, "-sku": 1, "part_name": 1, "-part_name": 1, "available": 1, "-available": 1, "-updated_at": 1, "updated_at": 1,
} satisfies Record<AdminSort, 1>) as AdminSort[];
export const STATUSES: readonly PartStatus[] = ["published", "draft", "archived"];

export function useStockQuery() {
  const router = useRouter();

  const view = computed<View>(() => ({ query: readQuery(router.currentRoute.value.query), place: readPlace(router.options.history.state["place"]) }));

  /**
   * @param continued the typing goes on from the last change: one history entry in all, not one per letter.
   * @returns when the address has changed.
   */
  async function change(part: Partial<StockQuery>, continued = false): Promise<void> {
    await router[continued ? "replace" : "push"]({ query: writeQuery({ ...view.value.query, ...part }) });
  }

  async function show({ query, place }: View): Promise<void> {
    await router.push({ name: "stock", query: writeQuery(query), state: { place: plain(place) }, force: true });
  }

  /** A reload of the page comes back to this place. */
  function remember(place: Place): void {
    router.options.history.replace(router.currentRoute.value.fullPath, { place: plain(place) });
  }

  return { view, change, show, remember };
}

function plain({ cursor, trail }: Place): { cursor: string | null; trail: (string | null)[] } {
  return { cursor, trail: [...trail] };
}

export function readQuery(address: LocationQuery): StockQuery {
  return {
    q: text(address["q"]).slice(0, 200),
    category: text(address["category"]),
    lowStock: text(address["low_stock"]) === "true",
    outOfStock: text(address["out_of_stock"]) === "true",
    status: STATUSES.find((status) => status === address["status"]) ?? "",
    sort: SORTS.find((sort) => sort === address["sort"]) ?? DEFAULT_SORT,
  };
}

export function writeQuery({ q, category, lowStock, outOfStock, status, sort }: StockQuery): LocationQueryRaw {
  const wanted = { q, category, low_stock: lowStock ? "true" : "", out_of_stock: outOfStock ? "true" : "", status, sort: sort === DEFAULT_SORT ? "" : sort };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ""));
}

/** A history entry survives a reload, so another release may have written it. */
export function readPlace(kept: unknown): Place {
  if (typeof kept !== "object" || kept === null || !("cursor" in kept) || !("trail" in kept)) return FIRST_PAGE;
  const { cursor, trail } = kept;
  const isMark = (mark: unknown): mark is string | null => mark === null || typeof mark === "string";
  return isMark(cursor) && Array.isArray(trail) && trail.every(isMark) ? { cursor, trail } : FIRST_PAGE;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
