/**
 * The list of parts: which ids, in which order, under which query.
 * What a part looks like is in the parts store, where live changes reach it.
 */
import { ApiError, isAbort, request } from "@lockstep/shared/http.ts";
import { MAX_WATCHED_PARTS } from "@lockstep/shared/live/limits.ts";
import type { Match, PublicPartPage, PublicSort } from "@lockstep/shared/types.ts";
import type { SpecificationFilters } from "../specifications.ts";
import { defineStore } from "pinia";
import { ref } from "vue";
import { first } from "../first.ts";
import { useLive } from "../live.ts";
import { useConnectionStore } from "./connection.ts";

/** Cards, or a table whose columns are the specifications. */
export type View = "cards" | "table";

/** An empty text is no filter. */
export interface CatalogQuery {
  q: string;
  category: string;
  manufacturer: string;
  inStock: boolean;
  minPrice: string;
  maxPrice: string;
  /** Of the prices shown and compared; the shop's if empty. */
  currency: string;
  specifications: SpecificationFilters;
  sort: PublicSort;
  view: View;
  /** Where the list begins, if not at its beginning: the server's HTML links its pages like that. */
  cursor?: string;
}

export const PAGE_SIZE = 24;

/** What the API is asked for: the list and its facets must be narrowed alike. */
export function filtersOf({ q, category, manufacturer, inStock, minPrice, maxPrice, currency, specifications }: CatalogQuery) {
  return { q, category, manufacturer, in_stock: inStock, min_price: minPrice, max_price: maxPrice, currency, ...specifications };
}

/** Cards and table show the same list. */
function sameList(one: CatalogQuery | null, other: CatalogQuery): boolean {
  return one !== null && JSON.stringify({ ...one, view: "" }) === JSON.stringify({ ...other, view: "" });
}

export const useCatalogStore = defineStore("catalog", () => {
  const live = useLive();
  const connection = useConnectionStore();

  const ids = ref<number[]>([]);
  const nextCursor = ref<string | null>(null);
  const match = ref<Match>("exact");
  const state = ref<"loading" | "ready" | "error">("loading");
  const error = ref<ApiError | null>(null);
  const loadingMore = ref(false);
  const moreError = ref<ApiError | null>(null);

  let query: CatalogQuery | null = null;
  let abort: AbortController | null = null;
  /** What `more` is about to add; a refresh waits for it, for a shop in which something always changes. */
  let reading: Promise<void> = Promise.resolve();
  /** The catalog token under which the list was read; null while unknown. */
  let heldToken: string | null = first.catalog ?? null;

  async function fetchPage(limit: number, cursor: string | null, signal: AbortSignal): Promise<PublicPartPage> {
    if (!query) throw new Error("No query has been set.");
    const asOf = live.dispatcher.begin();
    const page = await request<PublicPartPage>("/parts", {
      query: { ...filtersOf(query), sort: query.sort, limit, cursor, include: query.view === "table" && "specifications" },
      signal,
    });
    for (const item of page.items) live.dispatcher.reading(item, asOf);
    return page;
  }

  /** A new question: what is shown goes, and skeletons come. */
  async function open(next: CatalogQuery): Promise<void> {
    if (sameList(query, next) && state.value === "ready") {
      query = { ...next };
      await refresh();
      return;
    }
    query = { ...next };
    ids.value = [];
    nextCursor.value = null;
    error.value = null;
    state.value = "loading";
    await load(PAGE_SIZE);
  }

  /** The same question again, as far down as was read; what is shown stays until the answer is there. */
  async function refresh(): Promise<void> {
    await reading;
    if (!query) return;
    await load(Math.min(MAX_WATCHED_PARTS, Math.max(PAGE_SIZE, ids.value.length)));
  }

  async function load(limit: number): Promise<void> {
    abort?.abort();
    const mine = (abort = new AbortController());
    loadingMore.value = false;
    moreError.value = null;
    try {
      const page = await fetchPage(limit, query?.cursor ?? null, mine.signal);
      if (mine !== abort) return;
      match.value = page.match;
      const read = page.items.map((item) => item.id);
      if (ids.value.length > read.length && read.length === limit) {
        // More was on screen than one answer may carry: what came after the answer's last part stays as it was.
        const fresh = new Set(read);
        const last = ids.value.indexOf(read[limit - 1] as number);
        ids.value = [...read, ...ids.value.slice(last < 0 ? limit : last + 1).filter((id) => !fresh.has(id))];
      } else {
        ids.value = read;
        nextCursor.value = page.next_cursor;
      }
      error.value = null;
      state.value = "ready";
      connection.checked();
    } catch (failure) {
      if (mine !== abort || isAbort(failure)) return;
      if (!(failure instanceof ApiError)) throw failure;
      forgetToken();
      // An old list is better than none: it keeps being refreshed.
      if (ids.value.length === 0) {
        error.value = failure;
        state.value = "error";
      }
    }
  }

  function more(): Promise<void> {
    if (nextCursor.value && !loadingMore.value) reading = readMore(nextCursor.value);
    return reading;
  }

  async function readMore(cursor: string): Promise<void> {
    const mine = abort ?? new AbortController();
    loadingMore.value = true;
    moreError.value = null;
    try {
      const page = await fetchPage(PAGE_SIZE, cursor, mine.signal);
      if (mine !== abort) return;
      const shown = new Set(ids.value);
      ids.value = [...ids.value, ...page.items.map((item) => item.id).filter((id) => !shown.has(id))];
      nextCursor.value = page.next_cursor;
    } catch (failure) {
      if (mine !== abort || isAbort(failure)) return;
      if (!(failure instanceof ApiError)) throw failure;
      moreError.value = failure;
    } finally {
      if (mine === abort) loadingMore.value = false;
    }
  }

  /** @returns whether the list was read under another token, so that it may differ now. */
  function isNews(token: string): boolean {
    if (token === heldToken) return false;
    heldToken = token;
    return true;
  }

  /** To be called when something could not be read: the server's next word, some seconds later, is news then. */
  function forgetToken(): void {
    heldToken = null;
  }

  return { ids, nextCursor, match, state, error, loadingMore, moreError, open, refresh, more, isNews, forgetToken };
});
