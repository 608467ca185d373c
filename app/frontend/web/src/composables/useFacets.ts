/**
 * How many parts each choice of a filter would leave. Loaded alongside the list, which never waits for it: without these
 * counts the filters show none, but work.
 */
import { ApiError, isAbort, request } from "@lockstep/shared/http.ts";
import type { Facets } from "@lockstep/shared/types.ts";
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from "vue";
import { filtersOf, useCatalogStore, type CatalogQuery } from "../stores/catalog.ts";

export function useFacets(query: Ref<CatalogQuery>) {
  const catalog = useCatalogStore();
  const facets = shallowRef<Facets | null>(null);
  // The order of the list does not change its facets.
  const wanted = computed(() => JSON.stringify(filtersOf(query.value)));
  const held = ref<string | null>(null);
  /** The number of matching parts; null until it is known for the current filters. */
  const total = computed(() => (held.value === wanted.value ? (facets.value?.total ?? null) : null));
  let abort: AbortController | null = null;

  async function refresh(): Promise<void> {
    abort?.abort();
    const mine = (abort = new AbortController());
    const asked = wanted.value;
    try {
      const read = await request<Facets>("/parts/facets", { query: filtersOf(query.value), signal: mine.signal });
      if (mine !== abort) return;
      facets.value = read;
      held.value = asked;
    } catch (failure) {
      if (mine !== abort || isAbort(failure)) return;
      if (!(failure instanceof ApiError)) throw failure;
      catalog.forgetToken();
      // Old counts of the same filters are better than none; counts of other filters would be wrong.
      if (asked !== held.value) facets.value = null;
    }
  }

  watch(wanted, () => void refresh(), { immediate: true });
  onScopeDispose(() => abort?.abort());

  return { facets, total, refresh };
}
