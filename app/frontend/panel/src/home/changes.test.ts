import { expect, it } from "vitest";
import { changesOf, importOf, whatOf, type Row } from "./changes.ts";

let last = 100;

function row(more: Partial<Row>): Row {
  const id = (last -= 1);
  return {
    id, api_key_id: null, api_key_name: null, changed_at: "2026-01-01T00:00:00Z", changed_by: 1, changed_by_name: "Ana", event_id: `e${id}`, ip_address: null,
    new_values: {}, old_values: {}, operation: "UPDATE", part_id: 7, reason: null, record_id: 7, request_id: null, table_name: "parts", user_agent: null, version: 2, ...more,
  };
}

it("a change of stock says what it was and is", () => {
  const counted = row({ table_name: "stock_levels", old_values: { current_stock: 1_200, version: 1 }, new_values: { current_stock: 9, version: 2 } });
  expect(whatOf(counted)).toBe("Stock 1,200 → 9");
  const first = row({ table_name: "stock_levels", operation: "INSERT", old_values: null, new_values: { current_stock: 5, min_stock_level: 0, reserved_quantity: 0 } });
  expect(whatOf(first)).toBe("Stock 5");
});

it("what became of a part is told apart", () => {
  const told = (more: Partial<Row>) => whatOf(row(more));
  expect(told({ operation: "INSERT" })).toBe("New part");
  expect(told({ operation: "DELETE" })).toBe("Archived");
  expect(told({ old_values: { archived_at: "2026-01-01" }, new_values: { archived_at: null } })).toBe("Restored");
  expect(told({ old_values: { status: "draft" }, new_values: { status: "published" } })).toBe("Published");
  expect(told({ new_values: { part_name: "x" } })).toBe("Content changed");
});

it("a table that is new here is named as the server names it", () => {
  expect(whatOf(row({ table_name: "gift_cards", operation: "DELETE" }))).toBe("Deleted: gift cards");
});

it("what one call wrote is one line, told by its most telling row", () => {
  const rows = [
    row({ table_name: "part_prices", operation: "INSERT", request_id: "r" }), row({ table_name: "stock_levels", operation: "INSERT", request_id: "r" }),
    row({ operation: "INSERT", request_id: "r" }), row({ operation: "DELETE", request_id: "q" }),
  ];
  expect(changesOf(rows).map(({ what, partId }) => [what, partId])).toEqual([["New part", 7], ["Archived", 7]]);
});

it("an import is one line that leads to it", () => {
  const rows = [1, 2, 3].map((part_id) => row({ part_id, reason: "import 3: parts.csv", request_id: "r" }));
  const typed = [1, 2, null].map((part_id) => row({ part_id, reason: "import: parts.csv" }));
  expect(changesOf(typed)).toMatchObject([{ what: "3 changes to 2 parts", link: "/activity" }]);
  expect(changesOf(rows)).toMatchObject([{ what: "3 changes to 3 parts", partId: null, link: "/imports/3" }]);
  expect([importOf("import 12: a"), importOf("important"), importOf(null)]).toEqual(["12", null, null]);
});

it("calls of different people are never one line", () => {
  expect(changesOf([row({ request_id: "r" }), row({ request_id: "r", changed_by: 2, changed_by_name: "Ben" })]).map(({ who }) => who)).toEqual(["Ana", "Ben"]);
});
