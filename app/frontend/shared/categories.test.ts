import { expect, it } from "vitest";
import { categoryOptions } from "./categories.ts";

const root = { id: 1, name: "Filters", slug: "filters", parent_id: null };
const child = { id: 2, name: "Oil", slug: "oil", parent_id: 1 };
const expected = [
  { slug: "filters", label: "Filters" },
  { slug: "oil", label: "\u2003Oil" },
];

it("a flat list makes options, children indented below their parents", () => {
  expect(categoryOptions([child, root])).toEqual(expected);
});
