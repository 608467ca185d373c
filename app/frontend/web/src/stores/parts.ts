/** The parts that this page knows, by id. Only the dispatcher writes here. */
import type { PartsKeeper } from "@lockstep/shared/live/dispatcher.ts";
import type { LivePart } from "@lockstep/shared/live/state.ts";
import { defineStore } from "pinia";
import { shallowReactive } from "vue";

export const usePartsStore = defineStore("parts", () => {
  const parts = shallowReactive(new Map<number, LivePart>());

  function put(part: LivePart): void {
    parts.set(part.id, part);
  }

  return { parts, put } satisfies PartsKeeper;
});
