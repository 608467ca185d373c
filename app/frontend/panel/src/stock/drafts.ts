/**
 * The open cell, with what is typed into it.
 *
 * A draft is open only while its row is on the page: however the row or the focus is lost, valid input is sent and anything
 * else is parked (parked.ts). So no input is lost, and no invisible editor gets in the way.
 */
import { newIntention } from "@lockstep/shared/intention.ts";
import type { AdminListItem, Person } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { computed, ref, shallowReactive, shallowRef, watch } from "vue";
import { useConnectionStore } from "../live/connection.ts";
import { useSessionStore } from "../session/session.ts";
import { t } from "../i18n.ts";
import { aspectOf, mayEdit, valueOf, versionOf, type EditableField } from "./columns.ts";
import { parseInput } from "./input.ts";
import { useParkedStore, type Parked } from "./parked.ts";
import { authorOf } from "./rows.ts";
import { useViewStore } from "./view.ts";
import { cellKey, type Draft } from "./write.ts";
import { useWritesStore } from "./writes.ts";

export const useDraftsStore = defineStore("drafts", () => {
  const session = useSessionStore();
  const connection = useConnectionStore();
  const stock = useViewStore();
  const parked = useParkedStore();
  const writes = useWritesStore();

  const draft = shallowRef<Draft | null>(null);
  const text = ref("");
  const invalid = ref("");
  const reason = ref("");
  /** Whether the reason field is open too. */
  const reasoned = ref(false);
  /** Incremented when the open cell should take the focus again. */
  const focusCalls = ref(0);
  const dirty = computed(() => draft.value !== null && text.value !== String(draft.value.baseValue));

  /** Why this field cannot be written now; empty if it can. */
  function refusal(field: EditableField): string {
    if (connection.status === "paused") return t("live.readOnly");
    if (!session.user) return t("stock.write.loggedOut");
    return mayEdit(session.user.role, field) ? "" : t("ui.error.forbidden");
  }

  function allowed(field: EditableField): boolean {
    return refusal(field) === "";
  }

  /**
   * Opens a cell. Input parked for it is restored, still based on the row that its author saw.
   * @param initial what was typed to open it.
   * @returns whether it is open now.
   */
  function begin(row: AdminListItem, field: EditableField, initial?: string): boolean {
    if (!allowed(field) || !stock.ids.includes(row.id)) return false;
    leave();
    const waiting = parked.byCell.get(cellKey({ id: row.id, field }));
    if (waiting) return resume(waiting, initial);
    const shown = writes.shownValue(row, field);
    start({ id: row.id, field, base: row, baseValue: shown, intention: newIntention() }, initial ?? String(shown), "", "");
    return true;
  }

  function resume(waiting: Parked, initial = waiting.text): boolean {
    const { id, field, base, baseValue, intention, problem } = waiting;
    parked.drop(waiting);
    start({ id, field, base, baseValue, intention }, initial, waiting.reason, initial === waiting.text ? problem : "");
    return true;
  }

  function start(opened: Draft, typed: string, why: string, problem: string): void {
    draft.value = opened;
    text.value = typed;
    reason.value = why;
    reasoned.value = why !== "";
    invalid.value = problem;
  }

  function cancel(): void {
    draft.value = null;
    invalid.value = "";
    reason.value = "";
    reasoned.value = false;
  }

  /** @returns whether the cell could be closed: the input was valid and is being sent, if it changes anything. */
  function commit(): boolean {
    const open = draft.value;
    if (!open) return true;
    const parsed = parseInput(open.field, text.value);
    if (parsed.kind === "invalid") {
      invalid.value = parsed.message;
      return false;
    }
    const unchanged = parsed.kind === "set" ? parsed.value === open.baseValue : parsed.delta === 0;
    const refused = unchanged ? "" : refusal(open.field);
    if (refused) {
      invalid.value = refused;
      return false;
    }
    const why = reason.value.trim();
    cancel();
    if (!unchanged) {
      writes.send({ ...open, change: parsed, version: versionOf(open.base, aspectOf(open.field)), reason: why === "" ? null : why }, 0);
    }
    return true;
  }

  /** Leaves the cell: saves valid input and parks anything else. The cell is closed in any case. */
  function leave(): void {
    const open = draft.value;
    if (!open || commit()) return;
    // The message must still be true when the connection is back.
    const problem = invalid.value === t("live.readOnly") ? t("stock.parked.offline") : invalid.value;
    parked.park(open, text.value, reason.value, problem);
    cancel();
  }

  /** Reopens a cell with a change that the server rejected; parks it if another cell is open or its row is not here. */
  function reopen(opened: Draft, typed: string, why: string, problem: string): void {
    if (draft.value || !stock.ids.includes(opened.id)) parked.park(opened, typed, why, problem);
    else start(opened, typed, why, "");
  }

  // Whatever removes a row from the page closes its cell, so that no editor is open unseen.
  watch(() => stock.ids, (ids) => {
    if (draft.value && !ids.includes(draft.value.id)) leave();
  }, { flush: "sync" });
  watch(draft, (open) => (stock.held = open?.id ?? null), { flush: "sync" });

  /** What someone else has changed the open cell to, if anyone has. */
  const overtaken = computed(() => {
    const open = draft.value;
    const row = open && stock.byId.get(open.id);
    if (!open || !row) return null;
    const aspect = aspectOf(open.field);
    if (writes.isOurs(open.id, aspect)) return null;
    const value = valueOf(row, open.field);
    if (versionOf(row, aspect) === writes.rebased(open.id, aspect, versionOf(open.base, aspect)) || value === open.baseValue) return null;
    const by = aspect === "stock" ? authorOf(row.stock) : contentAuthors.get(open.id) ?? null;
    return by?.id === session.user?.id && writes.mayBeOurs(open.id, aspect) ? null : { value, by };
  });

  /** A row says who changed it last, not who changed its content; events do. */
  const contentAuthors = shallowReactive(new Map<number, Person>());

  function heardContent(id: number, actor: Person): void {
    contentAuthors.set(id, actor);
  }

  return { draft, text, invalid, reason, reasoned, focusCalls, dirty, overtaken, allowed, begin, cancel, commit, leave, reopen, heardContent };
});
