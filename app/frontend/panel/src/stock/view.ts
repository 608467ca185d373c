/** The open page of the stock grid: its rows, kept current by requests and by events. */
import { categoryOptions, loadCategories, type CategoryOption } from "@lockstep/shared/categories.ts";
import { ApiError, isAbort } from "@lockstep/shared/http.ts";
import type { AdminContentEvent, AdminEvent, AdminListItem, AdminSort, AdminStock, CurrentState, Page } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { computed, ref, shallowReactive, shallowRef } from "vue";
import { useSessionStore } from "../session/session.ts";
import type { Aspect } from "./columns.ts";
import { applyCurrent, applyEvent, applyNameAnswer, applyReading, applyStockAnswer, keepInPlace, type NameAnswer } from "./rows.ts";

export interface StockQuery {
  q: string;
  category: string;
  lowStock: boolean;
  sort: AdminSort;
}

/** Which page of a query: where it begins, and where the pages before it began. */
export interface Place {
  readonly cursor: string | null;
  readonly trail: readonly (string | null)[];
}

export interface View {
  readonly query: StockQuery;
  readonly place: Place;
}

export const FIRST_PAGE: Place = { cursor: null, trail: [] };
export const PAGE_SIZE = 50;
export const FLASH_MS = 1_600;
const SETTLE_MS = 400;
/** All open panels hear of a change at once. */
const TREE_JITTER_MS = 1_000;
/** A busy shop changes all the time: nobody needs new rows more often than this. */
const READING_EVERY_MS = 3_000;

