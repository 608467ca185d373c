/**
 * What the panel knows of each part, and how news changes it. Pure.
 * As on the customer's site, an event applies only if its version is higher than the one held.
 */
import type { AdminEvent, AdminPart, AdminStock, CurrentState, PartStatus, StockWriteAnswer } from "@lockstep/shared/types.ts";
import type { Aspect } from "./columns.ts";

export interface RowChange {
  row: AdminPart;
  /** What became different; null if the event was old news. */
  changed: Aspect | "price" | "status" | null;
}

export function applyEvent(row: AdminPart, event: AdminEvent): RowChange {
  switch (event.type) {
    case "stock.updated":
      if (event.version <= row.stock.version) return { row, changed: null };
      return { row: { ...row, stock: { ...row.stock, ...withoutPartId(event.data), version: event.version } }, changed: "stock" };
    case "content.updated": {
      if (event.version <= row.version) return { row, changed: null };
      const { sku, slug, part_name, status, category } = event.data;
      const given = Object.fromEntries(Object.entries({ sku, slug, part_name, status, category }).filter(([, value]) => value !== undefined));
      return { row: { ...row, ...given, version: event.version, updated_at: event.data.updated_at ?? event.timestamp }, changed: "content" };
    }
    case "price.updated":
      if (row.price && event.version <= row.price.version) return { row, changed: null };
      return { row: { ...row, price: event.data.price ? { ...event.data.price, version: event.version } : null }, changed: "price" };
    case "part.deleted":
    case "part.restored": {
      if (event.version <= row.version) return { row, changed: null };
      const told = statusIn(event.data);
      const status = told ?? (event.type === "part.deleted" ? "archived" : "published");
      return { row: { ...row, status, version: event.version, updated_at: event.timestamp }, changed: "status" };
    }
  }
}

function statusIn(data: unknown): PartStatus | null {
  const status = typeof data === "object" && data !== null && "status" in data ? data.status : null;
  return status === "draft" || status === "published" || status === "archived" ? status : null;
}

/** An HTTP reading, aspect by aspect: what was heard after the request was begun is newer if its version is higher. */
export function applyReading(held: AdminPart | undefined, read: AdminPart, heardSince: boolean): AdminPart {
  if (!held || !heardSince) return read;
  return {
    ...(held.version > read.version ? held : read),
    stock: held.stock.version > read.stock.version ? held.stock : read.stock,
    price: (held.price?.version ?? 0) > (read.price?.version ?? 0) ? held.price : read.price,
  };
}

export function applyStockAnswer(row: AdminPart, answer: StockWriteAnswer): AdminPart {
  return answer.version < row.stock.version ? row : { ...row, stock: withoutPartId(answer) };
}

/** A 409's present values. */
export function applyCurrent(row: AdminPart, aspect: Aspect, current: CurrentState): AdminPart {
  if (aspect === "content") {
    if (current.version < row.version) return row;
    return {
      ...row,
      part_name: current.part_name ?? row.part_name,
      status: current.status ?? row.status,
      version: current.version,
      updated_at: current.changed_at ?? row.updated_at,
    };
  }
  if (current.version < row.stock.version) return row;
  const { changed_by, changed_at, part_name: _name, status: _status, ...stock } = current;
  return {
    ...row,
    stock: {
      ...row.stock,
      ...withoutPartId(stock as AdminStock),
      last_updated_by: changed_by ?? current.last_updated_by ?? null,
      updated_at: changed_at ?? current.updated_at ?? row.stock.updated_at,
    },
  };
}

function withoutPartId<T extends AdminStock>(stock: T): AdminStock {
  const { part_id: _partId, ...rest } = stock as T & { part_id?: number };
  return rest;
}
