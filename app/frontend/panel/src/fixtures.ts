/** Rows and events for tests. */
import type { AdminContent, AdminContentEvent, AdminListItem, AdminStock, AdminStockEvent, Person } from "@lockstep/shared/types.ts";

export const ANA: Person = { id: 2, name: "Ana" };
export const ME: Person = { id: 1, name: "Kim" };

export function by({ id, name }: Person) {
  return { last_updated_by: id, last_updated_by_name: name };
}

/** As the grid, a write's answer and an event carry it; of part 1, unless told otherwise. */
export function adminStock(current_stock: number, version: number, more: Partial<AdminStock> = {}): AdminStock {
  return {
    current_stock, reserved_quantity: 0, min_stock_level: 2, available_stock: current_stock, is_in_stock: current_stock > 0,
    is_low_stock: current_stock <= 2, version, part_id: 1, last_updated_by: null, last_updated_by_name: null,
    updated_at: "2026-01-01T00:00:00Z", ...more,
  };
}

export function adminPart(id: number, stock: AdminStock = adminStock(5, 1), more: Partial<AdminListItem> = {}): AdminListItem {
  return {
    id, sku: `SKU-${id}`, slug: `part-${id}`, part_name: `Part ${id}`, status: "published", category: null, version: 1,
    updated_at: "2026-01-01T00:00:00Z", changed_by: null, stock: { ...stock, part_id: id }, ...more,
  };
}

export function adminStockEvent(id: number, stock: AdminStock, actor: Person = ANA): AdminStockEvent {
  const data = { ...stock, part_id: id, ...by(actor) };
  return { id: `e-${id}-${stock.version}`, type: "stock.updated", part_id: id, version: stock.version, data, actor, timestamp: stock.updated_at };
}

export function adminContentEvent(
  type: AdminContentEvent["type"], id: number, version: number, more: Partial<AdminContent> = {}, actor: Person = ANA,
): AdminContentEvent {
  const at = "2026-01-02T00:00:00Z";
  const data: AdminContent = {
    id, sku: `SKU-${id}`, slug: `part-${id}`, part_name: `Part ${id}`, status: "published", category: null, category_id: null,
    description: "", manufacturer: null, manufacturer_number: null, images: [], specifications: [], version, updated_at: at,
    last_updated_by: actor.id, last_updated_by_name: actor.name, ...more,
  };
  return { id: `e-${id}-${type}-${version}`, type, part_id: id, version, data, actor, timestamp: at };
}
