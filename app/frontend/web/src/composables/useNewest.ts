/** The parts that came last, kept current for as long as the component lives; with the category tree beside them, read anew with them. */
import { ApiError, request } from "@lockstep/shared/http.ts";
import type { PublicPartPage } from "@lockstep/shared/types.ts";
import { ref, shallowRef } from "vue";
import { first } from "../first.ts";
import { useLive } from "../live.ts";
import { useCategoriesStore } from "../stores/categories.ts";
import { useConnectionStore } from "../stores/connection.ts";
import { useCatalogNews } from "./useCatalogNews.ts";
import { usePolling } from "./usePolling.ts";
import { useWatched } from "./useWatched.ts";

export const NEWEST = 8;

export function useNewest() {
  const { dispatcher } = useLive();
  const tree = useCategoriesStore();
  const connection = useConnectionStore();
  const ids = shallowRef<readonly number[]>([]);
  const error = ref<ApiError | null>(null);
  const isLoading = ref(true);
  /** The catalog token under which the parts were read; null while unknown. */
  let heldToken = first.catalog ?? null;
  let asked = 0;

  async function readParts(): Promise<void> {
    const asOf = dispatcher.begin();
    const mine = (asked += 1);
    try {
      const page = await request<PublicPartPage>("/parts", { query: { sort: "newest", limit: NEWEST } });
      for (const item of page.items) dispatcher.reading(item, asOf);
      if (mine !== asked) return;
      ids.value = page.items.map((item) => item.id);
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
  useWatched(ids);
  useCatalogNews(isNews, refresh);
  usePolling(refresh);

  return { ids, error, isLoading, refresh };
}
