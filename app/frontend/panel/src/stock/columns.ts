/** The grid's columns, in order, which of them this browser shows, and who may edit which. */
import type { AdminListItem, AdminSort, Role, StockField } from "@lockstep/shared/types.ts";
import { useLocalStorage } from "@vueuse/core";
import { computed } from "vue";

export type EditableField = StockField | "part_name";
export type ColumnKey =
  | "select" | "sku" | "part_name" | "category" | "current_stock" | "reserved_quantity" | "available_stock" | "min_stock_level" | "status" | "updated_at" | "who";

export interface Column {
  readonly key: ColumnKey;
  /** Width in rem; the name takes what is left. */
  readonly width: number;
  readonly editable?: EditableField;
  readonly sort?: "sku" | "part_name" | "available" | "updated_at";
  readonly numeric?: true;
  /** Without it a row is not understood. */
  readonly always?: true;
}

/** A column as the person who is logged in has it. */
export interface ShownColumn extends Column {
  readonly label: string;
  readonly isEditable: boolean;
  readonly classes: string;
}

export const COLUMNS: readonly Column[] = [
  { key: "select", width: 2.25, always: true },
  { key: "sku", width: 7.5, sort: "sku", always: true },
  { key: "part_name", width: 14, editable: "part_name", sort: "part_name", always: true },
  { key: "category", width: 9 },
  { key: "current_stock", width: 6.1, editable: "current_stock", numeric: true, always: true },
  { key: "reserved_quantity", width: 6, editable: "reserved_quantity", numeric: true },
  { key: "available_stock", width: 6.75, sort: "available", numeric: true },
  { key: "min_stock_level", width: 6.25, editable: "min_stock_level", numeric: true },
  { key: "status", width: 8.25 },
  { key: "updated_at", width: 6.25, sort: "updated_at" },
  { key: "who", width: 5.5 },
];

const INITIAL_HIDDEN: readonly ColumnKey[] = ["category"];
const hidden = useLocalStorage<string[]>("lockstep.stock.hidden", [...INITIAL_HIDDEN]);

export const visibleColumns = computed(() => COLUMNS.filter(({ key, always }) => always || !hidden.value.includes(key)));
export const hiddenColumns = computed<readonly string[]>({
  get: () => hidden.value,
  set: (keys) => (hidden.value = [...keys]),
});

export function showColumn(key: ColumnKey, isShown: boolean): void {
  hidden.value = isShown ? hidden.value.filter((one) => one !== key) : [...hidden.value, key];
}

export const STOCK_FIELDS: readonly StockField[] = ["current_stock", "reserved_quantity", "min_stock_level"];

export type Aspect = "stock" | "content";

export function aspectOf(field: EditableField): Aspect {
  return field === "part_name" ? "content" : "stock";
}

export function versionOf(row: AdminListItem, aspect: Aspect): number {
  return aspect === "content" ? row.version : row.stock.version;
}

export function valueOf(row: AdminListItem, field: EditableField): number | string {
  return field === "part_name" ? row.part_name : row.stock[field];
}

/** What a cell holds, as a spreadsheet would take it. */
export function plainValue(row: AdminListItem, key: ColumnKey): string {
  switch (key) {
    case "select": return "";
    case "sku": return row.sku;
    case "part_name": return row.part_name;
    case "category": return row.category?.name ?? "";
    case "status": return row.status;
    case "updated_at": return row.updated_at;
    case "who": return row.changed_by?.name ?? "";
    default: return String(row.stock[key]);
  }
}

export function mayEdit(role: Role, field: EditableField): boolean {
  if (field === "part_name") return role === "editor" || role === "admin";
  return role !== "viewer";
}

/** A click on a heading: ascending, then descending. */
export function nextSort(column: NonNullable<Column["sort"]>, current: AdminSort): AdminSort {
  return current === column ? `-${column}` : column;
}

export function stockLevel(stock: { is_in_stock: boolean; is_low_stock: boolean }): "in" | "low" | "out" {
  if (!stock.is_in_stock) return "out";
  return stock.is_low_stock ? "low" : "in";
}
