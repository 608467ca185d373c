/**
 * What is being edited of the parts that are open, one side at a time. It is kept in the browser under the person's id: a reload,
 * the end of the session or a log-out loses nothing, and nobody else who uses this browser is shown any of it.
 */
import { defineStore } from "pinia";
import { computed, shallowReactive } from "vue";
import { useSessionStore } from "../session/session.ts";
import { changed, untouched, type Edited, type Fields, type News } from "./merge.ts";
import { SIDES, type Side } from "./types.ts";

export interface Draft {
  edited: Edited;
  /** What others changed meanwhile, the latest first. */
  news: News[];
  /** When what was restored had been typed; null if nothing was restored. */
  restored: string | null;
  saving: boolean;
  /** The browser could not keep it: it would be lost with the page. */
  kept: boolean;
}

type Stored = Pick<Edited, "version" | "base" | "values"> & { at: string };

export const useDraftsStore = defineStore("part-drafts", () => {
  const session = useSessionStore();
  // Deep types of JSON are more than the compiler unwraps; what is edited is replaced, not changed.
  const drafts = shallowReactive(new Map<string, Draft>());

  const keyOf = (part: number, side: Side): string => `${part}.${side}`;
  const placeOf = (key: string): string => `lockstep.part-draft.${session.user?.id ?? 0}.${key}`;

  function draft(part: number, side: Side): Draft | undefined {
    return drafts.get(keyOf(part, side));
  }

  /** Begins with what the browser has kept, else with what the server says. @returns the draft, begun before or now. */
  function begin(part: number, side: Side, version: number, fields: Fields): Draft {
    const key = keyOf(part, side);
    if (!drafts.has(key)) {
      const stored = read(key);
      const edited = stored ? { version: stored.version, base: stored.base, values: stored.values, clashes: {} } : untouched(version, fields);
      drafts.set(key, shallowReactive<Draft>({ edited, news: [], restored: stored?.at ?? null, saving: false, kept: true }));
    }
    return drafts.get(key) as Draft;
  }

  function read(key: string): Stored | null {
    try {
      const stored = JSON.parse(localStorage.getItem(placeOf(key)) ?? "null") as Stored | null;
      return stored && stored.base && stored.values && stored.version ? stored : null;
    } catch {
      return null;
    }
  }

  /** Has the browser keep what was typed, or forget it once it is saved. */
  function keep(part: number, side: Side): void {
    const key = keyOf(part, side);
    const found = drafts.get(key);
    if (!found || !session.user) return;
    const { version, base, values } = found.edited;
    try {
      if (changed(found.edited).length === 0) {
        localStorage.removeItem(placeOf(key));
        found.restored = null;
      } else localStorage.setItem(placeOf(key), JSON.stringify({ version, base, values, at: new Date().toISOString() } satisfies Stored));
      found.kept = true;
    } catch {
      found.kept = false;
    }
  }

  /** The part is not open any more; what was typed stays in the browser. */
  function close(part: number): void {
    for (const side of SIDES) drafts.delete(keyOf(part, side));
  }

  function dirtySides(part: number): Side[] {
    return SIDES.filter((side) => {
      const found = draft(part, side);
      return found !== undefined && changed(found.edited).length > 0;
    });
  }

  /** Parts with something that the browser could not keep. */
  const lost = computed(() => [...drafts].filter(([, { kept, edited }]) => !kept && changed(edited).length > 0).map(([key]) => key));

  return { draft, begin, keep, close, dirtySides, lost, forget: () => drafts.clear() };
});
