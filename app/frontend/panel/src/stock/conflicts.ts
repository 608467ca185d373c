/** Conflicts and their ends: theirs is kept, mine goes on top, the same change is made to theirs, or the cell opens again. */
import { defineStore } from "pinia";
import { computed } from "vue";
import { strings } from "../strings.ts";
import { useDraftsStore } from "./drafts.ts";
import { cellKey, deltaOf, describe, type Conflict, type Write } from "./write.ts";
import { useWritesStore } from "./writes.ts";

export const useConflictsStore = defineStore("conflicts", () => {
  const writes = useWritesStore();
  const drafts = useDraftsStore();

  /** The one to decide now: none while somebody types, whose next keys would decide it unread. */
  const conflict = computed(() => (drafts.draft === null ? ((writes.conflicts[0] as Conflict | undefined) ?? null) : null));

  function take(): Conflict | null {
    const [first, ...rest] = writes.conflicts;
    writes.conflicts = rest;
    return first ?? null;
  }

  function keepTheirs(): void {
    const decided = take();
    if (decided) writes.pending.delete(cellKey(decided.write));
  }

  function applyMine(): void {
    const decided = take();
    if (decided) writes.send({ ...decided.write, version: decided.current.version }, decided.round + 1);
  }

  function reapplyAsAdjustment(): void {
    const decided = take();
    const delta = decided && deltaOf(decided);
    if (!decided || delta === null) return;
    const write: Write = { ...decided.write, change: { kind: "adjust", delta } };
    writes.send(write, decided.round + 1, strings.write.adjusted(describe(write), delta));
  }

  /** Back to the cell, with what was typed still in it. */
  function cancel(): void {
    const decided = take();
    if (!decided) return;
    const { write, yours } = decided;
    writes.pending.delete(cellKey(write));
    drafts.reopen(write, String(yours), write.reason ?? "", strings.grid.conflict);
  }

  return { conflict, keepTheirs, applyMine, reapplyAsAdjustment, cancel };
});
