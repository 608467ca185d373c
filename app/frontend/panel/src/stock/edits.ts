/**
 * What staff type into the grid: the draft in the open cell, writes under way, and conflicts.
 *
 * Writes to one part's stock (or content) go one after another. A write states the version
 * that its author saw, moved along over the author's own writes since: one is not in
 * conflict with oneself.
 */
import { ApiError } from "@lockstep/shared/http.ts";
import type { AdminContent, AdminListItem, AdminStock, CurrentState, Person, StockField } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { computed, ref, shallowReactive, shallowRef } from "vue";
import { aspectOf, mayEdit, STOCK_FIELDS, valueOf, versionOf, type Aspect, type EditableField } from "./columns.ts";
import { parseInput } from "./input.ts";
import { stockAuthor } from "./rows.ts";
import { strings } from "../strings.ts";
import { useConnectionStore } from "../live/connection.ts";
import { useSessionStore } from "../session/session.ts";
import { useStockStore } from "./stock.ts";
import { useToastsStore } from "../ui/toasts.ts";

export interface Draft {
  readonly id: number;
  readonly field: EditableField;
  /** The row when editing began. */
  readonly base: AdminListItem;
  /** What the cell showed then: with one's own unconfirmed change, if there was one. */
  readonly baseValue: number | string;
}

export interface Pending {
  readonly value: number | string;
  readonly state: "sending" | "conflict" | "saved";
}

type Change = { kind: "set"; value: number | string } | { kind: "adjust"; delta: number };

interface Write {
  readonly id: number;
  readonly field: EditableField;
  readonly base: AdminListItem;
  readonly baseValue: number | string;
  readonly change: Change;
  /** The version to state; an adjustment states none. */
  readonly version: number;
}

export interface Conflict {
  readonly write: Write;
  readonly yours: number | string;
  readonly current: CurrentState;
  readonly by: Person | null;
  readonly at: string | null;
  /** How often it has come up for this one change. */
  readonly round: number;
}

const SAVED_MS = 1_600;

export function cellKey(id: number, field: EditableField): string {
  return `${id}:${field}`;
}

