/** Which of the two dialogs is open, and what was chosen lately. */
import { useLocalStorage } from "@vueuse/core";
import { ref } from "vue";
import { remembered } from "./search.ts";

export const shown = ref<"palette" | "keys" | null>(null);

/** A screen or an action by its id, or a part with what it was called. */
export interface Recent {
  id: string;
  part?: { id: number; sku: string; part_name: string };
}

export const recent = useLocalStorage<Recent[]>("lockstep.palette", []);

export function remember(chosen: Recent): void {
  recent.value = remembered(recent.value, chosen);
}
