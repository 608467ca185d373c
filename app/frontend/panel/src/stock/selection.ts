/** The rows that were picked, to be copied or changed together. They may be far from those on the screen. */
import { defineStore } from "pinia";
import { computed, shallowRef } from "vue";
import { useViewStore } from "./view.ts";

/** As many as one bulk change takes. */
export const MAX_SELECTED = 1_000;

export const useSelectionStore = defineStore("stock selection", () => {
  const stock = useViewStore();
  const picked = shallowRef<ReadonlySet<number>>(new Set());
  /** Where a range begins. */
  let anchor: number | null = null;

  /** In the order of the list; what is not in it any more is not selected any more. */
  const ids = computed(() => (picked.value.size === 0 ? [] : stock.ids.filter((id) => picked.value.has(id))));

  function pick(wanted: Iterable<number>): void {
    picked.value = new Set([...wanted].filter((id) => id > 0).slice(0, MAX_SELECTED));
  }

  function toggle(id: number): void {
    const next = new Set(picked.value);
    if (!next.delete(id)) next.add(id);
    anchor = id;
    pick(next);
  }

  /** From where the range began to this row. */
  function extendTo(from: number, to: number): void {
    const all = stock.ids;
    if (anchor === null || !picked.value.has(anchor)) anchor = from;
    const [start, end] = [all.indexOf(anchor), all.indexOf(to)].sort((a, b) => a - b) as [number, number];
    if (start >= 0) pick(all.slice(start, end + 1));
  }

  function clear(): void {
    anchor = null;
    picked.value = new Set();
  }

  return { picked, ids, pick, toggle, extendTo, clear };
});
