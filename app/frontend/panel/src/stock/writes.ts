/**
 * Changes on their way to the server, and what became of them: saved, rolled back, in conflict.
 *
 * Writes to one part's stock (or content) go one after another. A write states the version
 * that its author saw, moved along over the author's own writes since (versions.ts).
 */
import { ApiError } from "@lockstep/shared/http.ts";
import type { AdminContent, AdminListItem, AdminStock, CurrentState } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { ref, shallowReactive } from "vue";
import { useSessionStore } from "../session/session.ts";
import { strings } from "../strings.ts";
import { useToastsStore } from "../ui/toasts.ts";
import { aspectOf, valueOf, type Aspect, type EditableField } from "./columns.ts";
import { useParkedStore } from "./parked.ts";
import { authorOf } from "./rows.ts";
import { OwnSteps } from "./versions.ts";
import { useViewStore } from "./view.ts";
import { cellKey, currentValue, describe, queueKey, textOf, yoursOf, type Conflict, type Pending, type Write } from "./write.ts";

const SAVED_MS = 1_600;

export const useWritesStore = defineStore("writes", () => {
  const session = useSessionStore();
  const stock = useViewStore();
  const parked = useParkedStore();
  const toasts = useToastsStore();

  const pending = shallowReactive(new Map<string, Pending>());
  /** Waiting for a decision, the oldest first. */
  const conflicts = ref<Conflict[]>([]);

  /** Per part and aspect: the last write, to be waited for, and how many are under way. */
  const queues = new Map<string, Promise<void>>();
  const underWay = shallowReactive(new Map<string, number>());
  const sending = shallowReactive(new Set<Write>());
  const steps = new OwnSteps();

  function shownValue(row: AdminListItem, field: EditableField): number | string {
    return pending.get(cellKey({ id: row.id, field }))?.value ?? valueOf(row, field);
  }

  /** True while a write of ours to this part is on its way, so that its event may be the echo. */
  function isOurs(id: number, aspect: Aspect): boolean {
    return underWay.has(queueKey(id, aspect));
  }

  function rebased(id: number, aspect: Aspect, version: number): number {
    return steps.rebased(queueKey(id, aspect), version);
  }

  /** Resolves once every write that is under way now has its answer. */
  async function settled(): Promise<void> {
    await Promise.all(queues.values());
  }

  /** @param notice what to tell once the write has been made. */
  function send(write: Write, round: number, notice?: string): void {
    pending.set(cellKey(write), { value: yoursOf(write), state: "sending" });
    sending.add(write);
    const queue = queueKey(write.id, aspectOf(write.field));
    underWay.set(queue, (underWay.get(queue) ?? 0) + 1);
    const turn = (queues.get(queue) ?? Promise.resolve()).then(() => attempt(write, round, notice));
    queues.set(queue, turn);
    void turn.finally(() => {
      sending.delete(write);
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
    const queue = queueKey(id, aspect);
    const path = `/admin/parts/${id}`;
    const reason = write.reason === null ? {} : { reason: write.reason };
    if (change.kind === "adjust") {
      const held = stock.byId.get(id)?.stock.version;
      const answer = await session.api<AdminStock>(`${path}/stock/adjustments`, { method: "POST", body: { delta: change.delta, ...reason } });
      // Only if nobody came between is the new version a step of ours alone.
      if (held !== undefined && answer.version === held + 1) steps.made(queue, held, answer.version);
      stock.wrote(id, answer);
      return;
    }
    const version = steps.rebased(queue, write.version);
    const body = { [field]: change.value, version, ...reason };
    if (aspect === "content") {
      const answer = await session.api<AdminContent>(path, { method: "PUT", body });
      steps.made(queue, version, answer.version);
      stock.renamed(id, answer);
    } else {
      const answer = await session.api<AdminStock>(`${path}/stock`, { method: "PUT", body });
      steps.made(queue, version, answer.version);
      stock.wrote(id, answer);
    }
  }

  function succeeded(write: Write): void {
    const key = cellKey(write);
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
    const reason = reasonOf(failure);
    pending.delete(cellKey(write));
    toasts.error(strings.write.rolledBack(describe(write), reason), failure.requestId);
    // What may go through another time, or in other words, is not to be typed again.
    if (mayBeRetried(failure)) parked.park(write, textOf(write), write.reason ?? "", reason);
    if (failure.isNetwork || failure.status === 404) void stock.catchUp();
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

  function collided(write: Write, current: CurrentState, round: number): void {
    const theirs = currentValue(current, write.field);
    const by = current.changed_by ?? authorOf(current);
    const who = by?.name ?? strings.grid.somebody;
    const yours = yoursOf(write);
    stock.learnt(write.id, aspectOf(write.field), current);
    if (theirs !== undefined && theirs === yours) {
      pending.delete(cellKey(write));
      toasts.info(strings.write.sameAlready(describe(write), who));
      return;
    }
    if (theirs !== undefined && theirs === write.baseValue && round === 0) {
      // They changed other fields: both changes stand.
      send({ ...write, version: current.version }, round + 1, strings.write.merged(describe(write), who));
      return;
    }
    pending.set(cellKey(write), { value: yours, state: "conflict" });
    conflicts.value = [...conflicts.value, { write, yours, current, by, at: current.changed_at ?? current.updated_at ?? null, round }];
  }

  function forget(): void {
    pending.clear();
    conflicts.value = [];
  }

  return { pending, conflicts, sending, shownValue, isOurs, rebased, settled, send, forget };
});

function mayBeRetried({ isNetwork, status }: ApiError): boolean {
  return isNetwork || status === 401 || status === 422 || status === 429 || status >= 500;
}
