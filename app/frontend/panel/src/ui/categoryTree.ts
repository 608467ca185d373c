/** The category tree as screens need it, made of the flat list that the API answers. */
import type { components } from "@lockstep/shared/api.gen.ts";

export type AdminCategory = components["schemas"]["AdminCategory"];
type Node = Pick<AdminCategory, "id" | "name" | "parent_id">;

export interface Branch {
  category: AdminCategory;
  children: Branch[];
  /** Parts in it and below. */
  total: number;
}

/** @returns the categories below `parent` in their order by name, each with those below it. */
export function branches(all: readonly AdminCategory[], parent: number | null = null): Branch[] {
  const below = new Map<number | null, AdminCategory[]>();
  for (const category of all) below.set(category.parent_id, [...(below.get(category.parent_id) ?? []), category]);
  const grow = (of: number | null): Branch[] =>
    (below.get(of) ?? []).map((category) => {
      const children = grow(category.id);
      return { category, children, total: category.part_count + children.reduce((sum, child) => sum + child.total, 0) };
    });
  return grow(parent);
}

/** @returns the names from the root to the category, "Bearings › Ball bearings"; "" if there is no such category. */
export function pathText(all: readonly Node[], id: number | null): string {
  return wayTo(all, id).map(({ name }) => name).join(" › ");
}

/** @returns whether `id` is `ancestor` or lies below it. */
export function isWithin(all: readonly Node[], id: number | null, ancestor: number): boolean {
  return wayTo(all, id).some((node) => node.id === ancestor);
}

function wayTo(all: readonly Node[], id: number | null): Node[] {
  const byId = new Map(all.map((node) => [node.id, node]));
  const way: Node[] = [];
  for (let at = id === null ? undefined : byId.get(id); at && way.length < byId.size; at = at.parent_id === null ? undefined : byId.get(at.parent_id)) way.unshift(at);
  return way;
}
