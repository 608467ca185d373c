/** Conflicts and their outcomes: keep theirs, overwrite with mine, apply the same adjustment to theirs, or reopen the cell. */
import { formatSigned } from "@lockstep/shared/format.ts";
import { defineStore } from "pinia";
import { computed } from "vue";
import { t } from "../i18n.ts";
import { useDraftsStore } from "./drafts.ts";
import { cellKey, deltaOf, describe, type Conflict, type Write } from "./write.ts";
import { useWritesStore } from "./writes.ts";

export const useConflictsStore = defineStore("conflicts", () => {
  const writes = useWritesStore();
  const drafts = useDraftsStore();

  /** The one to decide now: none while the user is typing, since the next keystroke would decide it unread. */
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
    writes.send(write, decided.round + 1, t("stock.write.adjusted", { what: describe(write), delta: formatSigned(delta) }));
  }

  /** Back to the cell, with what was typed still in it. */
  function cancel(): void {
    const decided = take();
    if (!decided) return;
    const { write, yours } = decided;
    writes.pending.delete(cellKey(write));
    drafts.reopen(write, String(yours), write.reason ?? "", t("stock.conflicting"));
  }

  return { conflict, keepTheirs, applyMine, reapplyAsAdjustment, cancel };
});
