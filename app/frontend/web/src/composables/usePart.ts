/** One part, whole and kept current, with what a page must say while it is not there. */
import { ApiError, isAbort, request } from "@lockstep/shared/http.ts";
import { isHeld } from "@lockstep/shared/live/state.ts";
import type { PublicPart } from "@lockstep/shared/types.ts";
import { computed, onScopeDispose, ref, watch, type Ref } from "vue";
import { useLive } from "../live.ts";
import { useConnectionStore } from "../stores/connection.ts";
import { usePartsStore } from "../stores/parts.ts";
import { usePolling } from "./usePolling.ts";
import { useWatched } from "./useWatched.ts";

export function usePart(id: Ref<number>) {
  const live = useLive();
  const store = usePartsStore();
  const connection = useConnectionStore();
  const error = ref<ApiError | null>(null);
  let abort: AbortController | null = null;

  const part = computed(() => {
    const found = store.parts.get(id.value);
    return isHeld(found) ? found : null;
  });
  const view = computed<"loading" | "ready" | "gone" | "error">(() => {
    if (store.parts.get(id.value)?.gone) return "gone";
    if (part.value) return "ready";
    return error.value ? "error" : "loading";
  });

  async function load(): Promise<void> {
    abort?.abort();
    const mine = (abort = new AbortController());
    const asked = id.value;
    const asOf = live.dispatcher.begin();
    try {
      const read = await request<PublicPart>(`/parts/${asked}`, { signal: mine.signal });
      live.dispatcher.reading(read, asOf);
      error.value = null;
      connection.checked();
    } catch (failure) {
      if (isAbort(failure) || mine !== abort) return;
      if (!(failure instanceof ApiError)) throw failure;
      if (failure.status === 404) live.dispatcher.absence(asked, asOf);
      else error.value = failure;
    }
  }

  async function retry(): Promise<void> {
    error.value = null;
    await load();
  }

  watch(id, () => void retry(), { immediate: true });
  useWatched(() => [id.value], { detail: true });
  usePolling(load);
  onScopeDispose(() => abort?.abort());

  return { part, view, error, retry };
}
