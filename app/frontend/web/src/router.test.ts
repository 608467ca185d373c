import { expect, test } from "vitest";
import { FILTERING, isFiltering } from "./router.ts";

test.each([
  ["catalog", "category", FILTERING, true],
  ["category", "category", FILTERING, true],
  ["category", "category", null, false],
  // "Back" from a part to a list that was narrowed.
  ["category", "part", FILTERING, false],
])("A step to %s from %s with the state %j only narrows a list: %j", (to, from, state, expected) => {
  expect(isFiltering({ name: to }, { name: from }, { ...state })).toBe(expected);
});
