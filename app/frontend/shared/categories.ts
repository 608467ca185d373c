/** The category tree as options of a select. */
import { ApiError, request } from "./http.ts";
import type { Category, Page } from "./types.ts";

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

/** A list works without its categories, so this does not throw. @returns null if they could not be read. */
export async function loadCategories(): Promise<CategoryOption[] | null> {
  try {
    const answer = await request<Page<Category>>("/categories");
    return categoryOptions(answer.items);
  } catch (failure) {
    if (!(failure instanceof ApiError)) throw failure;
    return null;
  }
}
