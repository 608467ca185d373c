/** Changes of many parts at once, and how one is taken back. */
import type { components } from "@lockstep/shared/api.gen.ts";

type Schemas = components["schemas"];
export type BulkAnswer = Schemas["PartBulkAnswer"];
export type BulkRow = Schemas["PartBulkRow"];
export type PartChange = Schemas["PartChange"];
export type Place = Schemas["Place"];

export type BulkKind = "publish" | "withdraw" | "move" | "archive" | "restore";

/** What the server takes in one call. */
export const MAX_PARTS = 1_000;

/** @returns what all parts are to be given. */
export function placeOf(kind: BulkKind, category: number | null): Place {
  if (kind === "move") return { category_id: category };
  return kind === "archive" || kind === "restore" ? { archived: kind === "archive" } : { status: kind === "publish" ? "published" : "draft" };
}

/**
 * One change that gives each changed part back what it had. It carries the version that the part has since: the server leaves out
 * what somebody has changed again.
 */
export function inverse(rows: readonly BulkRow[]): PartChange[] {
  return rows.flatMap(({ part_id, outcome, before, after }): PartChange[] => {
    if (outcome !== "changed" || part_id === null || !before || !after) return [];
    const part = { part_id, version: after.version };
    if (before.status === "archived" || after.status === "archived") return [{ ...part, archived: before.status === "archived" }];
    return [{ ...part, status: before.status, category_id: before.category_id }];
  });
}
