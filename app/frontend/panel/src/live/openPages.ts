/** How many pages of customers show each of these parts now: asked calmly, and only while somebody looks. */
import type { components } from "@lockstep/shared/api.gen.ts";
import { ApiError } from "@lockstep/shared/http.ts";
import { useDocumentVisibility, useIntervalFn, watchDebounced } from "@vueuse/core";
import { onScopeDispose, shallowRef, watch, type Ref } from "vue";
import { useSessionStore } from "../session/session.ts";

export const EVERY_MS = 10_000;
/** The rows come first; and whoever scrolls does not look. */
export const SETTLE_MS = 500;
/** What the server answers at once. */
const MAX_PARTS = 200;
/** A number that could not be asked for again is not true for longer. */
const LASTS_MS = 60_000;

/** @param ids of the parts whose rows are on the screen. @returns the numbers; parts that no page shows are left out. */
export function useOpenPages(ids: Readonly<Ref<readonly number[]>>): Readonly<Ref<ReadonlyMap<number, number>>> {
  const session = useSessionStore();
  const visibility = useDocumentVisibility();
  const counts = shallowRef<ReadonlyMap<number, number>>(new Map());
  let asked = 0;
  let knownAt = -Infinity;

  async function ask(): Promise<void> {
    const part_ids = ids.value.slice(0, MAX_PARTS).join(",");
    if (part_ids === "" || visibility.value !== "visible" || session.loginNeeded) return;
    const mine = (asked += 1);
    const pages = await read(part_ids);
    if (mine !== asked) return;
    if (pages) {
      counts.value = new Map(Object.entries(pages).map(([id, count]) => [Number(id), count]));
      knownAt = Date.now();
    } else if (Date.now() - knownAt > LASTS_MS) counts.value = new Map();
  }

  /** @returns null if it is not known: nobody is told, since nothing depends on it. */
  async function read(part_ids: string): Promise<Record<string, number> | null> {
    try {
      return (await session.api<components["schemas"]["OpenPages"]>("/admin/open-pages", { query: { part_ids } })).open_pages;
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      return null;
    }
  }

  watchDebounced(() => ids.value.join(), ask, { debounce: SETTLE_MS, immediate: true });
  useIntervalFn(ask, EVERY_MS);
  watch(visibility, ask);
  onScopeDispose(() => (asked += 1));
  return counts;
}
