import { expect, it } from "vitest";
import { apart, apiQuery, changedNames, changesOf, contentVersion, filtersOf, isoOf, localOf, newerThan, same, shown } from "./rows.ts";

it("a row's fields are those of both sides, the version last, each with whether it differs", () => {
  expect(changesOf({ version: 1, a: 1, b: { x: 1, y: 2 } }, { version: 2, a: 2, b: { y: 2, x: 1 }, c: null })).toEqual([
    { field: "a", old: 1, new: 2, differs: true },
    { field: "b", old: { x: 1, y: 2 }, new: { y: 2, x: 1 }, differs: false },
    { field: "c", old: undefined, new: null, differs: true },
    { field: "version", old: 1, new: 2, differs: true },
  ]);
});

it("a change names what it changed, a creation does not", () => {
  const values = { old_values: { a: 1, version: 1 }, new_values: { a: 2, version: 2 } };
  expect(changedNames({ operation: "UPDATE", ...values })).toEqual(["a"]);
  expect(changedNames({ operation: "INSERT", old_values: null, new_values: { a: 2 } })).toEqual([]);
});

it("of two lists only the items that differ are shown, and all if only their order does", () => {
  expect(apart([{ n: 1 }, { n: 2 }], [{ n: 1 }, { n: 3 }])).toEqual([[{ n: 2 }], [{ n: 3 }]]);
  expect(apart([1, 2], [2, 1])).toEqual([[1, 2], [2, 1]]);
  expect(apart("a", ["a"])).toEqual(["a", ["a"]]);
});

it.each([[[], {}, false], [null, {}, false], [{ a: undefined }, { b: undefined }, false], [[1, [2]], [1, [2]], true], ["1", 1, false]])("%o and %o", (a, b, expected) => expect(same(a, b)).toBe(expected));

it("text is shown as it is, nothing as nothing, zero and false as themselves", () => {
  expect([shown("a"), shown(""), shown(null), shown(0), shown(false), shown({ a: 1 })]).toEqual(["a", null, null, "0", "false", '{\n "a": 1\n}']);
});

it("only a row of its content leads to a version of its content", () => {
  expect(contentVersion({ table_name: "parts", part_id: 4, version: 7 })).toBe(7);
  expect(contentVersion({ table_name: "part_specifications", part_id: 4, version: 8 })).toBe(8);
  expect(contentVersion({ table_name: "stock_levels", part_id: 4, version: 7 })).toBeNull();
});

it("filters of the address are those of the API; what is empty, repeated or unknown is none", () => {
  const filters = filtersOf({ part: "7", person: "", table: ["a", "b"], request: "r-1", page: "2" });
  expect(filters).toEqual({ part: "7", request: "r-1" });
  expect(apiQuery({ ...filters, person: "3" })).toEqual({ part_id: "7", request_id: "r-1", changed_by: "3" });
});

it("a moment goes to the field and back", () => {
  expect(localOf("2026-03-01T09:05:07Z")).toBe("2026-03-01T09:05:07");
  expect(isoOf("2026-03-01T09:05:07")).toBe("2026-03-01T09:05:07.000Z");
  expect([localOf(undefined), localOf("nonsense"), isoOf(""), isoOf("nonsense")]).toEqual(["", "", undefined, undefined]);
});

it("what is new is counted by what is shown, not by its time", () => {
  const row = (id: number) => ({ id, changed_at: "2026-01-01T00:00:00Z" });
  expect(newerThan([row(5), row(4), row(3)], [row(3), row(2)])).toBe(2);
});