export const useEditsStore = defineStore("edits", () => {
  const session = useSessionStore();
  const connection = useConnectionStore();
  const stock = useStockStore();
  const toasts = useToastsStore();

  const draft = shallowRef<Draft | null>(null);
  const text = ref("");
  const invalid = ref("");
  const pending = shallowReactive(new Map<string, Pending>());
  /** Grows when the open cell is to take the focus again. */
  const focusCalls = ref(0);
  const conflicts = ref<Conflict[]>([]);
  const conflict = computed(() => (conflicts.value[0] as Conflict | undefined) ?? null);

  /** Per part and aspect: the last write, to be waited for, and our own steps from version to version. */
  const queues = new Map<string, Promise<void>>();
  const steps = new Map<string, Map<number, number>>();
  const underWay = shallowReactive(new Map<string, number>());

  const dirty = computed(() => draft.value !== null && text.value !== String(draft.value.baseValue));
  const busy = computed(() => dirty.value || underWay.size > 0 || conflicts.value.length > 0);

  // ---------------------------------------------------------------- the open cell

  function allowed(field: EditableField): boolean {
    return session.user !== null && connection.status !== "paused" && mayEdit(session.user.role, field);
  }

  function begin(row: AdminListItem, field: EditableField, initial?: string): boolean {
    if (!allowed(field)) return false;
    if (draft.value && !commit()) return false;
    const shown = shownValue(row, field);
    draft.value = { id: row.id, field, base: row, baseValue: shown };
    text.value = initial ?? String(shown);
    invalid.value = "";
    return true;
  }

  function cancel(): void {
    draft.value = null;
    invalid.value = "";
  }

  /** @returns whether the cell could be closed: what was typed was understood, and is on its way. */
  function commit(): boolean {
    const open = draft.value;
    if (!open) return true;
    const parsed = parseInput(open.field, text.value);
    if (parsed.kind === "invalid") {
      invalid.value = parsed.message;
      return false;
    }
    const unchanged = parsed.kind === "set" ? parsed.value === open.baseValue : parsed.delta === 0;
    if (!unchanged && connection.status === "paused") {
      invalid.value = strings.connection.readOnly;
      return false;
    }
    cancel();
    if (!unchanged) {
      send({ ...open, change: parsed, version: versionOf(open.base, aspectOf(open.field)) }, 0);
    }
    return true;
  }

  /** What someone else made of the cell that is being edited, if they did. */
  const overtaken = computed(() => {
    const open = draft.value;
    const row = open && stock.byId.get(open.id);
    if (!open || !row) return null;
    const aspect = aspectOf(open.field);
    if (underWay.has(queueKey(open.id, aspect))) return null;
    const now = versionOf(row, aspect);
    const value = valueOf(row, open.field);
    if (now === rebased(open.id, aspect, versionOf(open.base, aspect)) || value === open.baseValue) return null;
    return { value, by: aspect === "stock" ? stockAuthor(row.stock) : contentAuthors.get(open.id) ?? null };
  });

  /** Content has no author in the list; the events tell. */
  const contentAuthors = shallowReactive(new Map<number, Person>());

  function heardContent(id: number, actor: Person): void {
    contentAuthors.set(id, actor);
  }

  function shownValue(row: AdminListItem, field: EditableField): number | string {
    return pending.get(cellKey(row.id, field))?.value ?? valueOf(row, field);
  }

  /** True while a write of ours to this part is on its way, so that its event may be the echo. */
  function isOurs(id: number, aspect: Aspect): boolean {
    return underWay.has(queueKey(id, aspect));
  }

  // ---------------------------------------------------------------- writing

  /** @param notice what to tell once the write has been made. */
  function send(write: Write, round: number, notice?: string): void {
    const key = cellKey(write.id, write.field);
    pending.set(key, { value: yoursOf(write), state: "sending" });
    const queue = queueKey(write.id, aspectOf(write.field));
    underWay.set(queue, (underWay.get(queue) ?? 0) + 1);
    const turn = (queues.get(queue) ?? Promise.resolve()).then(() => attempt(write, round, notice));
    queues.set(queue, turn);
    void turn.finally(() => {
      const left = (underWay.get(queue) ?? 1) - 1;
      if (left > 0) underWay.set(queue, left);
      else underWay.delete(queue);
      if (queues.get(queue) === turn) queues.delete(queue);
    });
  }

  async function attempt(write: Write, round: number, notice: string | undefined): Promise<void> {
    try {
      await put(write);
      succeeded(write);
      if (notice) toasts.info(notice);
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      const { current } = failure;
      if (failure.code === "concurrent_modification" && current) collided(write, current, round);
      else rollBack(write, failure);
    }
  }

  async function put(write: Write): Promise<void> {
    const { id, field, change } = write;
    const aspect = aspectOf(field);
    const path = `/admin/parts/${id}`;
    if (change.kind === "adjust") {
      const held = stock.byId.get(id)?.stock.version;
      const answer = await session.api<AdminStock>(`${path}/stock/adjustments`, { method: "POST", body: { delta: change.delta, reason: "Panel" } });
      // Only if nobody came between is the new version a step of ours alone.
      if (held !== undefined && answer.version === held + 1) stepped(id, aspect, held, answer.version);
      stock.wrote(id, answer);
      return;
    }
    const version = rebased(id, aspect, write.version);
    const body = { [field]: change.value, version };
    if (aspect === "content") {
      const answer = await session.api<AdminContent>(path, { method: "PUT", body });
      stepped(id, aspect, version, answer.version);
      stock.renamed(id, answer);
    } else {
      const answer = await session.api<AdminStock>(`${path}/stock`, { method: "PUT", body });
      stepped(id, aspect, version, answer.version);
      stock.wrote(id, answer);
    }
  }

  function succeeded(write: Write): void {
    const key = cellKey(write.id, write.field);
    const row = stock.byId.get(write.id);
    const mark: Pending = { value: row ? valueOf(row, write.field) : yoursOf(write), state: "saved" };
    // A later write to the same cell has put its own mark already: that one stays.
    if (pending.get(key)?.value !== yoursOf(write)) return;
    pending.set(key, mark);
    setTimeout(() => {
      if (pending.get(key) === mark) pending.delete(key);
    }, SAVED_MS);
  }

  function rollBack(write: Write, failure: ApiError): void {
    pending.delete(cellKey(write.id, write.field));
    toasts.error(strings.write.rolledBack(describe(write), reasonOf(failure)), failure.requestId);
    if (failure.isNetwork || failure.status === 404) void stock.refresh();
    if (failure.current) stock.learnt(write.id, aspectOf(write.field), failure.current);
  }

  function reasonOf(failure: ApiError): string {
    const fieldErrors = Object.values(failure.errors).flat().join(" ");
    if (fieldErrors) return fieldErrors;
    if (failure.isNetwork) return strings.write.network;
    if (failure.code === "insufficient_stock") return strings.write.insufficient(failure.current?.current_stock, failure.current?.reserved_quantity);
    if (failure.status === 401) return strings.write.loggedOut;
    if (failure.status === 403 && session.user) return strings.roles.forbidden(session.user.role);
    if (failure.status === 404) return strings.write.gone;
    if (failure.status === 429 || failure.status === 503) return strings.write.busy;
    return failure.status >= 500 ? strings.write.server : failure.message || strings.write.server;
  }

  // ---------------------------------------------------------------- conflicts

  function collided(write: Write, current: CurrentState, round: number): void {
    const theirs = currentValue(current, write.field);
    const by = current.changed_by ?? stockAuthor(current);
    const who = by?.name ?? strings.grid.somebody;
    const yours = yoursOf(write);
    stock.learnt(write.id, aspectOf(write.field), current);
    if (theirs !== undefined && theirs === yours) {
      pending.delete(cellKey(write.id, write.field));
      toasts.info(strings.write.sameAlready(describe(write), who));
      return;
    }
    if (theirs !== undefined && theirs === write.baseValue && round === 0) {
      // They changed other fields: both changes stand.
      send({ ...write, version: current.version }, round + 1, strings.write.merged(describe(write), who));
      return;
    }
    pending.set(cellKey(write.id, write.field), { value: yours, state: "conflict" });
    conflicts.value = [...conflicts.value, { write, yours, current, by, at: current.changed_at ?? current.updated_at ?? null, round }];
  }

  function takeConflict(): Conflict | null {
    const [first, ...rest] = conflicts.value;
    conflicts.value = rest;
    return first ?? null;
  }

  function keepTheirs(): void {
    const decided = takeConflict();
    if (decided) pending.delete(cellKey(decided.write.id, decided.write.field));
  }

  function applyMine(): void {
    const decided = takeConflict();
    if (decided) send({ ...decided.write, version: decided.current.version }, decided.round + 1);
  }

  function reapplyAsAdjustment(): void {
    const decided = takeConflict();
    const delta = decided && deltaOf(decided);
    if (!decided || delta === null) return;
    const write: Write = { ...decided.write, change: { kind: "adjust", delta } };
    send(write, decided.round + 1, strings.write.adjusted(describe(write), delta));
  }

  /** Back to the cell, with what was typed still in it. */
  function cancelConflict(): void {
    const decided = takeConflict();
    if (!decided) return;
    const { id, field, base, baseValue } = decided.write;
    pending.delete(cellKey(id, field));
    if (draft.value) return;
    draft.value = { id, field, base, baseValue };
    text.value = String(decided.yours);
    invalid.value = "";
  }

  function deltaOf({ write, yours }: Conflict): number | null {
    if (write.field !== "current_stock" || typeof yours !== "number" || typeof write.baseValue !== "number") return null;
    return yours - write.baseValue;
  }

  // ---------------------------------------------------------------- versions

  function stepped(id: number, aspect: Aspect, from: number, to: number): void {
    if (to === from) return;
    const key = queueKey(id, aspect);
    const own = steps.get(key) ?? new Map<number, number>();
    own.set(from, to);
    steps.set(key, own);
  }

  function rebased(id: number, aspect: Aspect, version: number): number {
    const own = steps.get(queueKey(id, aspect));
    let latest = version;
    for (let next = own?.get(latest); next !== undefined && next > latest; next = own?.get(latest)) latest = next;
    return latest;
  }

  function describe(write: Write): string {
    return strings.write.what(strings.grid.columns[write.field], write.base.sku);
  }

  return {
    draft, text, invalid, focusCalls, pending, conflict, dirty, busy, overtaken,
    allowed, begin, cancel, commit, shownValue, isOurs, heardContent,
    keepTheirs, applyMine, reapplyAsAdjustment, cancelConflict, deltaOf, describe,
  };
});

function queueKey(id: number, aspect: Aspect): string {
  return `${id}:${aspect}`;
}

function yoursOf({ change, baseValue }: Write): number | string {
  return change.kind === "set" ? change.value : Math.max(0, Number(baseValue) + change.delta);
}

export function currentValue(current: CurrentState, field: EditableField): number | string | undefined {
  return field === "part_name" ? current.part_name : current[field];
}

/** Other stock fields that they changed, for the dialog. */
export function otherChanges(conflict: Conflict): StockField[] {
  const { write, current } = conflict;
  if (write.field === "part_name") return [];
  return STOCK_FIELDS.filter((field) => field !== write.field && current[field] !== undefined && current[field] !== write.base.stock[field]);
}
