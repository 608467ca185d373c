/** The category whose page this is, as the tree has it now. Should it get another address while its page is open, the page follows. */
import type { PartCategory } from "@lockstep/shared/types.ts";
import { computed, watch, type ComputedRef, type Ref } from "vue";
import { useRouter } from "vue-router";
import { FILTERING } from "../router.ts";
import type { CatalogQuery } from "../stores/catalog.ts";
import { useCategoriesStore } from "../stores/categories.ts";
import { addressOf } from "./useCatalogQuery.ts";

export function usePresentCategory(query: Ref<CatalogQuery>): ComputedRef<PartCategory | null> {
  const router = useRouter();
  const tree = useCategoriesStore();
  let known: { slug: string; id: number } | null = null;

  const category = computed(() => {
    const node = tree.nodes.find(({ slug }) => slug === query.value.category);
    return node ? tree.shown({ ...node, path: [] }) : null;
  });

  watch(
    [category, () => query.value.category],
    ([now, slug]) => {
      if (now) known = { slug, id: now.id };
      else if (known?.slug === slug) {
        const renamed = tree.nodes.find(({ id }) => id === known?.id);
        if (renamed) void router.replace({ ...addressOf({ ...query.value, category: renamed.slug }), state: FILTERING });
      }
    },
    { immediate: true },
  );

  return category;
}
