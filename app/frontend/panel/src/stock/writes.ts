/**
 * Changes on their way to the server, and their outcomes: saved, rolled back, in conflict.
 *
 * Writes to one part's stock (or content) are sent one at a time. A write states the version
 * that its author saw, advanced over the author's own writes since (versions.ts).
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

  /** Per part and aspect: the last write, which the next one waits for, and how many are in flight. */
  const queues = new Map<string, Promise<void>>();
  const underWay = shallowReactive(new Map<string, number>());
  const sending = shallowReactive(new Set<Write>());
  const steps = new OwnSteps();

  function shownValue(row: AdminListItem, field: EditableField): number | string {
    return pending.get(cellKey({ id: row.id, field }))?.value ?? valueOf(row, field);
  }

  /** True while a write of ours to this part is in flight, so that an event may be its echo. */
  function isOurs(id: number, aspect: Aspect): boolean {
    return underWay.has(queueKey(id, aspect));
  }

  function rebased(id: number, aspect: Aspect, version: number): number {
    return steps.rebased(queueKey(id, aspect), version);
  }

  /** Resolves once every write that is now in flight has its response. */
  async function settled(): Promise<void> {
    await Promise.all(queues.values());
  }

  /** @param notice what to show once the write has succeeded. */
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
      const answer = await call<AdminStock>(write, "POST", `${path}/stock/adjustments`, { delta: change.delta, ...reason });
      // The new version is a step of ours alone only if nobody wrote in between.
      if (held !== undefined && answer.version === held + 1) steps.made(queue, held, answer.version);
      stock.wrote(id, answer);
      return;
    }
    const version = steps.rebased(queue, write.version);
    const body = { [field]: change.value, version, ...reason };
    if (aspect === "content") {
      const answer = await call<AdminContent>(write, "PUT", path, body);
      steps.made(queue, version, answer.version);
      stock.renamed(id, answer);
    } else {
      const answer = await call<AdminStock>(write, "PUT", `${path}/stock`, body);
      steps.made(queue, version, answer.version);
      stock.wrote(id, answer);
    }
  }

  function call<T>({ intention }: Write, method: "POST" | "PUT", path: string, body: object): Promise<T> {
    return session.api<T>(path, { method, body, key: intention(method, path, body) });
  }

  function succeeded(write: Write): void {
    const key = cellKey(write);
    const row = stock.byId.get(write.id);
    const mark: Pending = { value: row ? valueOf(row, write.field) : yoursOf(write), state: "saved" };
    // A later write to the same cell has set its own mark already: keep that one.
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
    // Whatever may succeed on a retry, or after a correction, should not have to be typed again.
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
    if (failure.status === 429 || failure.status === 503 || isUnderWay(failure)) return strings.write.busy;
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
      // They changed other fields: keep both changes.
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

function mayBeRetried(failure: ApiError): boolean {
  const { isNetwork, status } = failure;
  return isNetwork || status === 401 || status === 422 || status === 429 || status >= 500 || isUnderWay(failure);
}

/** The server still works on what was sent the first time. */
function isUnderWay({ code }: ApiError): boolean {
  return code === "idempotency_in_progress";
}
