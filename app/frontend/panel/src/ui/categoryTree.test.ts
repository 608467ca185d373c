import { expect, it } from "vitest";
import { branches, isWithin, pathText, type AdminCategory } from "./categoryTree.ts";

function category(id: number, name: string, parent_id: number | null, part_count = 0): AdminCategory {
  return { id, name, parent_id, part_count, slug: name, description: "", picture: null, version: 1, child_count: 0, updated_at: "", changed_at: "", changed_by: null };
}

const ALL = [category(3, "Ball", 1, 4), category(1, "Bearings", null, 1), category(2, "Belts", null, 5), category(4, "Deep groove", 3, 2)];

it("a branch counts the parts below it too", () => {
  expect(branches(ALL).map(({ category: { name }, total }) => [name, total])).toEqual([["Bearings", 7], ["Belts", 5]]);
});

it("a path leads from the root to the category", () => {
  expect(pathText(ALL, 4)).toBe("Bearings › Ball › Deep groove");
  expect([pathText(ALL, null), pathText(ALL, 99)]).toEqual(["", ""]);
});

it("a category is within itself and those above it, and nowhere else", () => {
  expect([1, 3, 4, 2].map((ancestor) => isWithin(ALL, 4, ancestor))).toEqual([true, true, true, false]);
});

it("a circle, which two answers read at different times may form, ends", () => {
  const circle = [category(1, "A", 2), category(2, "B", 1)];
  expect(isWithin(circle, 1, 3)).toBe(false);
  expect(branches(circle)).toEqual([]);
});
