/** One change of the stock of many parts: put together, shown as what it would do, made in one transaction, and taken back. */
import { formatNumber } from "@lockstep/shared/format.ts";
import type { components } from "@lockstep/shared/api.gen.ts";
import { ApiError } from "@lockstep/shared/http.ts";
import { newIntention, newKey, type Intention } from "@lockstep/shared/intention.ts";
import type { StockField } from "@lockstep/shared/types.ts";
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { t } from "../i18n.ts";
import { useSessionStore } from "../session/session.ts";
import { errorText, report } from "../ui/errors.ts";
import { useToastsStore } from "../ui/toasts.ts";
import type { PastedLine } from "./clipboard.ts";
import { parseInput, type Parsed } from "./input.ts";
import { MAX_SELECTED } from "./selection.ts";
import { useUndoStore, type Step } from "./undo.ts";
import { useViewStore } from "./view.ts";

type Schemas = components["schemas"];
export type BulkChange = Schemas["StockChange"];
export type BulkRow = Schemas["StockBulkRow"];
export type BulkAnswer = Schemas["StockBulkAnswer"];

const PATH = "/admin/stock/bulk";
type Target = { part_id: number } | { sku: string };

/** @returns the change that was typed for a part; null if it is not valid. */
export function changeOf(target: Target, parsed: Parsed, field: StockField = "current_stock"): BulkChange | null {
  if (parsed.kind === "adjust") return { ...target, delta: parsed.delta };
  return parsed.kind === "set" && typeof parsed.value === "number" ? { ...target, [field]: parsed.value } : null;
}

/** The lines that cannot be sent, as the person counts them, with the reason. */
export interface Fault {
  readonly line: number;
  readonly text: string;
  readonly problem: string;
}

/** Gives pasted lines their parts: by SKU where they name one, else the rows from `first` on. */
export function matchPasted(lines: readonly PastedLine[], rows: readonly number[]): { changes: BulkChange[]; faults: Fault[] } {
  const changes: BulkChange[] = [];
  const faults: Fault[] = [];
  const seen = new Set<string | number>();
  lines.forEach(({ sku, text, parsed }, at) => {
    const fault = (problem: string): unknown => faults.push({ line: at + 1, text: sku === null ? text : `${sku} ${text}`, problem });
    const part = rows[at] ?? 0;
    if (parsed.kind === "invalid") return fault(parsed.message);
    if (sku === null && part <= 0) return fault(t("stock.bulk.noRow"));
    const name = sku ?? part;
    if (seen.has(name)) return fault(t("stock.bulk.twice"));
    if (changes.length >= MAX_SELECTED) return fault(t("stock.bulk.tooMany", { n: formatNumber(MAX_SELECTED) }));
    seen.add(name);
    const change = changeOf(sku === null ? { part_id: part } : { sku }, parsed);
    if (change) changes.push(change);
  });
  return { changes, faults };
}

/** What is sent in the end: a figure only if the stock is still what the preview showed; an adjustment in any case. */
export function bound(changes: readonly BulkChange[], preview: BulkAnswer): BulkChange[] {
  return changes.map((change, at) => {
    const version = preview.rows[at]?.before?.version;
    return change.delta === undefined && version !== undefined ? { ...change, version } : change;
  });
}

/** One change that takes all of these back, as far as they were made: counts by the difference, other figures if nobody changed them since. */
export function inverseOf(rows: readonly BulkRow[]): BulkChange[] {
  return rows.flatMap(({ outcome, part_id, before, after }): BulkChange[] => {
    if (outcome !== "changed" || part_id === null || !before || !after) return [];
    if (before.current_stock !== after.current_stock) return [{ part_id, delta: before.current_stock - after.current_stock }];
    const { reserved_quantity, min_stock_level } = before;
    return [{ part_id, version: after.version, reserved_quantity, min_stock_level }];
  });
}

