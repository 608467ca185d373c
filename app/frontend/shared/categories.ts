/** The category tree: as options of a select, and as the category that a part shows. */
import { ApiError, request } from "./http.ts";
import type { Category, CategoryRef, Page, PartCategory } from "./types.ts";

export interface CategoryOption {
  slug: string;
  label: string;
}

export type CategoryNode = Pick<Category, "id" | "name" | "slug" | "parent_id">;

/** Children follow their parent, indented. */
export function categoryOptions(nodes: readonly CategoryNode[], parent: number | null = null, depth = 0): CategoryOption[] {
  return nodes
    .filter((node) => node.parent_id === parent)
    .flatMap((node) => [
      { slug: node.slug, label: "\u2003".repeat(depth) + node.name },
      ...categoryOptions(nodes, node.id, depth + 1),
    ]);
}

/** @returns every category as a part shows it, by its id. */
export function partCategories(nodes: readonly CategoryNode[]): Map<number, PartCategory> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  return new Map(nodes.map(({ id, name, slug }) => [id, { id, name, slug, path: pathTo(id, byId) }]));
}

function pathTo(id: number, byId: ReadonlyMap<number, CategoryNode>): CategoryRef[] {
  const path: CategoryRef[] = [];
  for (let at = byId.get(id); at && path.length < byId.size; at = at.parent_id === null ? undefined : byId.get(at.parent_id)) {
    path.unshift({ id: at.id, name: at.name, slug: at.slug });
  }
  return path;
}

export type CountedCategory = CategoryNode & { count: number };

/** @returns the categories right below one (null: the main ones) that have parts, each with the number of parts in it and below it. */
export function countedBelow(nodes: readonly (CategoryNode & Pick<Category, "part_count">)[], parent: number | null): CountedCategory[] {
  const counts = new Map<number, number>();
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const { id, part_count } of nodes) {
    for (const step of pathTo(id, byId)) counts.set(step.id, (counts.get(step.id) ?? 0) + part_count);
  }
  const below = nodes.filter((node) => node.parent_id === parent).map((node) => ({ ...node, count: counts.get(node.id) ?? 0 }));
  return below.filter(({ count }) => count > 0);
}

/** A list works without its categories, so this does not throw. @returns null if they could not be read. */
export async function loadCategories(): Promise<Category[] | null> {
  try {
    const answer = await request<Page<Category>>("/categories");
    return answer.items;
  } catch (failure) {
    if (!(failure instanceof ApiError)) throw failure;
    return null;
  }
}
