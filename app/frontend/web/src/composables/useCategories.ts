/** The categories to choose from. */
import { loadCategories, type CategoryOption } from "@lockstep/shared/categories.ts";
import { ref } from "vue";
import { useCatalogStore } from "../stores/catalog.ts";

export function useCategories() {
  const catalog = useCatalogStore();
  const categories = ref<CategoryOption[]>([]);

  async function refresh(): Promise<void> {
    const read = await loadCategories();
    if (read) categories.value = read;
    else catalog.forgetToken();
  }

  void refresh();

  return { categories, refresh };
}
