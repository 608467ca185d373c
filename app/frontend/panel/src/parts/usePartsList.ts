/** The list of the parts screen: pages from the server, and what has been heard since over them. */
import type { AdminContent, AdminEvent, Person } from "@lockstep/shared/types.ts";
import { computed, shallowRef, watch, type Ref } from "vue";
import { useMessages } from "../live/events.ts";
import { refresh, useRead, useReadList, type CursorPage } from "../queries.ts";
import { isWithin, type AdminCategory } from "../ui/categoryTree.ts";
import { useNow } from "../ui/useNow.ts";
import { writeQuery, type PartsQuery } from "./query.ts";
import { fits, noted, overlaid, type Heard, type Row } from "./rows.ts";

const PAGE = 100;
const PART_EVENTS = new Set(["stock.updated", "price.updated", "part.created", "content.updated", "part.deleted", "part.restored"]);

export interface ShownRow {
  row: Row;
  /** It has changed so that it no longer belongs here; it stays until the next refresh. */
  hasLeft: boolean;
}

export function usePartsList(query: Readonly<Ref<PartsQuery>>) {
  const now = useNow();
  const asked = computed(() => ({ ...writeQuery(query.value), limit: PAGE }));
  const list = useReadList<Row>("/admin/parts", asked, { keep: true });
  const tree = useRead<CursorPage<AdminCategory>>("/admin/categories");
  const categories = computed(() => tree.data.value?.items ?? []);
  const heard = shallowRef<ReadonlyMap<number, Heard>>(new Map());
  /** Parts that belong here and are not shown yet. */
  const news = shallowRef<ReadonlySet<number>>(new Set());
  const wanted = computed(() => categories.value.find(({ slug }) => slug === query.value.category) ?? null);

  function isInCategory(id: number | null): boolean {
    return wanted.value === null || isWithin(categories.value, id, wanted.value.id);
  }

  const rows = computed<ShownRow[]>(() =>
    list.rows.value.map((answered) => {
      const row = overlaid(answered, heard.value.get(answered.id), now.value);
      return { row, hasLeft: row !== answered && !fits(row, query.value, isInCategory) };
    }),
  );
  const isSimilar = computed(() => rows.value.length > 0 && list.data.value?.pages[0]?.match === "similar");
  const stale = computed(() => news.value.size + rows.value.filter(({ hasLeft }) => hasLeft).length);

  function hear(event: AdminEvent): void {
    const id = event.part_id;
    if (list.rows.value.some((row) => row.id === id)) heard.value = new Map(heard.value).set(id, noted(heard.value.get(id), event));
    else if ((event.type === "part.created" || event.type === "part.restored") && isNews(event.data)) news.value = new Set(news.value).add(id);
  }

  function isNews(content: AdminContent): boolean {
    const found = query.value.q === "" || `${content.sku} ${content.part_name}`.toLowerCase().includes(query.value.q.toLowerCase());
    return found && fits(content, query.value, isInCategory);
  }

  /** What a call of our own answered, which its event will say again. */
  function note(content: AdminContent, actor: Person): void {
    hear({ id: "", type: "content.updated", part_id: content.id, version: content.version, data: content, actor, timestamp: content.updated_at });
  }

  async function readAgain(): Promise<void> {
    forget();
    await refresh("/admin/parts");
  }

  function forget(): void {
    heard.value = new Map();
    news.value = new Set();
  }

  useMessages(({ name, body }) => {
    if (PART_EVENTS.has(name)) hear(body as AdminEvent);
    else if (name.startsWith("category.")) void refresh("/admin/categories");
  }, () => void Promise.all([readAgain(), refresh("/admin/categories")]));
  watch(asked, forget);

  return { ...list, shown: rows, isSimilar, stale, categories, readAgain, note };
}
