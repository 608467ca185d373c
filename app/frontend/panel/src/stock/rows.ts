/**
 * What the panel knows of each part, and how news changes it. Pure.
 * As on the customer's site, an event applies only if its version is higher than the one held.
 */
import type { AdminEvent, AdminListItem, AdminStock, CurrentState, Person } from "@lockstep/shared/types.ts";
import type { Aspect } from "./columns.ts";

export interface RowChange {
  row: AdminListItem;
  /** What became different; null if the event was old news. */
  changed: Aspect | "price" | "status" | null;
}

export function applyEvent(row: AdminListItem, event: AdminEvent): RowChange {
  switch (event.type) {
    case "stock.updated":
      if (event.version <= row.stock.version) return { row, changed: null };
      return { row: { ...row, stock: event.data }, changed: "stock" };
    case "price.updated": {
      // The grid shows no price, but when the part was last changed.
      const updated_at = later(row.updated_at, event.data.updated_at);
      return updated_at === row.updated_at ? { row, changed: null } : { row: { ...row, updated_at }, changed: "price" };
    }
    case "part.created":
    case "content.updated":
    case "part.deleted":
    case "part.restored": {
      if (event.version <= row.version) return { row, changed: null };
      const { sku, slug, part_name, status, category, version, updated_at } = event.data;
      const updated = { ...row, sku, slug, part_name, status, category, version, updated_at: later(row.updated_at, updated_at) };
      return { row: updated, changed: status === row.status ? "content" : "status" };
    }
  }
}

/** An HTTP reading, aspect by aspect: what was heard after the request was begun is newer if its version is higher. */
export function applyReading(held: AdminListItem | undefined, read: AdminListItem, heardSince: boolean): AdminListItem {
  if (!held || !heardSince) return read;
  return {
    ...(held.version > read.version ? held : read),
    stock: held.stock.version > read.stock.version ? held.stock : read.stock,
  };
}

export function applyStockAnswer(row: AdminListItem, answer: AdminStock): AdminListItem {
  return answer.version < row.stock.version ? row : { ...row, stock: answer };
}

/** A 409's present values. */
export function applyCurrent(row: AdminListItem, aspect: Aspect, current: CurrentState): AdminListItem {
  const { changed_by: _by, changed_at: _at, part_name = row.part_name, status = row.status, version, updated_at, ...stock } = current;
  if (aspect === "content") {
    if (version < row.version) return row;
    return { ...row, part_name, status, version, updated_at: later(row.updated_at, updated_at ?? row.updated_at) };
  }
  if (version < row.stock.version) return row;
  return { ...row, stock: { ...row.stock, ...stock, version, updated_at: updated_at ?? row.stock.updated_at } };
}

/** Who gave the stock the values that it has. */
export function stockAuthor({ last_updated_by: id, last_updated_by_name: name }: Partial<AdminStock>): Person | null {
  return typeof id === "number" && typeof name === "string" ? { id, name } : null;
}

/** Both in UTC, RFC 3339; compared as times, since fractions may differ in length. */
function later(a: string, b: string): string {
  return Date.parse(b) > Date.parse(a) ? b : a;
}
