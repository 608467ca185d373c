/**
 * Changes on their way to the server, and their outcomes: saved, rolled back, in conflict.
 *
 * Writes to one part's stock (or content) are sent one at a time. A write states the version
 * that its author saw, advanced over the author's own writes since (versions.ts).
 */
import { formatNumber, formatSigned } from "@lockstep/shared/format.ts";
import { ApiError } from "@lockstep/shared/http.ts";
import { newIntention } from "@lockstep/shared/intention.ts";
import type { AdminContent, AdminListItem, AdminStock, CurrentState } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { ref, shallowReactive } from "vue";
import { useSessionStore } from "../session/session.ts";
import { t } from "../i18n.ts";
import { errorText } from "../ui/errors.ts";
import { useToastsStore } from "../ui/toasts.ts";
import { aspectOf, valueOf, versionOf, type Aspect, type EditableField } from "./columns.ts";
import { useParkedStore } from "./parked.ts";
import { authorOf } from "./rows.ts";
import { useUndoStore } from "./undo.ts";
import { OwnSteps } from "./versions.ts";
import { useViewStore } from "./view.ts";
import { callOf, cellKey, currentValue, describe, queueKey, textOf, yoursOf, type Change, type Conflict, type Pending, type Write } from "./write.ts";

const SAVED_MS = 1_600;

