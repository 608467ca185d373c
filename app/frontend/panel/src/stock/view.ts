/** The list of the stock grid: what of it has been read, kept current by requests and by events. */
import { categoryOptions, loadCategories, type CategoryOption } from "@lockstep/shared/categories.ts";
import { ApiError, isAbort, type Query } from "@lockstep/shared/http.ts";
import type { AdminContentEvent, AdminEvent, AdminListItem, AdminPartPage, AdminSort, AdminStock, CurrentState, PartStatus } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { computed, ref, shallowReactive, shallowRef } from "vue";
import { useSessionStore } from "../session/session.ts";
import type { Aspect } from "./columns.ts";
import { applyCurrent, applyEvent, applyNameAnswer, applyReading, applyStockAnswer, keepInPlace, type NameAnswer } from "./rows.ts";
import { due, extended, farthest, placed, placeOf, segmentAt, segmentsTo, stale, without, type Segment } from "./segments.ts";

export interface StockQuery {
  q: string;
  category: string;
  lowStock: boolean;
  outOfStock: boolean;
  /** Empty: all but the archived ones. */
  status: PartStatus | "";
  sort: AdminSort;
}

/** A page of a query: where it begins, and where the pages before it began. */
export interface Place {
  readonly cursor: string | null;
  readonly trail: readonly (string | null)[];
}

export interface View {
  readonly query: StockQuery;
  readonly place: Place;
}

export const FIRST_PAGE: Place = { cursor: null, trail: [] };
export const PAGE_SIZE = 100;
export const FLASH_MS = 1_600;
/** Rows are read this far beyond those on the screen. */
const AHEAD = 60;
/** Rows held at once: the farthest go, and are read again when they are scrolled to. */
const MAX_HELD = 3_000;
/** These stay in any case. */
const NEAR_SEGMENTS = 6;
/** A place deeper than this many pages is not worth remembering. */
const MAX_TRAIL = 200;
const SETTLE_MS = 400;
/** All open panels hear of a change at once. */
const TREE_JITTER_MS = 1_000;
/** A busy shop changes all the time: nobody needs new rows more often than this. */
const READING_EVERY_MS = 3_000;

export function listQuery({ q, category, lowStock, outOfStock, status, sort }: StockQuery): Query {
  return { q, category, status, low_stock: lowStock, out_of_stock: outOfStock, sort };
}

