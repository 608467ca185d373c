/** The shopping list, kept in this browser. */
import { newKey } from "@lockstep/shared/intention.ts";
import { defineStore } from "pinia";
import { computed } from "vue";
import { kept } from "../kept.ts";
import { readLines, withAdded, withFound, type Addition, type Line } from "../shopping/lines.ts";
import type { Asked } from "../shopping/parse.ts";

export const useShoppingStore = defineStore("shopping", () => {
  const { value: lines, isKept, change } = kept<Line[]>("lockstep.list.1", readLines, []);
  const count = computed(() => lines.value.length);

  /** @returns what became of each of them. */
  function add(more: readonly (Asked & { sku?: string | null })[]): Addition {
    let outcome: Addition = { lines: [], added: 0, together: 0, over: 0 };
    change((now) => (outcome = withAdded(now, more, newKey)).lines);
    return outcome;
  }

  /** @returns how many lines were put together with another one of the same part. */
  function find(found: ReadonlyMap<string, string>): number {
    let together = 0;
    change((now) => {
      const outcome = withFound(now, found);
      together = outcome.together;
      return outcome.lines;
    });
    return together;
  }

  function setQuantity(key: string, quantity: number): void {
    change((now) => now.map((line) => (line.key === key ? { ...line, quantity } : line)));
  }

  function replace(next: readonly Line[]): void {
    change(() => [...next]);
  }

  return { lines, count, isKept, add, find, setQuantity, replace };
});
