/**
 * The grid's query lives in the address, so that a filtered view can be shared and kept, and "back" undoes a filter. Which page
 * of it is shown lives in the history entry alone: the mark where a page begins is of no use to anybody else.
 */
import type { AdminSort } from "@lockstep/shared/types.ts";
import { computed } from "vue";
import { useRouter, type LocationQuery, type LocationQueryRaw } from "vue-router";
import { strings } from "../strings.ts";
import { FIRST_PAGE, type Place, type StockQuery, type View } from "./view.ts";

export const DEFAULT_SORT: AdminSort = "sku";

export function useStockQuery() {
  const router = useRouter();

  // Of two pages of one query only the history's entry differs: whoever wants to know of it looks at the whole route.
  const view = computed<View>(() => ({ query: readQuery(router.currentRoute.value.query), place: readPlace(router.options.history.state["place"]) }));

  /** @param continued it is the last change, typed on: one step for "back", not one a letter. */
  function change(part: Partial<StockQuery>, continued = false): void {
    void router[continued ? "replace" : "push"]({ query: writeQuery({ ...view.value.query, ...part }) });
  }

  function turnTo(place: Place): void {
    void show({ query: view.value.query, place });
  }

  async function show({ query, place }: View): Promise<void> {
    const { cursor, trail } = place;
    await router.push({ name: "stock", query: writeQuery(query), state: { place: { cursor, trail: [...trail] } }, force: true });
  }

  return { view, change, turnTo, show };
}

export function nextPage({ place }: View, cursor: string): Place {
  return { cursor, trail: [...place.trail, place.cursor] };
}

export function previousPage({ place }: View): Place {
  return { cursor: place.trail.at(-1) ?? null, trail: place.trail.slice(0, -1) };
}

export function readQuery(address: LocationQuery): StockQuery {
  const sort = text(address["sort"]);
  return {
    q: text(address["q"]).slice(0, 200),
    category: text(address["category"]),
    lowStock: text(address["low_stock"]) === "true",
    sort: Object.hasOwn(strings.filters.sorts, sort) ? (sort as AdminSort) : DEFAULT_SORT,
  };
}

export function writeQuery({ q, category, lowStock, sort }: StockQuery): LocationQueryRaw {
  const wanted = { q, category, low_stock: lowStock ? "true" : "", sort: sort === DEFAULT_SORT ? "" : sort };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ""));
}

/** The history's entry survives a reload, and may be another version's. */
export function readPlace(kept: unknown): Place {
  if (typeof kept !== "object" || kept === null || !("cursor" in kept) || !("trail" in kept)) return FIRST_PAGE;
  const { cursor, trail } = kept;
  const isMark = (mark: unknown): mark is string | null => mark === null || typeof mark === "string";
  return isMark(cursor) && Array.isArray(trail) && trail.every(isMark) ? { cursor, trail } : FIRST_PAGE;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
