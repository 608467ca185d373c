/** The grid's columns, in order, and who may edit which. */
import type { AdminListItem, AdminSort, Role, StockField } from "@lockstep/shared/types.ts";

export type EditableField = StockField | "part_name";
export type ColumnKey = "sku" | "part_name" | "current_stock" | "reserved_quantity" | "available_stock" | "min_stock_level" | "status" | "updated_at" | "who";

export interface Column {
  readonly key: ColumnKey;
  readonly editable?: EditableField;
  readonly sort?: "sku" | "part_name" | "available" | "updated_at";
  readonly numeric?: true;
}

export const COLUMNS: readonly Column[] = [
  { key: "sku", sort: "sku" },
  { key: "part_name", editable: "part_name", sort: "part_name" },
  { key: "current_stock", editable: "current_stock", numeric: true },
  { key: "reserved_quantity", editable: "reserved_quantity", numeric: true },
  { key: "available_stock", sort: "available", numeric: true },
  { key: "min_stock_level", editable: "min_stock_level", numeric: true },
  { key: "status" },
  { key: "updated_at", sort: "updated_at" },
  { key: "who" },
];

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
