/** The category tree as the options of a select. */
import { request } from "./http.ts";
import type { Category } from "./types.ts";

export interface CategoryOption {
  slug: string;
  label: string;
}

export type CategoryNode = Category & { children?: CategoryNode[] };

/** @param nodes a tree, or a flat list with `parent_id`. */
export function categoryOptions(nodes: readonly CategoryNode[]): CategoryOption[] {
  const isFlat = !nodes.some((node) => node.children?.length);
  return optionsOf(isFlat ? childrenOf(nodes, null) : nodes, 0);
}

function optionsOf(nodes: readonly CategoryNode[], depth: number): CategoryOption[] {
  return nodes.flatMap((node) => [
    { slug: node.slug, label: "\u2003".repeat(depth) + node.name },
    ...optionsOf(node.children ?? [], depth + 1),
  ]);
}

function childrenOf(nodes: readonly CategoryNode[], parent: number | null): CategoryNode[] {
  return nodes
    .filter((node) => (node.parent_id ?? null) === parent)
    .map((node) => ({ ...node, children: childrenOf(nodes, node.id) }));
}

/** Without its categories a list still works: then there is just nothing to choose. */
export async function loadCategories(): Promise<CategoryOption[]> {
  try {
    const answer = await request<{ items: CategoryNode[] }>("/categories");
    return categoryOptions(answer.items);
  } catch {
    return [];
  }
}
