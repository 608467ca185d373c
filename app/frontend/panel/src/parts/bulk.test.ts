import { expect, it } from "vitest";
import { inverse, untouched, type BulkRow } from "./bulk.ts";
import { toggled } from "./selection.ts";

function row(part_id: number, outcome: BulkRow["outcome"], before: [status: "draft" | "published" | "archived", category: number | null, version: number], after = before): BulkRow {
  const place = ([status, category_id, version]: typeof before) => ({ status, category_id, version });
  return { index: part_id, part_id, sku: `S${part_id}`, outcome, detail: null, changed_by: null, changed_at: null, before: place(before), after: place(after) };
}

it("the way back gives each part what it had, in one call for all that had the same", () => {
  const rows = [
    row(1, "changed", ["draft", 7, 1], ["draft", 9, 2]), row(2, "changed", ["draft", 8, 4], ["draft", 9, 5]),
    row(3, "unchanged", ["draft", 9, 1]), row(4, "changed", ["draft", 7, 2], ["draft", 9, 3]), row(5, "part_archived", ["archived", 7, 1]),
  ];
  const back = inverse(rows, { category_id: 9 }).map(({ set, parts }) => ({ set, parts: [...parts] }));
  expect(back).toEqual([{ set: { category_id: 7 }, parts: [[1, 2], [4, 3]] }, { set: { category_id: 8 }, parts: [[2, 5]] }]);
  expect(inverse([row(1, "changed", ["draft", 7, 1], ["published", 7, 2])], { status: "published" })[0]?.set).toEqual({ status: "draft" });
});

it("what somebody has changed since is not taken back", () => {
  const group = { set: { status: "draft" as const }, parts: new Map([[1, 2], [2, 5], [3, 2]]) };
  expect(untouched(group, [row(1, "changed", ["published", 7, 2]), row(2, "changed", ["published", 7, 6]), row(3, "unchanged", ["draft", 7, 3])])).toEqual([1]);
});

it("a range becomes what the row becomes that was clicked", () => {
  const ids = [1, 2, 3, 4, 5];
  const some = toggled(new Set(), ids, 2, null, false);
  const range = toggled(some, ids, 4, 2, true);
  expect([...range]).toEqual([2, 3, 4]);
  expect([...toggled(range, ids, 2, 4, true)]).toEqual([]);
  expect([...toggled(some, ids, 4, 99, true)]).toEqual([2, 4]);
});
