/** The stages of a typed change: a draft, a write, a conflict. Pure. */
import type { Intention } from "@lockstep/shared/intention.ts";
import type { AdminListItem, CurrentState, Person, StockField } from "@lockstep/shared/types.ts";
import { t } from "../i18n.ts";
import { aspectOf, STOCK_FIELDS, type Aspect, type EditableField } from "./columns.ts";

/** A cell that is being edited. */
export interface Draft {
  readonly id: number;
  readonly field: EditableField;
  /** The row when editing began. */
  readonly base: AdminListItem;
  /** What the cell showed then, including the user's own unconfirmed change, if any. */
  readonly baseValue: number | string;
  /** Names its writes, so that one whose response was lost counts once, however often it is sent. */
  readonly intention: Intention;
}

export type Change = { kind: "set"; value: number | string } | { kind: "adjust"; delta: number };

export interface Write extends Draft {
  readonly change: Change;
  /** The version to state; an adjustment states none. */
  readonly version: number;
  /** Why, in the author's own words; null if none was given. */
  readonly reason: string | null;
  /** It takes an earlier change back, and is not taken back itself. */
  readonly isInverse?: true;
}

export interface Pending {
  readonly value: number | string;
  readonly state: "sending" | "conflict" | "saved";
}

/** What is shown at a cell of the progress of our own change to it. */
export type Mark = Pending["state"] | "parked";

export interface Conflict {
  readonly write: Write;
  readonly yours: number | string;
  readonly current: CurrentState;
  readonly by: Person | null;
  readonly at: string | null;
  /** How many conflicts this one change has had before. */
  readonly round: number;
}

export function cellKey({ id, field }: Pick<Draft, "id" | "field">): string {
  return `${id}:${field}`;
}

export function queueKey(id: number, aspect: Aspect): string {
  return `${id}:${aspect}`;
}

/** "On hand of M8-40" */
export function describe({ field, base }: Draft): string {
  return t("stock.write.what", { column: t(`stock.columns.${field}`), sku: base.sku });
}

type Call = readonly [method: "POST" | "PUT", path: string, body: object];

function call(...parts: Call): Call {
  return parts;
}

export function callOf({ id, field, change, version, reason }: Write): Call {
  const why = reason === null ? {} : { reason };
  if (change.kind === "adjust") return call("POST", `/admin/parts/${id}/stock/adjustments`, { delta: change.delta, ...why });
  const body = { [field]: change.value, version, ...why };
  return aspectOf(field) === "stock" ? call("PUT", `/admin/parts/${id}/stock`, body) : call("PUT", `/admin/parts/${id}`, body);
}

export function yoursOf({ change, baseValue }: Write): number | string {
  return change.kind === "set" ? change.value : Math.max(0, Number(baseValue) + change.delta);
}

/** As it was typed. */
export function textOf({ change }: Write): string {
  return change.kind === "set" ? String(change.value) : `${change.delta > 0 ? "+" : ""}${change.delta}`;
}

export function currentValue(current: CurrentState, field: EditableField): number | string | undefined {
  return field === "part_name" ? current.part_name : current[field];
}

/** Other stock fields that they changed, for the dialog. */
export function otherChanges({ write, current }: Conflict): StockField[] {
  if (write.field === "part_name") return [];
  return STOCK_FIELDS.filter((field) => field !== write.field && current[field] !== undefined && current[field] !== write.base.stock[field]);
}

/** The change as an adjustment, to be applied to the current value; null where that is impossible. */
export function deltaOf({ write, yours }: Conflict): number | null {
  if (write.field !== "current_stock" || typeof yours !== "number" || typeof write.baseValue !== "number") return null;
  return yours - write.baseValue;
}
