/**
 * What stands around a part on its page: related parts, and its description for search engines. Read after the part
 * itself, which never waits for it; should it fail, the page just lacks it.
 */
import { ApiError, isAbort, request } from "@lockstep/shared/http.ts";
import type { ProductPage } from "@lockstep/shared/types.ts";
import { ref, shallowRef, watch, type Ref } from "vue";
import { useLive } from "../live.ts";
import { useJsonLd } from "./useJsonLd.ts";
import { useWatched } from "./useWatched.ts";

/** @param isReady whether the part itself is shown. */
export function useProductPage(id: Ref<number>, isReady: () => boolean) {
  const { dispatcher } = useLive();
  const related = ref<number[]>([]);
  const jsonLd = shallowRef<ProductPage["json_ld"] | null>(null);

  async function load(asked: number, signal: AbortSignal): Promise<void> {
    const asOf = dispatcher.begin();
    try {
      const page = await request<ProductPage>(`/pdp/${asked}`, { signal });
      if (signal.aborted) return;
      for (const item of page.related) dispatcher.reading(item, asOf);
      related.value = page.related.map((item) => item.id);
      jsonLd.value = page.json_ld;
    } catch (failure) {
      if (!(failure instanceof ApiError) && !isAbort(failure)) throw failure;
    }
  }

  watch(id, () => (related.value = []));
  watch(
    () => (isReady() ? id.value : null),
    (shown, _before, onCleanup) => {
      jsonLd.value = null;
      if (shown === null) return;
      const abort = new AbortController();
      onCleanup(() => abort.abort());
      void load(shown, abort.signal);
    },
    { immediate: true },
  );
  useWatched(related);
  useJsonLd(jsonLd);

  return { related };
}
