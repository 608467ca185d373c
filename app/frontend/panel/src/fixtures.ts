/** Rows and events for tests. */
import type { AdminPart, AdminStock, AdminStockEvent, Person } from "@lockstep/shared/types.ts";

export const ANA: Person = { id: 2, name: "Ana" };
export const ME: Person = { id: 1, name: "Kim" };

export function adminStock(current_stock: number, version: number, more: Partial<AdminStock> = {}): AdminStock {
  return {
    current_stock, reserved_quantity: 0, min_stock_level: 2, available_stock: current_stock, is_in_stock: current_stock > 0,
    is_low_stock: current_stock <= 2, version, last_updated_by: null, updated_at: "2026-01-01T00:00:00Z", ...more,
  };
}

export function adminPart(id: number, stock: AdminStock = adminStock(5, 1), more: Partial<AdminPart> = {}): AdminPart {
  return {
    id, sku: `SKU-${id}`, slug: `part-${id}`, part_name: `Part ${id}`, status: "published", category: null, version: 1,
    updated_at: "2026-01-01T00:00:00Z", stock, price: null, ...more,
  };
}

export function adminStockEvent(id: number, stock: AdminStock, actor: Person | null = ANA): AdminStockEvent {
  return { id: `e-${id}-${stock.version}`, type: "stock.updated", part_id: id, version: stock.version, data: stock, actor, timestamp: stock.updated_at };
}
