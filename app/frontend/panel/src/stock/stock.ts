/** The page of the stock grid: its rows, kept current by readings and by events. */
import { ApiError, isAbort } from "@lockstep/shared/http.ts";
import type { AdminContent, AdminContentEvent, AdminEvent, AdminListItem, AdminSort, AdminStock, CurrentState, Page } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { computed, ref, shallowReactive } from "vue";
import type { Aspect } from "./columns.ts";
import { applyCurrent, applyEvent, applyReading, applyStockAnswer } from "./rows.ts";
import { useSessionStore } from "../session/session.ts";

export interface StockQuery {
  q: string;
  category: string;
  lowStock: boolean;
  sort: AdminSort;
}

export const PAGE_SIZE = 50;
export const FLASH_MS = 1_600;
const SETTLE_MS = 400;

export const useStockStore = defineStore("stock", () => {
  const session = useSessionStore();

  const byId = shallowReactive(new Map<number, AdminListItem>());
  const ids = ref<number[]>([]);
  const rows = computed(() => ids.value.flatMap((id) => byId.get(id) ?? []));
  const state = ref<"loading" | "ready" | "error">("loading");
  const error = ref<ApiError | null>(null);
  const nextCursor = ref<string | null>(null);
  /** The cursors of the pages before this one, the first page's null included. */
  const trail = ref<(string | null)[]>([]);
  const flashing = shallowReactive(new Set<number>());
  /** Other parts may belong on this page by now: it is to be read again, once nobody is typing on it. */
  const outdated = ref(false);
  const reading = ref(false);

  let query: StockQuery | null = null;
  let cursor: string | null = null;
  let abort: AbortController | null = null;
  let now = 0;
  const heardAt = new Map<number, number>();
  const flashTimers = new Map<number, ReturnType<typeof setTimeout>>();
  let settle: ReturnType<typeof setTimeout> | undefined;

  async function open(next: StockQuery): Promise<void> {
    query = { ...next };
    cursor = null;
    trail.value = [];
    await show();
  }

  /** The page that is open, once more; what is shown stays until the answer is there. */
  async function refresh(): Promise<void> {
    if (query) await load();
  }

  async function next(): Promise<void> {
    if (!nextCursor.value) return;
    trail.value = [...trail.value, cursor];
    cursor = nextCursor.value;
    await show();
  }

  async function previous(): Promise<void> {
    if (trail.value.length === 0) return;
    cursor = trail.value.at(-1) ?? null;
    trail.value = trail.value.slice(0, -1);
    await show();
  }

  async function show(): Promise<void> {
    ids.value = [];
    nextCursor.value = null;
    state.value = "loading";
    await load();
  }

  async function load(): Promise<void> {
    if (!query) return;
    abort?.abort();
    const mine = (abort = new AbortController());
    const begun = now;
    outdated.value = false;
    reading.value = true;
    try {
      const page = await session.api<Page<AdminListItem>>("/admin/parts", {
        query: { q: query.q, category: query.category, low_stock: query.lowStock, sort: query.sort, limit: PAGE_SIZE, cursor },
        signal: mine.signal,
      });
      if (mine !== abort) return;
      for (const item of page.items) {
        byId.set(item.id, applyReading(byId.get(item.id), item, (heardAt.get(item.id) ?? 0) > begun));
      }
      ids.value = page.items.map((item) => item.id);
      nextCursor.value = page.next_cursor;
      error.value = null;
      state.value = "ready";
    } catch (failure) {
      if (mine !== abort || isAbort(failure)) return;
      if (!(failure instanceof ApiError)) throw failure;
      error.value = failure;
      if (ids.value.length === 0) state.value = "error";
    } finally {
      if (mine === abort) reading.value = false;
    }
  }

  /** @param quiet the change is our own, on its way back to us. */
  function receive(event: AdminEvent, quiet: boolean): void {
    if (isContent(event) && !ids.value.includes(event.part_id) && mayBelong(event)) expire();
    const row = byId.get(event.part_id);
    if (!row) return;
    heardAt.set(event.part_id, (now += 1));
    const { row: updated, changed } = applyEvent(row, event);
    if (!changed) return;
    byId.set(row.id, updated);
    if (!quiet) flash(row.id);
    // A part that left or came back may belong elsewhere in the list.
    if (changed === "status") expire();
  }

  /**
   * Could it be on this page now? Only the server can tell; the category alone can rule it out.
   * A creation may come as the update that followed it: of several changes only the last is told.
   */
  function mayBelong({ type, data }: AdminContentEvent): boolean {
    const within = query?.category ? (data.category?.path ?? []).some(({ slug }) => slug === query?.category) : true;
    return within && type !== "part.deleted";
  }

  /** Once for a burst of changes: an import tells of thousands. */
  function expire(): void {
    settle ??= setTimeout(() => {
      settle = undefined;
      outdated.value = true;
    }, SETTLE_MS);
  }

  function wrote(id: number, answer: AdminStock): void {
    update(id, (row) => applyStockAnswer(row, answer));
  }

  function renamed(id: number, { part_name, version, updated_at }: Pick<AdminContent, "part_name" | "version" | "updated_at">): void {
    update(id, (row) => (version < row.version ? row : { ...row, part_name, version, updated_at }));
  }

  function learnt(id: number, aspect: Aspect, current: CurrentState): void {
    update(id, (row) => applyCurrent(row, aspect, current));
  }

  function update(id: number, change: (row: AdminListItem) => AdminListItem): void {
    const row = byId.get(id);
    if (!row) return;
    heardAt.set(id, (now += 1));
    byId.set(id, change(row));
  }

  function flash(id: number): void {
    clearTimeout(flashTimers.get(id));
    flashing.add(id);
    flashTimers.set(id, setTimeout(() => flashing.delete(id), FLASH_MS));
  }

  return { byId, ids, rows, state, error, nextCursor, trail, flashing, outdated, reading, open, refresh, next, previous, receive, wrote, renamed, learnt };
});

function isContent(event: AdminEvent): event is AdminContentEvent {
  return event.type !== "stock.updated" && event.type !== "price.updated";
}
