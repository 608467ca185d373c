/** The parts of a comparison, whole, and kept current. */
import { ApiError, isAbort, request } from "@lockstep/shared/http.ts";
import { isHeld } from "@lockstep/shared/live/state.ts";
import type { PublicPart } from "@lockstep/shared/types.ts";
import { computed, onScopeDispose, shallowReactive, watch, type Ref } from "vue";
import { usePolling } from "../composables/usePolling.ts";
import { useWatched } from "../composables/useWatched.ts";
import { useLive } from "../live.ts";
import { useConnectionStore } from "../stores/connection.ts";
import { usePartsStore } from "../stores/parts.ts";

export function useCompared(ids: Ref<readonly number[]>) {
  const { dispatcher } = useLive();
  const store = usePartsStore();
  const connection = useConnectionStore();
  const abort = new AbortController();
  const failed = shallowReactive(new Map<number, ApiError>());

  async function load(id: number): Promise<void> {
    const asOf = dispatcher.begin();
    failed.delete(id);
    try {
      dispatcher.reading(await request<PublicPart>(`/parts/${id}`, { signal: abort.signal }), asOf);
      connection.checked();
    } catch (failure) {
      if (isAbort(failure)) return;
      if (!(failure instanceof ApiError)) throw failure;
      if (failure.status === 404) dispatcher.absence(id, asOf);
      else failed.set(id, failure);
    }
  }

  const columns = computed(() =>
    ids.value.map((id) => {
      const part = store.parts.get(id);
      const known = isHeld(part) && part.content.data.detail ? part : null;
      const state = part?.gone ? (part.content ? "gone" : "unknown") : known ? "ready" : failed.has(id) ? "failed" : "loading";
      return { id, state, part: known ?? (part?.content ? part : null) } as const;
    }),
  );

  watch(ids, (now, before = []) => {
    for (const id of now) if (!before.includes(id)) void load(id);
  }, { immediate: true });
  useWatched(ids, { detail: true });
  usePolling(async () => {
    await Promise.all(ids.value.map(load));
  });
  onScopeDispose(() => abort.abort());

  return { columns, load };
}