export const useBulkStore = defineStore("stock bulk", () => {
  const session = useSessionStore();
  const stock = useViewStore();
  const undo = useUndoStore();
  const toasts = useToastsStore();

  const isOpen = ref(false);
  /** Rows of the selection, to be given what is typed; empty if the changes were pasted. */
  const targets = shallowRef<readonly number[]>([]);
  const typed = ref("");
  /** What is typed is for this figure of each. */
  const field = ref<StockField>("current_stock");
  const reason = ref("");
  const skips = ref(false);
  const changes = shallowRef<readonly BulkChange[]>([]);
  const faults = shallowRef<readonly Fault[]>([]);
  const preview = shallowRef<BulkAnswer | null>(null);
  const problem = ref("");
  const requestId = ref<string | null>(null);
  const busy = ref(false);
  const isTyped = computed(() => targets.value.length > 0);
  const willChange = computed(() => preview.value?.changed ?? 0);
  const mayApply = computed(() => !busy.value && willChange.value > 0 && (skips.value || preview.value?.refused === 0));
  let intention: Intention = newIntention();
  /** Of several previews under way the last asked for counts. */
  let asked = 0;

  function begin(): void {
    isOpen.value = true;
    reason.value = problem.value = "";
    requestId.value = preview.value = null;
    skips.value = false;
    changes.value = [];
    faults.value = [];
    intention = newIntention();
  }

  function openFor(ids: readonly number[], text: string, figure: StockField = "current_stock"): void {
    begin();
    field.value = figure;
    targets.value = ids;
    typed.value = text;
    if (text !== "") void check();
  }

  function openPasted(lines: readonly PastedLine[], rows: readonly number[]): void {
    begin();
    field.value = "current_stock";
    targets.value = [];
    const matched = matchPasted(lines, rows);
    changes.value = matched.changes;
    faults.value = matched.faults;
    if (matched.changes.length > 0) void check();
  }

  function close(): void {
    asked += 1;
    isOpen.value = busy.value = false;
  }

  /** Asks what the change would do. */
  async function check(): Promise<void> {
    const mine = (asked += 1);
    preview.value = null;
    if (isTyped.value) {
      const parsed = parseInput(field.value, typed.value);
      problem.value = parsed.kind === "invalid" ? parsed.message : "";
      changes.value = targets.value.flatMap((part_id) => changeOf({ part_id }, parsed, field.value) ?? []);
    }
    if (changes.value.length === 0) return;
    busy.value = true;
    try {
      const answer = await session.api<BulkAnswer>(PATH, { method: "POST", query: { dry_run: true }, body: { changes: changes.value, on_conflict: "skip" } });
      if (mine === asked) preview.value = answer;
    } catch (failure) {
      if (mine === asked) explain(failure);
    } finally {
      if (mine === asked) busy.value = false;
    }
  }

  async function apply(): Promise<void> {
    if (!mayApply.value || !preview.value) return;
    busy.value = true;
    problem.value = "";
    const why = reason.value.trim();
    const body = { changes: bound(changes.value, preview.value), on_conflict: skips.value ? "skip" : "fail", ...(why === "" ? {} : { reason: why }) };
    try {
      const answer = await session.api<BulkAnswer>(PATH, { method: "POST", body, key: intention("POST", PATH, body) });
      made(answer);
      close();
    } catch (failure) {
      busy.value = false;
      if (failure instanceof ApiError && failure.status === 409 && failure.code !== "idempotency_in_progress") {
        // Somebody was faster: what is true now, to decide again.
        await check();
        problem.value = t("stock.bulk.moved");
      } else explain(failure);
    }
  }

  function made(answer: BulkAnswer): void {
    learn(answer);
    const key = newKey();
    const step: Step = { run: () => void takeBack(answer, key).then((isDone) => isDone || undo.push(step)) };
    undo.push(step);
    const text = t("stock.bulk.done", { n: formatNumber(answer.changed) }, answer.changed);
    const refused = answer.refused > 0 ? ` ${t("stock.bulk.leftOut", { n: formatNumber(answer.refused) }, answer.refused)}` : "";
    toasts.info(text + refused, { label: t("stock.bulk.takeBack"), run: () => undo.take(step) });
  }

  /**
   * One inverse change: what others have counted since stays, and parts that cannot give it back are left out.
   * @param key makes it one change, however often it is asked for.
   * @returns whether it was made.
   */
  async function takeBack({ rows }: BulkAnswer, key: string): Promise<boolean> {
    const body = { changes: inverseOf(rows), on_conflict: "skip", reason: t("stock.bulk.undoReason") };
    try {
      const answer = await session.api<BulkAnswer>(PATH, { method: "POST", body, key });
      learn(answer);
      const refused = answer.refused > 0 ? ` ${t("stock.bulk.leftOut", { n: formatNumber(answer.refused) }, answer.refused)}` : "";
      toasts.info(t("stock.bulk.undone", { n: formatNumber(answer.changed) }, answer.changed) + refused);
      return true;
    } catch (failure) {
      report(failure, t("stock.bulk.notUndone"));
      return false;
    }
  }

  function learn({ rows }: BulkAnswer): void {
    const by = session.user && { id: session.user.id, name: session.user.name };
    for (const { part_id, after, outcome } of rows) {
      if (part_id !== null && after && outcome === "changed") stock.learnt(part_id, "stock", { ...after, changed_by: by, changed_at: new Date().toISOString() });
    }
  }

  function explain(failure: unknown): void {
    problem.value = errorText(failure);
    requestId.value = failure instanceof ApiError ? failure.requestId : null;
  }

  return {
    isOpen, isTyped, targets, typed, field, reason, skips, changes, faults, preview, problem, requestId, busy, willChange, mayApply,
    openFor, openPasted, close, check, apply,
  };
});
