/** The list's query lives in the address, so that it can be shared, and "back" works. */
import type { PublicSort } from "@lockstep/shared/types.ts";
import { computed } from "vue";
import { useRoute, useRouter, type LocationQueryRaw } from "vue-router";
import type { CatalogQuery } from "../stores/catalog.ts";
import { strings } from "../strings.ts";

export const DEFAULT_SORT: PublicSort = "name";

export function useCatalogQuery() {
  const route = useRoute();
  const router = useRouter();

  const query = computed<CatalogQuery>(() => {
    const sort = text(route.query["sort"]);
    return {
      q: text(route.query["q"]).slice(0, 200),
      category: text(route.query["category"]),
      inStock: text(route.query["in_stock"]) === "true",
      sort: sort in strings.catalog.sorts ? (sort as PublicSort) : DEFAULT_SORT,
    };
  });

  function change(part: Partial<CatalogQuery>): void {
    const next = { ...query.value, ...part };
    const location: LocationQueryRaw = {};
    if (next.q) location["q"] = next.q;
    if (next.category) location["category"] = next.category;
    if (next.inStock) location["in_stock"] = "true";
    if (next.sort !== DEFAULT_SORT) location["sort"] = next.sort;
    // Typing on in the search is one step for "back", not one a letter.
    const typing = part.q !== undefined && query.value.q !== "" && part.q !== "";
    void router[typing ? "replace" : "push"]({ query: location });
  }

  return { query, change };
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}
