/**
 * A part's page: the complete part, kept current, or what to show while there is none; its related parts, kept current as
 * well; and its structured data for search engines.
 */
import { ApiError, isAbort, request } from "@lockstep/shared/http.ts";
import { isHeld } from "@lockstep/shared/live/state.ts";
import type { ProductPage, Withdrawn } from "@lockstep/shared/types.ts";
import { computed, onScopeDispose, ref, shallowRef, watch, type Ref } from "vue";
import { useLive } from "../live.ts";
import { useConnectionStore } from "../stores/connection.ts";
import { usePartsStore } from "../stores/parts.ts";
import { useJsonLd } from "./useJsonLd.ts";
import { usePolling } from "./usePolling.ts";
import { useWatched } from "./useWatched.ts";

const SOLD_OUT_JITTER_MS = 2_000;

export function useProductPage(id: Ref<number>) {
  const { dispatcher } = useLive();
  const store = usePartsStore();
  const connection = useConnectionStore();
  const page = shallowRef<ProductPage | null>(null);
  /** What the page says instead of a part that is no longer sold; null if nobody has ever seen it, or it is there. */
  const gone = shallowRef<Withdrawn | null>(null);
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
  const around = computed(() => gone.value ?? page.value);
  const related = computed(() => around.value?.related.map((item) => item.id) ?? []);

  /** What could take its place, the most alike first. It stays when the part has gone. */
  const alternatives = computed(() => around.value?.alternatives.map((item) => item.id) ?? []);

  async function load(): Promise<void> {
    abort?.abort();
    const mine = (abort = new AbortController());
    const asked = id.value;
    const asOf = dispatcher.begin();
    try {
      const read = await request<ProductPage>(`/pdp/${asked}`, { signal: mine.signal });
      if (mine !== abort) return;
      for (const one of [read.part, ...read.related, ...read.alternatives]) dispatcher.reading(one, asOf);
      page.value = read;
      gone.value = null;
      error.value = null;
      connection.checked();
    } catch (failure) {
      if (isAbort(failure) || mine !== abort) return;
      if (!(failure instanceof ApiError)) throw failure;
      if (failure.status !== 404) {
        error.value = failure;
        return;
      }
      dispatcher.absence(asked, asOf);
      const { withdrawn } = failure;
      for (const one of [...(withdrawn?.related ?? []), ...(withdrawn?.alternatives ?? [])]) dispatcher.reading(one, asOf);
      gone.value = withdrawn;
    } finally {
      if (mine === abort) abort = null;
    }
  }

  /** It has sold out while it was looked at, and so has all that was known to be like it: there may be something else by now. */
  const needsAnother = computed(() => {
    if (!page.value) return null;
    if (view.value !== "ready" || part.value?.stock.data.is_in_stock) return false;
    return !alternatives.value.some((other) => store.parts.get(other)?.stock?.data.is_in_stock);
  });
  let soon: ReturnType<typeof setTimeout> | undefined;

  async function retry(): Promise<void> {
    error.value = null;
    await load();
  }

  function begin(): void {
    page.value = null;
    gone.value = null;
    void retry();
  }

  watch(id, begin, { immediate: true });
  // The live feed has brought back a part that could not be loaded or was gone: load the rest of the page.
  watch(view, (now, before) => {
    if (now === "ready" && !abort && (before === "gone" || !page.value)) void load();
  });
  useWatched(() => [id.value], { detail: true });
  useWatched(() => [...related.value, ...alternatives.value]);
  watch(needsAnother, (now, before) => {
    clearTimeout(soon);
    // Everybody who looks at the part is told at the same moment.
    if (now && before === false) soon = setTimeout(() => void load(), SOLD_OUT_JITTER_MS * Math.random());
  });
  usePolling(load);
  useJsonLd(computed(() => (view.value === "ready" ? (page.value?.json_ld ?? null) : null)));
  onScopeDispose(() => {
    clearTimeout(soon);
    abort?.abort();
  });

  const withdrawn = computed(() => gone.value?.part ?? null);

  return { part, withdrawn, view, error, related, alternatives, retry };
}
