import { expect, it } from "vitest";
import { inverse, placeOf, type BulkRow } from "./bulk.ts";
import { toggled } from "./selection.ts";

function row(part_id: number, outcome: BulkRow["outcome"], before: [status: "draft" | "published" | "archived", category: number | null, version: number], after = before): BulkRow {
  const place = ([status, category_id, version]: typeof before) => ({ status, category_id, version });
  return { index: part_id, part_id, sku: `S${part_id}`, outcome, detail: null, changed_by: null, changed_at: null, before: place(before), after: place(after) };
}

it("one change gives each part back what it had, as long as it has the version that it was given", () => {
  const rows = [
    row(1, "changed", ["draft", 7, 1], ["draft", 9, 2]), row(2, "changed", ["draft", null, 4], ["draft", 9, 5]),
    row(3, "unchanged", ["draft", 9, 1]), row(4, "changed", ["published", 7, 2], ["draft", 7, 3]), row(5, "part_archived", ["archived", 7, 1]),
  ];
  expect(inverse(rows)).toEqual([
    { part_id: 1, version: 2, status: "draft", category_id: 7 }, { part_id: 2, version: 5, status: "draft", category_id: null },
    { part_id: 4, version: 3, status: "published", category_id: 7 },
  ]);
});

it("archiving is taken back by restoring, and the other way round", () => {
  const rows = [row(1, "changed", ["published", 7, 1], ["archived", 7, 2]), row(2, "unchanged", ["archived", 7, 1]), row(3, "changed", ["archived", 7, 4], ["draft", 7, 5])];
  expect(inverse(rows)).toEqual([{ part_id: 1, version: 2, archived: false }, { part_id: 3, version: 5, archived: true }]);
});

it("what is wanted of a part is said as the server takes it", () => {
  expect((["publish", "withdraw", "move", "archive", "restore"] as const).map((kind) => placeOf(kind, null))).toEqual([
    { status: "published" }, { status: "draft" }, { category_id: null }, { archived: true }, { archived: false },
  ]);
});

it("a range becomes what the row becomes that was clicked", () => {
  const ids = [1, 2, 3, 4, 5];
  const some = toggled(new Set(), ids, 2, null, false);
  const range = toggled(some, ids, 4, 2, true);
  expect([...range]).toEqual([2, 3, 4]);
  expect([...toggled(range, ids, 2, 4, true)]).toEqual([]);
  expect([...toggled(some, ids, 4, 99, true)]).toEqual([2, 4]);
});
