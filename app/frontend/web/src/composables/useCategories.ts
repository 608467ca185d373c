/** The categories to choose from. They seldom change, so they are reloaded only when the counts name an unknown one. */
import { loadCategories, type CategoryOption } from "@lockstep/shared/categories.ts";
import type { Facets } from "@lockstep/shared/types.ts";
import { ref, watch, type Ref } from "vue";

export function useCategories(facets: Ref<Facets | null>) {
  const categories = ref<CategoryOption[]>([]);
  let isReading = false;

  async function read(): Promise<void> {
    isReading = true;
    categories.value = (await loadCategories()) ?? categories.value;
    isReading = false;
  }

  function isUnknown({ slug, name }: Facets["categories"][number]): boolean {
    return !categories.value.some((option) => option.slug === slug && option.label.trim() === name);
  }

  watch(facets, (now) => {
    if (!isReading && now?.categories.some(isUnknown)) void read();
  });
  void read();

  return categories;
}
