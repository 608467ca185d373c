/**
 * The parts that came last, and those that are back in stock, kept current for as long as the component lives; with the category tree
 * beside them, read anew with them.
 */
import { ApiError, request } from "@lockstep/shared/http.ts";
import type { PublicPartPage, RestockedParts } from "@lockstep/shared/types.ts";
import { computed, ref, shallowRef } from "vue";
import { first } from "../first.ts";
import { useLive } from "../live.ts";
import { useCategoriesStore } from "../stores/categories.ts";
import { useConnectionStore } from "../stores/connection.ts";
import { useCatalogNews } from "./useCatalogNews.ts";
import { usePolling } from "./usePolling.ts";
import { useWatched } from "./useWatched.ts";

export const NEWEST = 8;
const RESTOCKED = 4;

export function useHomeParts() {
  const { dispatcher } = useLive();
  const tree = useCategoriesStore();
  const connection = useConnectionStore();
  const newest = shallowRef<readonly number[]>([]);
  const restocked = shallowRef<readonly number[]>([]);
  const error = ref<ApiError | null>(null);
  const isLoading = ref(true);
  /** The catalog token under which the parts were read; null while unknown. */
  let heldToken = first.catalog ?? null;
  let asked = 0;

  async function readParts(): Promise<void> {
    const asOf = dispatcher.begin();
    const mine = (asked += 1);
    try {
      const [latest, back] = await Promise.all([
        request<PublicPartPage>("/parts", { query: { sort: "newest", limit: NEWEST } }),
        request<RestockedParts>("/parts/restocked", { query: { limit: RESTOCKED } }),
      ]);
      for (const item of [...latest.items, ...back.items]) dispatcher.reading(item, asOf);
      if (mine !== asked) return;
      newest.value = latest.items.map((item) => item.id);
      restocked.value = back.items.map((item) => item.id);
      error.value = null;
      connection.checked();
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
      // The server's next word, some seconds later, is news then.
      heldToken = null;
    } finally {
      isLoading.value = false;
    }
  }

  async function refresh(): Promise<void> {
    await Promise.all([readParts(), tree.read()]);
  }

  function isNews(token: string): boolean {
    if (token === heldToken) return false;
    heldToken = token;
    return true;
  }

  void refresh();
  useWatched(computed(() => [...new Set([...newest.value, ...restocked.value])]));
  useCatalogNews(isNews, refresh);
  usePolling(refresh);

  return { newest, restocked, error, isLoading, refresh };
}
