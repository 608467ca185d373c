/** The audit trail as people read it: one line for each thing that somebody did, however many rows it wrote. */
import type { components } from "@lockstep/shared/api.gen.ts";
import { formatNumber } from "@lockstep/shared/format.ts";
import { t } from "../i18n.ts";

export type Row = components["schemas"]["AuditRow"];

export interface Change {
  id: number;
  at: string;
  who: string;
  what: string;
  reason: string;
  /** The one part that it is about. */
  partId: number | null;
  /** Where to read more, if it is about no part. */
  link: string;
}

const STOCK = ["current_stock", "reserved_quantity", "min_stock_level"] as const;
/** Which row says best what was done, where one call wrote several. */
const TELLING = ["parts", "stock_levels", "part_prices", "prices"];
const TABLES = ["part_prices", "prices", "part_images", "specifications", "categories", "users", "api_keys", "synonyms", "dead_letters", "import_jobs"];

export function changesOf(rows: readonly Row[]): Change[] {
  return groups(rows).map(changeOf);
}

/** Rows next to each other that one person's one call wrote, or one import. */
function groups(rows: readonly Row[]): Row[][] {
  const found: Row[][] = [];
  for (const row of rows) {
    const last = found.at(-1);
    if (last?.[0] && callOf(last[0]) === callOf(row)) last.push(row);
    else found.push([row]);
  }
  return found;
}

function callOf({ changed_by, request_id, reason, event_id }: Row): string {
  // Imports from the command line have no number.
  const imported = /^import(?: \d+)?: /.exec(reason ?? "")?.[0];
  return `${changed_by ?? ""} ${imported ?? request_id ?? event_id}`;
}

/** @returns which import a reason names, as "import 3: parts.csv" does. */
export function importOf(reason: string | null): string | null {
  return /^import (\d+):/.exec(reason ?? "")?.[1] ?? null;
}

function changeOf(rows: Row[]): Change {
  // Rows of no part, such as the categories that an import makes, are not counted as one.
  const parts = new Set(rows.flatMap(({ part_id }) => part_id ?? []));
  const rank = ({ table_name }: Row): number => (TELLING.includes(table_name) ? TELLING.indexOf(table_name) : TELLING.length);
  const [telling] = [...rows].sort((a, b) => rank(a) - rank(b)) as [Row];
  const newest = rows[0] ?? telling;
  const imported = importOf(telling.reason);
  const isOne = rows.length === 1 || parts.size === 1;
  return {
    id: newest.id,
    at: newest.changed_at,
    who: telling.changed_by_name ?? telling.api_key_name ?? "–",
    what: isOne ? whatOf(telling) : t("home.change.many", { count: formatNumber(rows.length), parts: formatNumber(parts.size) }, rows.length),
    reason: telling.reason ?? "",
    partId: isOne ? telling.part_id : null,
    link: imported ? `/imports/${imported}` : "/activity",
  };
}

export function whatOf({ table_name: table, operation, old_values: before, new_values: after }: Row): string {
  if (table === "stock_levels") return stockOf(before, after, operation);
  if (table === "parts") return partChange(operation, before, after);
  const what = TABLES.includes(table) ? t(`home.table.${table}`) : table.replaceAll("_", " ");
  return t(`home.change.${operation.toLowerCase()}`, { what });
}

function stockOf(before: Row["old_values"], after: Row["new_values"], operation: Row["operation"]): string {
  const changed = STOCK.filter((field) => after && field in after && (operation !== "INSERT" || field === "current_stock"));
  if (changed.length === 0) return t("home.change.update", { what: t("home.field.current_stock") });
  return changed.map((field) => moved(t(`home.field.${field}`), before?.[field], after?.[field])).join(", ");
}

function moved(what: string, before: unknown, after: unknown): string {
  const said = (value: unknown): string => (typeof value === "number" ? formatNumber(value) : String(value));
  return before === undefined ? `${what} ${said(after)}` : `${what} ${said(before)} → ${said(after)}`;
}

function partChange(operation: Row["operation"], before: Row["old_values"], after: Row["new_values"]): string {
  if (operation === "INSERT") return t("home.change.created");
  if (operation === "DELETE") return t("home.change.archived");
  if (before?.["archived_at"] && after?.["archived_at"] === null) return t("home.change.restored");
  if (after?.["status"] === "published") return t("home.change.published");
  if (after?.["status"] === "draft") return t("home.change.unpublished");
  return t("home.change.content");
}
