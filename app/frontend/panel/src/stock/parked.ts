/**
 * Input that could not be saved: it waits here, visible on every screen, until its author goes back to it or discards it.
 * An open cell is no place for it, since its row may leave the page.
 */
import { defineStore } from "pinia";
import { computed, shallowReactive } from "vue";
import { useViewStore, type View } from "./view.ts";
import { cellKey, type Draft } from "./write.ts";

export interface Parked extends Draft {
  readonly text: string;
  readonly reason: string;
  /** Why it was not saved. */
  readonly problem: string;
  /** Where it was typed. */
  readonly view: View | null;
}

export const useParkedStore = defineStore("parked drafts", () => {
  const stock = useViewStore();
  const byCell = shallowReactive(new Map<string, Parked>());
  const list = computed(() => [...byCell.values()]);

  function park({ id, field, base, baseValue, intention }: Draft, text: string, reason: string, problem: string): void {
    byCell.set(cellKey({ id, field }), { id, field, base, baseValue, intention, text, reason, problem, view: stock.viewOf(stock.ids.indexOf(id)) });
  }

  function drop(cell: Pick<Draft, "id" | "field">): void {
    byCell.delete(cellKey(cell));
  }

  return { byCell, list, park, drop, forget: () => byCell.clear() };
});