export const useWritesStore = defineStore("writes", () => {
  const session = useSessionStore();
  const stock = useViewStore();
  const parked = useParkedStore();
  const toasts = useToastsStore();
  const undo = useUndoStore();

  const pending = shallowReactive(new Map<string, Pending>());
  /** Waiting for a decision, the oldest first. */
  const conflicts = ref<Conflict[]>([]);

  /** Per part and aspect: the last write, which the next one waits for, and how many are in flight. */
  const queues = new Map<string, Promise<void>>();
  const underWay = shallowReactive(new Map<string, number>());
  const sending = shallowReactive(new Set<Write>());
  const steps = new OwnSteps();
  /** Per part and aspect: a write that may have been saved, since its answer was lost. */
  const unanswered = shallowReactive(new Map<string, Write>());

  function shownValue(row: AdminListItem, field: EditableField): number | string {
    return pending.get(cellKey({ id: row.id, field }))?.value ?? valueOf(row, field);
  }

  /** True while a write of ours to this part is in flight, so that an event may be its echo. */
  function isOurs(id: number, aspect: Aspect): boolean {
    return underWay.has(queueKey(id, aspect));
  }

  /** True while the newest version of a part may be a write of ours of which we do not know. */
  function mayBeOurs(id: number, aspect: Aspect): boolean {
    return unanswered.has(queueKey(id, aspect));
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
    const queue = queueKey(write.id, aspectOf(write.field));
    const stated = { ...write, version: steps.rebased(queue, write.version) };
    try {
      await put(stated);
      unanswered.delete(queue);
      succeeded(write);
      if (notice) toasts.info(notice);
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      const { current } = failure;
      if (failure.code === "concurrent_modification" && current) {
        if (await wasOurs(stated)) await attempt(write, round, notice);
        else collided(write, current, round);
        return;
      }
      if (mayHaveBeenSaved(failure) && stated.change.kind === "set") {
        const key = stated.intention(...callOf(stated));
        unanswered.set(queue, { ...stated, intention: () => key });
      }
      rollBack(write, failure);
    }
  }

  /**
   * Is a write in conflict with an earlier one of ours, whose answer was lost? That one, sent again, then gets its answer; it cannot
   * take effect only now, since the version that both state is not the newest.
   */
  async function wasOurs(write: Write): Promise<boolean> {
    const queue = queueKey(write.id, aspectOf(write.field));
    const earlier = unanswered.get(queue);
    unanswered.delete(queue);
    if (earlier?.version !== write.version) return false;
    try {
      await put(earlier);
    } catch (failure) {
      if (!(failure instanceof ApiError)) throw failure;
      return false;
    }
    if (parked.byCell.get(cellKey(earlier))?.text === textOf(earlier)) parked.drop(earlier);
    return true;
  }

  async function put(write: Write): Promise<void> {
    const { id, field, change, version } = write;
    const aspect = aspectOf(field);
    const queue = queueKey(id, aspect);
    const [method, path, body] = callOf(write);
    const send = <T>(): Promise<T> => session.api<T>(path, { method, body, key: write.intention(method, path, body) });
    if (change.kind === "adjust") {
      const held = stock.byId.get(id)?.stock.version;
      const answer = await send<AdminStock>();
      // The new version is a step of ours alone only if nobody wrote in between.
      if (held !== undefined && answer.version === held + 1) steps.made(queue, held, answer.version);
      stock.wrote(id, answer);
      undoable(write, -change.delta, answer.version);
      return;
    }
    const row = stock.byId.get(id);
    const before = row && versionOf(row, aspect) === version ? valueOf(row, field) : write.baseValue;
    if (aspect === "content") {
      const answer = await send<AdminContent>();
      steps.made(queue, version, answer.version);
      stock.renamed(id, answer);
      undoable(write, before, answer.version);
    } else {
      const answer = await send<AdminStock>();
      steps.made(queue, version, answer.version);
      stock.wrote(id, answer);
      undoable(write, field === "current_stock" ? Number(before) - Number(change.value) : before, answer.version);
    }
  }

  /** @param inverse what to put back; of the count, the difference, so that what others have counted since stays. */
  function undoable(write: Write, inverse: number | string, version: number): void {
    if (write.isInverse) return;
    const isCount = write.field === "current_stock";
    undo.push({
      run: () => {
        const base = stock.byId.get(write.id) ?? write.base;
        const change: Change = isCount ? { kind: "adjust", delta: Number(inverse) } : { kind: "set", value: inverse };
        const value = isCount ? formatSigned(Number(inverse)) : String(inverse);
        send(
          { ...write, base, baseValue: valueOf(base, write.field), change, version, reason: null, intention: newIntention(), isInverse: true }, 0,
          t("stock.write.takenBack", { what: describe(write), value }),
        );
      },
    });
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
    toasts.error(t("stock.write.rolledBack", { what: describe(write), reason }), failure.requestId);
    // Whatever may succeed on a retry, or after a correction, should not have to be typed again.
    if (mayBeRetried(failure)) parked.park(write, textOf(write), write.reason ?? "", reason);
    if (failure.isNetwork || failure.status === 404) void stock.catchUp();
    if (failure.current) stock.learnt(write.id, aspectOf(write.field), failure.current);
  }

  function reasonOf(failure: ApiError): string {
    const fieldErrors = Object.values(failure.errors).flat().join(" ");
    if (fieldErrors) return fieldErrors;
    if (failure.isNetwork) return t("stock.write.network");
    if (failure.code === "insufficient_stock") return notEnough(failure.current);
    if (failure.status === 401) return t("stock.write.loggedOut");
    if (failure.status === 403 && session.user) return t("ui.error.forbidden");
    if (failure.status === 404) return t("stock.write.gone");
    if (failure.status === 503 || isUnderWay(failure)) return t("ui.error.busy");
    if (failure.status === 429) return errorText(failure);
    return failure.status >= 500 ? t("ui.error.server") : failure.message || t("ui.error.server");
  }

  function collided(write: Write, current: CurrentState, round: number): void {
    const theirs = currentValue(current, write.field);
    const by = current.changed_by ?? authorOf(current);
    const who = by?.name ?? t("stock.somebody");
    const yours = yoursOf(write);
    stock.learnt(write.id, aspectOf(write.field), current);
    if (theirs !== undefined && theirs === yours) {
      pending.delete(cellKey(write));
      toasts.info(t("stock.write.sameAlready", { what: describe(write), who }));
      return;
    }
    if (theirs !== undefined && theirs === write.baseValue && round === 0) {
      // They changed other fields: keep both changes.
      send({ ...write, version: current.version }, round + 1, t("stock.write.merged", { what: describe(write), who }));
      return;
    }
    pending.set(cellKey(write), { value: yours, state: "conflict" });
    conflicts.value = [...conflicts.value, { write, yours, current, by, at: current.changed_at ?? current.updated_at ?? null, round }];
  }

  function forget(): void {
    pending.clear();
    conflicts.value = [];
    unanswered.clear();
  }

  return { pending, conflicts, sending, shownValue, isOurs, mayBeOurs, rebased, settled, send, forget };
});

function notEnough(current: CurrentState | null): string {
  if (current?.current_stock === undefined) return t("stock.write.notEnough");
  const onHand = formatNumber(current.current_stock);
  return current.reserved_quantity ? t("stock.write.onHandReserved", { onHand, reserved: formatNumber(current.reserved_quantity) }) : t("stock.write.onHand", { onHand });
}

function mayBeRetried(failure: ApiError): boolean {
  const { status } = failure;
  return mayHaveBeenSaved(failure) || status === 401 || status === 422 || status === 429;
}

function mayHaveBeenSaved(failure: ApiError): boolean {
  return failure.isNetwork || failure.status >= 500 || isUnderWay(failure);
}

/** The server still works on what was sent the first time. */
function isUnderWay({ code }: ApiError): boolean {
  return code === "idempotency_in_progress";
}
