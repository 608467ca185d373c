/**
 * What the panel knows of each part, and how news changes it. Pure.
 * As on the customer's site, an event applies only if its version is higher than the one held.
 */
import type { AdminContent, AdminEvent, AdminListItem, AdminStock, CurrentState, Person } from "@lockstep/shared/types.ts";
import type { Aspect } from "./columns.ts";

export interface RowChange {
  row: AdminListItem;
  /** What became different; null if the event was old news. */
  changed: Aspect | "price" | "status" | null;
}

/** When a part was last changed, and by whom: always of one and the same change, whichever aspect that was. */
type LastChange = Pick<AdminListItem, "updated_at" | "changed_by">;

export function applyEvent(row: AdminListItem, event: AdminEvent): RowChange {
  const last = latest(row, { updated_at: event.data.updated_at, changed_by: event.actor });
  switch (event.type) {
    case "stock.updated":
      if (event.version <= row.stock.version) return { row, changed: null };
      return { row: { ...row, ...last, stock: event.data }, changed: "stock" };
    case "price.updated":
      // The grid shows no price, but when the part was last changed.
      return last.updated_at === row.updated_at ? { row, changed: null } : { row: { ...row, ...last }, changed: "price" };
    case "part.created":
    case "content.updated":
    case "part.deleted":
    case "part.restored": {
      if (event.version <= row.version) return { row, changed: null };
      const { sku, slug, part_name, status, category, version } = event.data;
      const updated = { ...row, ...last, sku, slug, part_name, status, category, version };
      return { row: updated, changed: status === row.status ? "content" : "status" };
    }
  }
}

/** An HTTP reading, aspect by aspect: what was heard after the request was begun is newer if its version is higher. */
export function applyReading(held: AdminListItem | undefined, read: AdminListItem, heardSince: boolean): AdminListItem {
  if (!held || !heardSince) return read;
  return {
    ...(held.version > read.version ? held : read),
    ...latest(read, held),
    stock: held.stock.version > read.stock.version ? held.stock : read.stock,
  };
}

export function applyStockAnswer(row: AdminListItem, answer: AdminStock): AdminListItem {
  if (answer.version < row.stock.version) return row;
  return { ...row, ...latest(row, { updated_at: answer.updated_at, changed_by: authorOf(answer) }), stock: answer };
}

export type NameAnswer = Pick<AdminContent, "part_name" | "version" | "updated_at" | "last_updated_by" | "last_updated_by_name">;

export function applyNameAnswer(row: AdminListItem, answer: NameAnswer): AdminListItem {
  const { part_name, version, updated_at } = answer;
  if (version < row.version) return row;
  return { ...row, ...latest(row, { updated_at, changed_by: authorOf(answer) }), part_name, version };
}

/** A 409's present values. */
export function applyCurrent(row: AdminListItem, aspect: Aspect, current: CurrentState): AdminListItem {
  const { changed_by = null, changed_at, part_name = row.part_name, status = row.status, version, updated_at, ...stock } = current;
  if (version < (aspect === "content" ? row.version : row.stock.version)) return row;
  const last = latest(row, { updated_at: changed_at ?? updated_at ?? row.updated_at, changed_by: changed_by ?? authorOf(current) ?? row.changed_by });
  if (aspect === "content") return { ...row, ...last, part_name, status, version };
  return { ...row, ...last, stock: { ...row.stock, ...stock, version, updated_at: updated_at ?? row.stock.updated_at } };
}

/** Who gave the stock (or the content) the values that it has. */
export function authorOf({ last_updated_by: id, last_updated_by_name: name }: Partial<Pick<AdminStock, "last_updated_by" | "last_updated_by_name">>): Person | null {
  return typeof id === "number" && typeof name === "string" ? { id, name } : null;
}

/**
 * The rows of a reading nobody asked for, with those of the page that do not go unasked left where they stood:
 * each behind the nearest row above it that is still there.
 */
export function keepInPlace(shown: readonly number[], read: readonly number[], stays: (id: number) => boolean): number[] {
  const merged = [...read];
  shown.forEach((id, at) => {
    if (merged.includes(id) || !stays(id)) return;
    const above = shown.slice(0, at).findLast((one) => merged.includes(one));
    merged.splice(above === undefined ? 0 : merged.indexOf(above) + 1, 0, id);
  });
  return merged;
}

/** Both in UTC, RFC 3339; compared as times, since fractions may differ in length. */
function latest(held: LastChange, { updated_at, changed_by }: LastChange): LastChange {
  return Date.parse(updated_at) >= Date.parse(held.updated_at) ? { updated_at, changed_by } : { updated_at: held.updated_at, changed_by: held.changed_by };
}
