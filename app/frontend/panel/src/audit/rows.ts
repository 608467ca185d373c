/** What a row of the audit trail says: which fields it changed, and which screens it leads to. Plain data. */
import type { components } from "@lockstep/shared/api.gen.ts";
import type { Query } from "@lockstep/shared/http.ts";

export type AuditRow = components["schemas"]["AuditRow"];
type Values = Record<string, unknown> | null;

/** Whose rows are parts of a version of the content. */
const CONTENT = new Set(["parts", "part_specifications", "part_images"]);
export const TABLES = ["parts", "part_specifications", "part_images", "stock_levels", "part_prices", "prices", "categories", "import_jobs", "users", "api_keys", "dead_letters", "search_synonyms"] as const;
export const OPERATIONS = ["INSERT", "UPDATE", "DELETE"] as const;

/** One field, before and after. */
export interface Change {
  readonly field: string;
  readonly old: unknown;
  readonly new: unknown;
  readonly differs: boolean;
}

/** @returns every field of either side, in the order of the record; the versions, which always differ, last. */
export function changesOf(old: Values, next: Values): Change[] {
  const fields = [...new Set([...Object.keys(old ?? {}), ...Object.keys(next ?? {})])];
  return fields
    .map((field) => ({ field, old: old?.[field], new: next?.[field], differs: !same(old?.[field], next?.[field]) }))
    .sort((a, b) => Number(a.field === "version") - Number(b.field === "version"));
}

/** The names of what changed, for a line of text; of something new or gone that is everything, and so says nothing. */
export function changedNames(row: Pick<AuditRow, "operation" | "old_values" | "new_values">): string[] {
  if (row.operation !== "UPDATE") return [];
  return changesOf(row.old_values, row.new_values).filter(({ field, differs }) => differs && field !== "version").map(({ field }) => field);
}

/** Whether two values of JSON are the same; the order of keys means nothing. */
export function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null || Array.isArray(a) !== Array.isArray(b)) return false;
  const [left, right] = [a as Record<string, unknown>, b as Record<string, unknown>];
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => key in right && same(left[key], right[key]));
}

/** Of two lists, only the items that the other one lacks: two hundred specifications of which one changed are one. */
export function apart(old: unknown, next: unknown): [unknown, unknown] {
  if (!Array.isArray(old) || !Array.isArray(next)) return [old, next];
  const [left, right]: [unknown[], unknown[]] = [old, next];
  const only = (from: unknown[], other: unknown[]): unknown[] => from.filter((item) => !other.some((one) => same(item, one)));
  const [gone, added] = [only(left, right), only(right, left)];
  return gone.length + added.length > 0 ? [gone, added] : [old, next];
}

/** A value as it is shown: text as it is, anything else as JSON; null for what is not there. */
export function shown(value: unknown): string | null {
  if (value === undefined || value === null || value === "") return null;
  return typeof value === "string" ? value : JSON.stringify(value, null, 1);
}

/** The number of the content version that a row made; null if it made none. */
export function contentVersion(row: Pick<AuditRow, "table_name" | "part_id" | "version">): number | null {
  return CONTENT.has(row.table_name) && row.part_id !== null ? row.version : null;
}

/** The filters by their names in the address, and what the API calls them. */
const NAMES = { part: "part_id", table: "table_name", person: "changed_by", operation: "operation", from: "from", to: "to", request: "request_id" } as const;
export type Filter = keyof typeof NAMES;
export type Filters = Partial<Record<Filter, string>>;
export const FILTERS = Object.keys(NAMES) as Filter[];

/** @param query the address's; what it repeats or does not know is left out. */
export function filtersOf(query: Record<string, unknown>): Filters {
  return Object.fromEntries(FILTERS.flatMap((name) => (typeof query[name] === "string" && query[name] !== "" ? [[name, query[name]]] : [])));
}

export function apiQuery(filters: Filters): Query {
  return Object.fromEntries(Object.entries(filters).map(([name, value]) => [NAMES[name as Filter], value]));
}

/** What `datetime-local` shows of a moment, by this browser's clock. */
export function localOf(iso: string | undefined): string {
  const date = new Date(iso ?? "");
  if (Number.isNaN(date.getTime())) return "";
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** @returns the moment in UTC; undefined for what is no time. */
export function isoOf(local: string): string | undefined {
  const date = new Date(local);
  return local === "" || Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** How many of the newest rows stand above those that are shown. */
export function newerThan(newest: readonly { id: number; changed_at: string }[], shownRows: readonly { id: number }[]): number {
  const known = new Set(shownRows.map(({ id }) => id));
  return newest.filter(({ id }) => !known.has(id)).length;
}