export const useViewStore = defineStore("stock view", () => {
  const session = useSessionStore();

  const byId = shallowReactive(new Map<number, AdminListItem>());
  const ids = shallowRef<readonly number[]>([]);
  const rows = computed(() => ids.value.flatMap((id) => byId.get(id) ?? []));
  const view = shallowRef<View | null>(null);
  const state = ref<"loading" | "ready" | "error">("loading");
  const error = ref<ApiError | null>(null);
  const nextCursor = ref<string | null>(null);
  /** To narrow the list to. */
  const categories = shallowRef<readonly CategoryOption[]>([]);
  const flashing = shallowReactive(new Set<number>());
  /** Other parts may belong on this page by now: reload it once nobody is typing on it. */
  const outdated = ref(false);
  const reading = ref(false);
  /** While the user is typing, rows neither come nor go. */
  const held = ref(false);

  /** Rows that changed since the page was opened, and rows that are known to have left it. */
  const touched = new Set<number>();
  const left = shallowReactive(new Set<number>());
  /** Rows that are still shown although they no longer belong here. They go when the user refreshes. */
  const departed = computed(() => new Set(rows.value.filter((row) => left.has(row.id) || !fits(row)).map(({ id }) => id)));

  let abort: AbortController | null = null;
  let afresh = false;
  let now = 0;
  const heardAt = new Map<number, number>();
  const flashTimers = new Map<number, ReturnType<typeof setTimeout>>();
  let settle: ReturnType<typeof setTimeout> | undefined;
  let treeSettle: ReturnType<typeof setTimeout> | undefined;
  let lastSettled = -Infinity;

  // ---------------------------------------------------------------- loading

  async function open(query: StockQuery, place: Place = FIRST_PAGE): Promise<void> {
    view.value = { query: { ...query }, place };
    ids.value = [];
    nextCursor.value = null;
    state.value = "loading";
    await refresh();
  }

  /** Reloads the page because the user asked for it: rows that no longer belong here go. */
  async function refresh(): Promise<void> {
    afresh = true;
    await load();
  }

  /** Reloads the page because it may have changed: no row vanishes while somebody is looking at it. */
  async function catchUp(): Promise<void> {
    await load();
  }

  async function load(): Promise<void> {
    const asked = view.value;
    if (!asked) return;
    const { query, place } = asked;
    abort?.abort();
    const mine = (abort = new AbortController());
    const begun = now;
    outdated.value = false;
    reading.value = true;
    try {
      const page = await session.api<Page<AdminListItem>>("/admin/parts", {
        query: { q: query.q, category: query.category, low_stock: query.lowStock, sort: query.sort, limit: PAGE_SIZE, cursor: place.cursor },
        signal: mine.signal,
      });
      if (mine === abort) take(page, begun);
    } catch (failure) {
      if (mine !== abort || isAbort(failure)) return;
      if (!(failure instanceof ApiError)) throw failure;
      // A page from an old history entry: its cursor may no longer be valid, but the list is.
      if (failure.status === 400 && place.cursor !== null) return await open(query);
      error.value = failure;
      if (ids.value.length === 0) state.value = "error";
    } finally {
      if (mine === abort) reading.value = false;
    }
  }

  function take(page: Page<AdminListItem>, begun: number): void {
    for (const item of page.items) {
      byId.set(item.id, applyReading(byId.get(item.id), item, (heardAt.get(item.id) ?? 0) > begun));
    }
    error.value = null;
    state.value = "ready";
    const read = page.items.map(({ id }) => id);
    if (held.value && ids.value.length > 0) {
      // The user began typing in the meantime. The values are current now; the rows wait.
      outdated.value = true;
      return;
    }
    if (afresh) {
      afresh = false;
      touched.clear();
      left.clear();
      ids.value = read;
    } else {
      merge(read, page.next_cursor === null && view.value?.place.cursor === null);
    }
    nextCursor.value = page.next_cursor;
  }

  /**
   * A row that is missing from the response either no longer belongs here and stays until the user refreshes, or was pushed to
   * another page and goes.
   * @param whole whether the response holds everything in the view.
   */
  function merge(read: readonly number[], whole: boolean): void {
    const end = ids.value.findLastIndex((id) => read.includes(id));
    const renamedAway = (id: number): boolean => Boolean(view.value?.query.q) && touched.has(id) && ids.value.indexOf(id) < end;
    ids.value = keepInPlace(ids.value, read, (id) => whole || departed.value.has(id) || renamedAway(id));
    for (const id of ids.value) {
      if (read.includes(id)) left.delete(id);
      else left.add(id);
    }
  }

  /** Puts a row on the page that does not belong there, because the user wants to edit it. */
  function bring(row: AdminListItem): void {
    if (ids.value.includes(row.id)) return;
    if (!byId.has(row.id)) byId.set(row.id, row);
    left.add(row.id);
    ids.value = [row.id, ...ids.value];
  }

  // ---------------------------------------------------------------- updates

  /** @param quiet whether the event is the echo of our own change. */
  function receive(event: AdminEvent, quiet: boolean): void {
    if (!ids.value.includes(event.part_id) && mayBelong(event)) expire();
    const row = byId.get(event.part_id);
    if (!row) return;
    const { row: updated, changed } = applyEvent(row, event);
    keep(changed ? updated : row);
    if (!changed) return;
    if (!quiet) flash(row.id);
    if (isContent(event)) recheck(event);
  }

  /** As far as the row itself shows: the list holds no archived parts, and the filter may ask for low stock. */
  function fits(row: AdminListItem): boolean {
    return row.status !== "archived" && (!view.value?.query.lowStock || row.stock.is_low_stock);
  }

  /** Does a row whose content changed still belong here? Its category says; whether it matches a search, only the server knows. */
  function recheck(event: AdminContentEvent): void {
    const query = view.value?.query;
    if (!isWithin(event)) left.add(event.part_id);
    else if (query?.q || left.has(event.part_id)) expire();
  }

  /**
   * Could a part that is not here belong here now? Only the server can tell; category and stock level can rule it out.
   * A creation may arrive as the update that followed it: of several changes only the last is announced.
   */
  function mayBelong(event: AdminEvent): boolean {
    if (isContent(event)) return event.type !== "part.deleted" && isWithin(event);
    return event.type === "stock.updated" && view.value?.query.lowStock === true && event.data.is_low_stock;
  }

  function isWithin({ data }: AdminContentEvent): boolean {
    const wanted = view.value?.query.category;
    return wanted ? (data.category?.path ?? []).some(({ slug }) => slug === wanted) : true;
  }

  /** Which parts are below a category, only the server knows. The choices are read once per burst of changes. */
  function treeChanged(): void {
    if (view.value?.query.category) expire();
    treeSettle ??= setTimeout(() => {
      treeSettle = undefined;
      void readCategories();
    }, SETTLE_MS + Math.random() * TREE_JITTER_MS);
  }

  async function readCategories(): Promise<void> {
    const nodes = await loadCategories();
    if (nodes) categories.value = categoryOptions(nodes);
  }

  /** Once per burst of changes: an import announces thousands. */
  function expire(): void {
    settle ??= setTimeout(() => {
      settle = undefined;
      lastSettled = Date.now();
      outdated.value = true;
    }, Math.max(SETTLE_MS, lastSettled + READING_EVERY_MS - Date.now()));
  }

  function wrote(id: number, answer: AdminStock): void {
    update(id, (row) => applyStockAnswer(row, answer));
  }

  function renamed(id: number, answer: NameAnswer): void {
    update(id, (row) => applyNameAnswer(row, answer));
    if (view.value?.query.q) expire();
  }

  function learnt(id: number, aspect: Aspect, current: CurrentState): void {
    update(id, (row) => applyCurrent(row, aspect, current));
  }

  function update(id: number, change: (row: AdminListItem) => AdminListItem): void {
    const row = byId.get(id);
    if (row) keep(change(row));
  }

  function keep(row: AdminListItem): void {
    heardAt.set(row.id, (now += 1));
    touched.add(row.id);
    byId.set(row.id, row);
  }

  function flash(id: number): void {
    clearTimeout(flashTimers.get(id));
    flashing.add(id);
    flashTimers.set(id, setTimeout(() => flashing.delete(id), FLASH_MS));
  }

  /** Somebody else is logging in. */
  function forget(): void {
    abort?.abort();
    abort = null;
    view.value = null;
    ids.value = [];
    byId.clear();
    state.value = "loading";
    outdated.value = false;
  }

  return {
    byId, ids, rows, view, state, error, nextCursor, categories, flashing, outdated, reading, held, departed,
    open, refresh, catchUp, bring, receive, treeChanged, readCategories, wrote, renamed, learnt, forget,
  };
});

function isContent(event: AdminEvent): event is AdminContentEvent {
  return event.type !== "stock.updated" && event.type !== "price.updated";
}
