/** The rows that fit, page after page. What is being read never moves: new rows are counted, and shown when that is asked for. */
import { ApiError } from "@lockstep/shared/http.ts";
import { useDebounceFn } from "@vueuse/core";
import { computed, onScopeDispose, ref, shallowRef, toValue, watch, type MaybeRefOrGetter } from "vue";
import { useMessages } from "../live/events.ts";
import { LATER_MS, type CursorPage } from "../queries.ts";
import { useSessionStore } from "../session/session.ts";
import { apiQuery, newerThan, type AuditRow, type Filters } from "./rows.ts";

const PAGE = 50;
/** The trail has a change moments after it was made, as a rule: many changes are looked for together. */
const TRAIL_MS = 900;
const QUIET = new Set(["presence", "delivery.settled", "import.progress"]);

export function useAuditRows(filters: MaybeRefOrGetter<Filters>) {
  const session = useSessionStore();
  const rows = shallowRef<AuditRow[]>([]);
  const cursor = ref<string | null>(null);
  const loading = ref(true);
  const more = ref(false);
  const error = shallowRef<Error | null>(null);
  /** Of the newest page, how many rows are not shown. */
  const fresh = ref(0);
  const isFull = computed(() => fresh.value >= PAGE);
  let round = 0;

  async function page(after: string | null): Promise<CursorPage<AuditRow>> {
    return await session.api<CursorPage<AuditRow>>("/admin/audit", { query: { ...apiQuery(toValue(filters)), limit: PAGE, cursor: after } });
  }

  async function attempt(work: (isLatest: () => boolean) => Promise<void>): Promise<void> {
    const mine = (round += 1);
    error.value = null;
    try {
      await work(() => mine === round);
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      if (mine === round) error.value = caught;
    } finally {
      if (mine === round) loading.value = more.value = false;
    }
  }

  function load(): Promise<void> {
    loading.value = true;
    return attempt(async (isLatest) => {
      const found = await page(null);
      if (!isLatest()) return;
      [rows.value, cursor.value, fresh.value] = [found.items, found.next_cursor, 0];
    });
  }

  function loadMore(): Promise<void> {
    const after = cursor.value;
    if (after === null || more.value || loading.value) return Promise.resolve();
    more.value = true;
    return attempt(async (isLatest) => {
      const found = await page(after);
      if (!isLatest()) return;
      [rows.value, cursor.value] = [[...rows.value, ...found.items], found.next_cursor];
    });
  }

  /** Looks at the newest page without showing it. */
  async function look(): Promise<void> {
    if (loading.value || error.value) return;
    const asked = toValue(filters);
    const found = await page(null).catch(() => null);
    if (found && asked === toValue(filters)) fresh.value = newerThan(found.items, rows.value);
  }

  let timer: ReturnType<typeof setTimeout> | undefined;
  /** While the worker is busy or away, the trail follows later. */
  function again(times = 0): void {
    clearTimeout(timer);
    const pause = LATER_MS.filter((one) => one > TRAIL_MS)[times];
    if (pause !== undefined) timer = setTimeout(() => { void look(); again(times + 1); }, pause);
  }
  onScopeDispose(() => clearTimeout(timer));

  const later = useDebounceFn(look, TRAIL_MS, { maxWait: 3_000 });
  function expect(): void {
    void later();
    again();
  }
  useMessages(({ name }) => {
    if (!QUIET.has(name)) expect();
  }, expect);
  watch(() => toValue(filters), () => { void load(); again(); }, { immediate: true });

  return { rows, loading, more, error, fresh, isFull, hasMore: computed(() => cursor.value !== null), load, loadMore };
}
