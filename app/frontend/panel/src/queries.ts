/**
 * What the screens show of the server: read through vue-query, which caches, shares and repeats reads.
 *
 * `useRead(path, query)` in a component; `refresh(path…)` after a write or an event. Keys are the path and the query, so that
 * `refresh("/admin/parts/7")` refreshes everything that was read below that address.
 */
import { ApiError, type Query } from "@lockstep/shared/http.ts";
import { keepPreviousData, QueryClient, useInfiniteQuery, useQuery } from "@tanstack/vue-query";
import { computed, onScopeDispose, toValue, watch, type MaybeRefOrGetter } from "vue";
import { afterLogOut } from "./session/forgetting.ts";
import { useSessionStore } from "./session/session.ts";

const FRESH_MS = 5_000;
const MAX_RETRIES = 2;
/** How long to wait before each further look for what follows a write: moments as a rule, longer while the worker is busy or away. */
export const LATER_MS: readonly number[] = [150, 400, 1_000, 2_500, 6_000, 12_000, 30_000, 60_000];

/** The server's own refusals are final, unless it was asked too often; anything else may pass. */
function isPassing(error: unknown): boolean {
  return !(error instanceof ApiError) || error.isNetwork || error.status === 429 || error.status >= 500;
}

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: { staleTime: FRESH_MS, retry: (count, error) => count < MAX_RETRIES && isPassing(error), networkMode: "always" },
  },
});

// Not as a plugin of the application, since the log-in and the grid do without: whatever uses it is given it.
queryClient.mount();
afterLogOut(() => queryClient.clear());

export interface ReadOptions {
  /** Nothing is read while this is false. */
  enabled?: MaybeRefOrGetter<boolean>;
  /** Go on showing what was there while another page or filter is being read. */
  keep?: boolean;
  /** Read again every so many milliseconds while the page is visible. */
  every?: number;
}

/** Reads `path` of the staff API for as long as the component is there. */
export function useRead<T>(path: MaybeRefOrGetter<string>, query: MaybeRefOrGetter<Query> = {}, options: ReadOptions = {}) {
  const session = useSessionStore();
  return useQuery<T, ApiError>({
    queryKey: computed(() => [...keyOf(toValue(path)), toValue(query)]),
    queryFn: ({ signal }) => session.api<T>(toValue(path), { query: toValue(query), signal }),
    enabled: computed(() => toValue(options.enabled ?? true)),
    ...(options.keep ? { placeholderData: keepPreviousData } : {}),
    ...(options.every ? { refetchInterval: options.every } : {}),
  }, queryClient);
}

export interface CursorPage<T> {
  items: T[];
  next_cursor: string | null;
  /** Of a search: whether it was met as typed. */
  match?: "exact" | "similar";
}

/** Reads a list page after page; `rows` are the rows of all pages read so far. */
export function useReadList<T>(path: MaybeRefOrGetter<string>, query: MaybeRefOrGetter<Query> = {}, options: Pick<ReadOptions, "enabled" | "keep"> = {}) {
  const session = useSessionStore();
  const read = useInfiniteQuery<CursorPage<T>, ApiError>({
    queryKey: computed(() => [...keyOf(toValue(path)), "pages", toValue(query)]),
    queryFn: ({ pageParam, signal }) => session.api<CursorPage<T>>(toValue(path), { query: { ...toValue(query), cursor: pageParam as string | null }, signal }),
    initialPageParam: null,
    getNextPageParam: (last) => last.next_cursor,
    enabled: computed(() => toValue(options.enabled ?? true)),
    ...(options.keep ? { placeholderData: keepPreviousData } : {}),
  }, queryClient);
  const rows = computed(() => read.data.value?.pages.flatMap((page) => page.items) ?? []);
  return { ...read, rows };
}

/** Has everything that was read at or below these paths read again, at once if it is shown. */
export async function refresh(...paths: string[]): Promise<void> {
  await Promise.all(paths.map((path) => queryClient.invalidateQueries({ queryKey: keyOf(path) })));
}

/**
 * Reads `path` again, less and less often, until it shows what a write leaves there later: the worker keeps versions and audit rows.
 * That cannot be left to the event of the write, which is sent before, perhaps even before the screen is open.
 *
 * @param newest what names the newest that there is, such as its version.
 * @param isThere whether it is shown already.
 */
export function useFollowing(path: () => string, newest: () => number | string, isThere: () => boolean): void {
  let isGone = false;
  onScopeDispose(() => (isGone = true));
  watch(newest, async (wanted) => {
    for (const pause of LATER_MS) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (isGone || newest() !== wanted || isThere()) return;
      await refresh(path());
    }
  }, { immediate: true });
}

/** @returns one element for each step of the path, so that a path is a prefix of those below it. */
export function keyOf(path: string): string[] {
  return path.split("/").filter((step) => step !== "");
}
