/** Views of the stock that somebody has given a name, kept in this browser: filters, order and columns. */
import { useLocalStorage } from "@vueuse/core";
import { computed } from "vue";
import { readQuery, writeQuery } from "./useStockQuery.ts";
import type { StockQuery } from "./view.ts";

export interface SavedView {
  readonly name: string;
  readonly query: StockQuery;
  readonly hidden: readonly string[];
}

/** As it is kept: in the form of the address, which other releases can read. */
interface Kept {
  name: string;
  query: Record<string, string>;
  hidden: string[];
}

const MAX_VIEWS = 50;
const kept = useLocalStorage<unknown>("lockstep.stock.views", []);

function isKept(one: unknown): one is Kept {
  return typeof one === "object" && one !== null && "name" in one && typeof one.name === "string" && "query" in one && typeof one.query === "object"
    && "hidden" in one && Array.isArray(one.hidden);
}

/** What was kept may be of another release, or of somebody who wrote there by hand. */
const list = computed<Kept[]>(() => (Array.isArray(kept.value) ? kept.value.filter(isKept) : []));

export const savedViews = computed<SavedView[]>(() => list.value.map(({ name, query, hidden }) => ({ name, query: readQuery(query), hidden: hidden.map(String) })));

/** A view of the same name is replaced. */
export function saveView({ name, query, hidden }: SavedView): void {
  const view: Kept = { name, query: writeQuery(query) as Record<string, string>, hidden: [...hidden] };
  kept.value = [...list.value.filter((one) => one.name !== name), view].sort((a, b) => a.name.localeCompare(b.name)).slice(0, MAX_VIEWS);
}

export function deleteView(name: string): void {
  kept.value = list.value.filter((one) => one.name !== name);
}
