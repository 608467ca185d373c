/** The parts that somebody has chosen to compare. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { kept } from "../kept.ts";

export interface Compared {
  id: number;
  name: string;
}

export const MAX_COMPARED = 4;

export const useCompareStore = defineStore("compare", () => {
  const { value: parts, change } = kept<Compared[]>("lockstep.compare.1", readCompared, []);
  const ids = computed(() => parts.value.map(({ id }) => id));
  /** Somebody has asked for one more than there may be. */
  const isTooMany = ref(false);

  function toggle(part: Compared): void {
    if (ids.value.includes(part.id)) takeOut(part.id);
    else if (ids.value.length >= MAX_COMPARED) isTooMany.value = true;
    else change((now) => (now.length >= MAX_COMPARED || now.some(({ id }) => id === part.id) ? now : [...now, { id: part.id, name: part.name }]));
  }

  function takeOut(id: number): void {
    isTooMany.value = false;
    change((now) => now.filter((one) => one.id !== id));
  }

  function clear(): void {
    isTooMany.value = false;
    change(() => []);
  }

  return { parts, ids, isTooMany, toggle, takeOut, clear };
});

export function readCompared(found: unknown): Compared[] | null {
  if (!Array.isArray(found)) return null;
  const parts = found.filter((one): one is Compared => Number.isSafeInteger((one as Compared | null)?.id) && typeof (one as Compared).name === "string");
  return [...new Map(parts.map(({ id, name }) => [id, { id, name }])).values()].slice(0, MAX_COMPARED);
}
