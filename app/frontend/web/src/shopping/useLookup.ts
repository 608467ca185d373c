/**
 * Which parts the lines of a list mean, and what is known of these. The server says which (`POST /parts/lookup`); stock and prices
 * then follow the live feed like those of any other page, and what so many cost is calculated here, by the same rule.
 */
import { ApiError, isAbort, request } from "@lockstep/shared/http.ts";
import { MAX_WATCHED_PARTS } from "@lockstep/shared/live/limits.ts";
import type { PublicListItem } from "@lockstep/shared/types.ts";
import type { components } from "@lockstep/shared/api.gen.ts";
import { computed, onScopeDispose, ref, shallowReactive, watch, type Ref } from "vue";
import { usePolling } from "../composables/usePolling.ts";
import { useWatched } from "../composables/useWatched.ts";
import { useWatchWindow } from "../composables/useWatchWindow.ts";
import { useLive } from "../live.ts";
import { useConnectionStore } from "../stores/connection.ts";
import { usePartsStore } from "../stores/parts.ts";
import { useShoppingStore } from "../stores/shopping.ts";
import type { Line } from "./lines.ts";
import { rowOf, type Found, type Row } from "./rows.ts";

type Answer = components["schemas"]["LookedUpLine"];

const JITTER_MS = 2_000;
/** How often what cannot be watched, of a list with more parts than a page may watch, is read again. */
const REREAD_MS = 30_000;

export function useLookup(list: Ref<HTMLElement | null>) {
  const { dispatcher } = useLive();
  const store = usePartsStore();
  const shopping = useShoppingStore();
  const connection = useConnectionStore();
  const found = shallowReactive(new Map<string, Found>());
  const error = ref<ApiError | null>(null);
  const isReading = ref(false);
  const together = ref(0);
  const abort = new AbortController();
  /** Lines whose substitutes have been asked for since their part last sufficed. */
  const substituted = new Set<string>();
  let later: ReturnType<typeof setTimeout> | undefined;

  const rows = computed<Row[]>(() => shopping.lines.map((line) => rowOf(line, found.get(nameOf(line)), (id) => store.parts.get(id))));
  const ids = computed(() => [...new Set(rows.value.flatMap(({ part }) => (part ? [part.id] : [])))]);
  const inWindow = useWatchWindow(ids, list);
  const others = computed(() => [...new Set(rows.value.flatMap(({ substitutes, candidates }) => [...substitutes, ...candidates].map(({ id }) => id)))]);

  /** What the server is asked is what its answer is found by. */
  function nameOf({ sku, asked }: Line): string {
    return sku === null ? `text ${asked}` : `sku ${sku}`;
  }

  async function look(lines: readonly Line[]): Promise<void> {
    if (lines.length === 0) return;
    isReading.value = true;
    error.value = null;
    const asOf = dispatcher.begin();
    try {
      const body = { lines: lines.map(({ sku, asked, quantity }) => (sku === null ? { text: asked, quantity } : { sku, quantity })) };
      const answer = await request<{ lines: Answer[] }>("/parts/lookup", { method: "POST", body, signal: abort.signal });
      const certain = new Map<string, string>();
      for (const [place, one] of answer.lines.entries()) {
        const line = lines[place];
        if (!line) continue;
        for (const part of [...one.candidates, ...one.substitutes]) dispatcher.reading(part, asOf);
        if (one.part) dispatcher.reading(withTiers(one.part, one.tiers), asOf);
        const known: Found = { partId: one.part?.id ?? null, candidates: one.candidates.map(({ id }) => id), substitutes: one.substitutes.map(({ id }) => id) };
        found.set(nameOf(line), known);
        if (one.part && line.sku === null) {
          certain.set(line.key, one.part.sku);
          found.set(nameOf({ ...line, sku: one.part.sku }), known);
        }
        if (one.shortfall) substituted.add(line.key);
      }
      if (certain.size > 0) together.value += shopping.find(certain);
      connection.checked();
    } catch (failure) {
      if (isAbort(failure)) return;
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
    } finally {
      isReading.value = false;
    }
  }

  /** What nobody has asked the server yet; and parts whose price came without its tiers. */
  function open(): Line[] {
    return shopping.lines.filter((line) => {
      const known = found.get(nameOf(line));
      const price = known?.partId ? store.parts.get(known.partId)?.price?.data : null;
      return !known || (price && !price.tiers);
    });
  }

  async function refresh(): Promise<void> {
    await look(shopping.lines);
  }

  watch(() => shopping.lines, () => {
    if (!error.value) void look(open());
  }, { immediate: true });

  // A part that does not suffice any more, while the page is open, needs others in its place.
  watch(() => rows.value.filter(({ shortfall }) => shortfall > 0).map(({ line }) => line.key), (short) => {
    for (const key of substituted) if (!short.includes(key)) substituted.delete(key);
    if (short.every((key) => substituted.has(key))) return;
    later ??= setTimeout(() => {
      later = undefined;
      void look(rows.value.filter(({ shortfall, line }) => shortfall > 0 && !substituted.has(line.key)).map(({ line }) => line));
    }, JITTER_MS * Math.random());
  });

  useWatched(computed(() => [...inWindow.value, ...others.value.filter((id) => !ids.value.includes(id))].slice(0, MAX_WATCHED_PARTS)));
  usePolling(refresh);
  const timer = setInterval(() => {
    if (ids.value.length > inWindow.value.length && document.visibilityState === "visible") void refresh();
  }, REREAD_MS);
  onScopeDispose(() => {
    abort.abort();
    clearTimeout(later);
    clearInterval(timer);
  });

  return { rows, error, isReading, together, refresh };
}

function withTiers(part: PublicListItem, tiers: Answer["tiers"]): PublicListItem {
  return { ...part, price: part.price && { ...part.price, tiers } } as PublicListItem;
}