export const useViewStore = defineStore("stock view", () => {
  const session = useSessionStore();

  const byId = shallowReactive(new Map<number, AdminListItem>());
  const segments = shallowRef<readonly Segment[]>([]);
  const ids = computed<readonly number[]>(() => segments.value.flatMap((segment) => segment.ids));
  const shown = computed(() => new Set(ids.value));
  const view = shallowRef<View | null>(null);
  const state = ref<"loading" | "ready" | "error">("loading");
  const error = ref<ApiError | null>(null);
  const hasMore = computed(() => Boolean(segments.value.at(-1)?.next));
  /** No part has the words as they were typed: these are like them. */
  const isSimilar = ref(false);
  /** To narrow the list to. */
  const categories = shallowRef<readonly CategoryOption[]>([]);
  const flashing = shallowReactive(new Set<number>());
  /** The part whose row has the focus, or had it last. */
  const focused = ref<number | null>(null);
  /** Other parts may belong in this list by now: reload it once nobody is typing in it. */
  const outdated = ref(false);
  const reading = ref(false);
  /** The part that the user is typing at: meanwhile rows neither come nor go. */
  const held = ref<number | null>(null);

  /** Rows that changed since the list was opened, and rows that are known to have left it. */
  const touched = shallowReactive(new Set<number>());
  const left = shallowReactive(new Set<number>());
  /** Rows that are still shown although they no longer belong here. They go when the user refreshes. */
  const departed = computed(() => new Set([...left, ...touched].filter((id) => shown.value.has(id) && (left.has(id) || !belongs(byId.get(id))))));

  let abort: AbortController | null = null;
  let afresh = false;
  let now = 0;
  /** The rows on the screen. */
  const range = shallowRef({ first: 0, last: 0 });
  const heardAt = new Map<number, number>();
  const flashTimers = new Map<number, ReturnType<typeof setTimeout>>();
  let settle: ReturnType<typeof setTimeout> | undefined;
  let treeSettle: ReturnType<typeof setTimeout> | undefined;
  let lastSettled = -Infinity;

  // ---------------------------------------------------------------- loading

  async function open(query: StockQuery, place: Place = FIRST_PAGE): Promise<void> {
    view.value = { query: { ...query }, place };
    segments.value = segmentsTo(place, PAGE_SIZE);
    const first = place.trail.length * PAGE_SIZE;
    range.value = { first, last: first };
    focused.value = null;
    state.value = "loading";
    await refresh();
  }

  /** Reads the list again because the user asked for it: rows that no longer belong here go. */
  async function refresh(): Promise<void> {
    afresh = true;
    await catchUp();
  }

  /** Reads the list again because it may have changed: no row vanishes while somebody is looking at it. */
  async function catchUp(): Promise<void> {
    if (!view.value) return;
    abort?.abort();
    abort = null;
    outdated.value = false;
    segments.value = stale(segments.value);
    await readOn();
  }

  /** These rows are on the screen: reads what they and their neighbours lack. */
  function look(first: number, last: number): void {
    range.value = { first, last };
    // After a failure the next reading is the user's decision.
    if (!abort && state.value === "ready" && !error.value) void readOn();
  }

  /** One segment after the other, since each tells where the next begins. */
  async function readOn(): Promise<void> {
    const mine = (abort = new AbortController());
    reading.value = true;
    try {
      for (;;) {
        const next = due(segments.value, range.value.first - AHEAD, range.value.last + AHEAD);
        if (next === null || mine !== abort) break;
        if (next === "more") segments.value = extended(segments.value);
        else await read(next, mine);
      }
    } catch (failure) {
      if (mine !== abort || isAbort(failure)) return;
      if (!(failure instanceof ApiError)) throw failure;
      // A place from an old history entry: its cursor may no longer be valid, but the list is.
      if (failure.status === 400 && view.value && view.value.place.cursor !== null) return await open(view.value.query);
      error.value = failure;
      if (!ids.value.some((id) => byId.has(id))) state.value = "error";
    } finally {
      if (mine === abort) {
        abort = null;
        reading.value = false;
      }
    }
  }

  async function read(at: number, mine: AbortController): Promise<void> {
    const asked = view.value;
    const cursor = segments.value[at]?.cursor ?? null;
    if (!asked) return;
    const begun = now;
    const page = await session.api<AdminPartPage>("/admin/parts", {
      query: { ...listQuery(asked.query), limit: PAGE_SIZE, cursor }, signal: mine.signal,
    });
    if (mine === abort) take(at, page, begun);
  }

  function take(at: number, page: AdminPartPage, begun: number): void {
    const heard = new Set(page.items.filter(({ id }) => (heardAt.get(id) ?? 0) > begun).map(({ id }) => id));
    for (const item of page.items) byId.set(item.id, applyReading(byId.get(item.id), item, heard.has(item.id)));
    isSimilar.value = page.match === "similar";
    error.value = null;
    state.value = "ready";
    if (held.value !== null && segments.value[at]?.ids.some((id) => id > 0)) {
      // The user began typing in the meantime. The values are current now; the rows wait.
      outdated.value = true;
      segments.value = segments.value.map((segment, i) => (i === at ? { ...segment, isFresh: true } : segment));
      return;
    }
    if (afresh) {
      afresh = false;
      segments.value = without(segments.value, departed.value);
      touched.clear();
      left.clear();
      for (const id of heard) touched.add(id);
      segments.value = segments.value.map((segment, i) => (i === at ? { ...segment, ids: [] } : segment));
    }
    merge(at, page.items.map(({ id }) => id), page.next_cursor);
    evict();
  }

  /**
   * A row that is missing from the response either no longer belongs here and stays until the user refreshes, or was pushed to
   * another segment and goes.
   */
  function merge(at: number, read: readonly number[], next: string | null): void {
    const held = segments.value[at]?.ids.filter((id) => id > 0) ?? [];
    const whole = next === null && segments.value[at]?.cursor === null;
    const end = held.findLastIndex((id) => read.includes(id));
    const renamedAway = (id: number): boolean => Boolean(view.value?.query.q) && touched.has(id) && held.indexOf(id) < end;
    const gone = departed.value;
    const merged = keepInPlace(held, read, (id) => whole || gone.has(id) || renamedAway(id));
    segments.value = placed(segments.value, at, merged, next, (id) => gone.has(id));
    for (const id of read) left.delete(id);
    for (const id of merged) if (!read.includes(id)) left.add(id);
  }

  /** Forgets rows far from those on the screen, and rows of other views. */
  function evict(): void {
    if (byId.size <= MAX_HELD) return;
    const isSpared = (id: number): boolean => departed.value.has(id) || id === held.value;
    for (const id of byId.keys()) if (!shown.value.has(id)) forgetRow(id);
    const stripped = new Set<number>();
    for (const at of farthest(segments.value, (range.value.first + range.value.last) / 2).slice(0, -NEAR_SEGMENTS)) {
      if (byId.size <= MAX_HELD) break;
      stripped.add(at);
      for (const id of segments.value[at]?.ids ?? []) if (!isSpared(id)) forgetRow(id);
    }
    segments.value = segments.value.map((segment, at) => (stripped.has(at) ? { ...segment, isFresh: false } : segment));
  }

  function forgetRow(id: number): void {
    byId.delete(id);
    heardAt.delete(id);
    touched.delete(id);
  }

  /** Puts a row into the list that does not belong there, because the user wants to edit it. */
  function bring(row: AdminListItem): void {
    if (shown.value.has(row.id)) return;
    if (!byId.has(row.id)) byId.set(row.id, row);
    left.add(row.id);
    segments.value = segments.value.map((segment, at) => (at === 0 ? { ...segment, ids: [row.id, ...segment.ids] } : segment));
  }

  /** @returns the view with the place of a row in it, to come back to. */
  function viewOf(row: number): View | null {
    if (!view.value) return null;
    const at = segmentAt(segments.value, row);
    return { query: view.value.query, place: at > MAX_TRAIL || at < 0 ? FIRST_PAGE : placeOf(segments.value, at) };
  }

  // ---------------------------------------------------------------- updates

  /** @param quiet whether the event is the echo of our own change. */
  function receive(event: AdminEvent, quiet: boolean): void {
    if (!shown.value.has(event.part_id) && mayBelong(event)) expire();
    const row = byId.get(event.part_id);
    if (!row) return;
    const { row: updated, changed } = applyEvent(row, event);
    keep(changed ? updated : row);
    if (!changed) return;
    if (!quiet) flash(row.id);
    if (isContent(event)) recheck(event);
  }

  /** As far as the row itself shows: archived parts must be asked for, and the filter may ask for low stock or none. */
  function belongs(row: AdminListItem | undefined): boolean {
    if (!row || !view.value) return true;
    const { lowStock, outOfStock } = view.value.query;
    return hasStatus(row.status) && (!lowStock || row.stock.is_low_stock) && (!outOfStock || !row.stock.is_in_stock);
  }

  function hasStatus(status: PartStatus): boolean {
    const wanted = view.value?.query.status ?? "";
    return wanted === "" ? status !== "archived" : status === wanted;
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
    if (isContent(event)) return hasStatus(event.data.status) && isWithin(event);
    if (event.type !== "stock.updated" || !view.value) return false;
    const { lowStock, outOfStock } = view.value.query;
    return (lowStock && event.data.is_low_stock) || (outOfStock && !event.data.is_in_stock);
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
    segments.value = [];
    byId.clear();
    focused.value = null;
    state.value = "loading";
    outdated.value = false;
  }

  return {
    byId, ids, view, state, error, hasMore, isSimilar, categories, flashing, focused, outdated, reading, held, departed, touched, left, segments,
    open, refresh, catchUp, look, viewOf, firstShown: () => range.value.first, bring, receive, treeChanged, readCategories, wrote, renamed, learnt, forget,
  };
});

function isContent(event: AdminEvent): event is AdminContentEvent {
  return event.type !== "stock.updated" && event.type !== "price.updated";
}
