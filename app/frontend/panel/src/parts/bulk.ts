/** Changes of many parts at once, and how one is taken back. */
import type { components } from "@lockstep/shared/api.gen.ts";

type Schemas = components["schemas"];
export type BulkAnswer = Schemas["PartBulkAnswer"];
export type BulkRow = Schemas["PartBulkRow"];
export type Place = { status?: "draft" | "published"; category_id?: number | null };

/** What the server takes in one call. */
export const MOST = 1_000;

export interface Group {
  set: Place;
  /** The version that each part has since the change; another one means that somebody has changed it again. */
  parts: Map<number, number>;
}

/** @returns the calls that give the changed parts back what they had: one for all that had the same. */
export function inverse(rows: readonly BulkRow[], set: Place): Group[] {
  const groups = new Map<string, Group>();
  for (const { part_id, outcome, before, after } of rows) {
    if (outcome !== "changed" || part_id === null || !before || !after) continue;
    const back: Place = {
      ...(set.status !== undefined && before.status !== "archived" ? { status: before.status } : {}),
      ...(set.category_id !== undefined ? { category_id: before.category_id } : {}),
    };
    const key = JSON.stringify(back);
    const group = groups.get(key) ?? { set: back, parts: new Map<number, number>() };
    groups.set(key, group);
    group.parts.set(part_id, after.version);
  }
  return [...groups.values()];
}

/** @returns the parts that nobody has changed since, going by a dry run of the way back. */
export function untouched(group: Group, dryRun: readonly BulkRow[]): number[] {
  return dryRun.flatMap(({ part_id, outcome, before }) => (part_id !== null && outcome === "changed" && before?.version === group.parts.get(part_id) ? [part_id] : []));
}
