/** The values that a typed change passes through: a draft, a write, a conflict. Pure. */
import type { AdminListItem, CurrentState, Person, StockField } from "@lockstep/shared/types.ts";
import { strings } from "../strings.ts";
import { STOCK_FIELDS, type Aspect, type EditableField } from "./columns.ts";

/** A cell that somebody began to change. */
export interface Draft {
  readonly id: number;
  readonly field: EditableField;
  /** The row when editing began. */
  readonly base: AdminListItem;
  /** What the cell showed then: with one's own unconfirmed change, if there was one. */
  readonly baseValue: number | string;
}

export type Change = { kind: "set"; value: number | string } | { kind: "adjust"; delta: number };

export interface Write extends Draft {
  readonly change: Change;
  /** The version to state; an adjustment states none. */
  readonly version: number;
  /** Why, in the author's own words; null if they gave none. */
  readonly reason: string | null;
}

export interface Pending {
  readonly value: number | string;
  readonly state: "sending" | "conflict" | "saved";
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

export function cellKey({ id, field }: Pick<Draft, "id" | "field">): string {
  return `${id}:${field}`;
}

export function queueKey(id: number, aspect: Aspect): string {
  return `${id}:${aspect}`;
}

/** "On hand of M8-40" */
export function describe({ field, base }: Draft): string {
  return strings.write.what(strings.grid.columns[field], base.sku);
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

/** The same change, made to what is there now; null where there is no such thing. */
export function deltaOf({ write, yours }: Conflict): number | null {
  if (write.field !== "current_stock" || typeof yours !== "number" || typeof write.baseValue !== "number") return null;
  return yours - write.baseValue;
}
