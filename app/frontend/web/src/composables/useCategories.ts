/** The categories to choose from. They are read at first, and when the counts name an unknown one: live news may be missing. */
import type { Facets } from "@lockstep/shared/types.ts";
import { computed, watch, type Ref } from "vue";
import { useCategoriesStore } from "../stores/categories.ts";

export function useCategories(facets: Ref<Facets | null>) {
  const store = useCategoriesStore();

  function isUnknown({ id, slug, name }: Facets["categories"][number]): boolean {
    return !store.nodes.some((node) => node.id === id && node.slug === slug && node.name === name);
  }

  watch(facets, (now) => {
    if (!store.isReading && now?.categories.some(isUnknown)) void store.read();
  });
  void store.read();

  return computed(() => store.options);
}
