/**
 * The specifications to filter by. What is filtered by is always among them; those of a category stay while other counts are read, also
 * if these fail: a field in which something wrong was typed does not go away.
 */
import type { Facets, SpecificationFacet } from "@lockstep/shared/types.ts";
import { computed, shallowRef, watch, type Ref } from "vue";
import { filteredNames, sameName } from "../specifications.ts";
import type { CatalogQuery } from "../stores/catalog.ts";

export function useSpecifications(query: Ref<CatalogQuery>, facets: Ref<Facets | null>) {
  const known = shallowRef<readonly SpecificationFacet[] | null>(null);

  watch(() => query.value.category, () => (known.value = null), { flush: "sync" });
  watch(
    facets,
    (now) => {
      if (now) known.value = now.specifications;
    },
    { immediate: true, flush: "sync" },
  );

  const specifications = computed<readonly SpecificationFacet[]>(() => {
    const listed = known.value ?? [];
    const unlisted = filteredNames(query.value.specifications).filter((name) => !listed.some((one) => sameName(one.name, name)));
    return [...listed, ...unlisted.map((name): SpecificationFacet => ({ name, unit: "", kind: "values", values: [], min: null, max: null }))];
  });
  /** Whether there is to be room for them: also while it is unknown which a category has. */
  const hasAny = computed(() => specifications.value.length > 0 || (query.value.category !== "" && known.value === null));

  return { specifications, hasAny };
}
