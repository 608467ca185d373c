import { expect, it } from "vitest";
import { categoryOptions, countedBelow } from "./categories.ts";

const root = { id: 1, name: "Filters", slug: "filters", parent_id: null };
const child = { id: 2, name: "Oil", slug: "oil", parent_id: 1 };
const expected = [
  { slug: "filters", label: "Filters" },
  { slug: "oil", label: "\u2003Oil" },
];

it("a flat list makes options, children indented below their parents", () => {
  expect(categoryOptions([child, root])).toEqual(expected);
});

it("a category counts what is in it and below it, and one without parts is left out", () => {
  const nodes = [
    { ...child, part_count: 3 }, { ...root, part_count: 1 }, { id: 3, name: "Air", slug: "air", parent_id: 1, part_count: 0 },
    { id: 4, name: "Fine", slug: "fine", parent_id: 2, part_count: 2 },
  ];
  expect(countedBelow(nodes, null).map(({ slug, count }) => [slug, count])).toEqual([["filters", 6]]);
  expect(countedBelow(nodes, 1).map(({ slug, count }) => [slug, count])).toEqual([["oil", 5]]);
  expect(countedBelow(nodes, 4)).toEqual([]);
});

it("a circle in the tree is no endless one", () => {
  const circle = [{ ...child, parent_id: 3, part_count: 1 }, { id: 3, name: "Air", slug: "air", parent_id: 2, part_count: 1 }];
  expect(countedBelow(circle, 2).map(({ slug }) => slug)).toEqual(["air"]);
});
