/** The grid's query lives in the address, so that a filtered view can be shared and kept. */
import type { AdminSort } from "@lockstep/shared/types.ts";
import { computed } from "vue";
import { useRoute, useRouter, type LocationQueryRaw } from "vue-router";
import type { StockQuery } from "./stock.ts";
import { strings } from "../strings.ts";

export const DEFAULT_SORT: AdminSort = "sku";

export function useStockQuery() {
  const route = useRoute();
  const router = useRouter();

  const query = computed<StockQuery>(() => {
    const sort = text(route.query["sort"]);
    return {
      q: text(route.query["q"]).slice(0, 200),
      category: text(route.query["category"]),
      lowStock: text(route.query["low_stock"]) === "true",
      sort: sort in strings.filters.sorts ? (sort as AdminSort) : DEFAULT_SORT,
    };
  });

  function change(part: Partial<StockQuery>): void {
    const next = { ...query.value, ...part };
    const location: LocationQueryRaw = {};
    if (next.q) location["q"] = next.q;
    if (next.category) location["category"] = next.category;
    if (next.lowStock) location["low_stock"] = "true";
    if (next.sort !== DEFAULT_SORT) location["sort"] = next.sort;
    void router.replace({ query: location });
  }

  return { query, change };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
