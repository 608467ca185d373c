import { expect, it } from "vitest";
import { summaryOf } from "./summary.ts";

it.each([
  ["Created", { kind: "created", source: "panel", message: "" }],
  ["Created (import: parts.csv)", { kind: "created", source: "import", message: "parts.csv" }],
  ["Changed name (import 12: new (2).csv)", { kind: "changed", source: "import", fields: ["name"], message: "new (2).csv" }],
  ["Changed name (import 13: undo of import 12)", { source: "import", message: "undo of import 12" }],
  ["Archived (no longer made)", { kind: "archived", source: "panel", message: "no longer made" }],
  ["Restored from the archive", { kind: "unarchived", source: "panel" }],
  ["Changed SKU, description and 2 specifications (typo (again))", { kind: "changed", fields: ["SKU", "description", "2 specifications"], message: "typo (again)" }],
  ["Changed description (Restored version 3)", { source: "restore", restored: 3, message: "" }],
  ["Changed description (Restored version 3: as the supplier says)", { source: "restore", restored: 3, message: "as the supplier says" }],
  ["Changed status (reconcile: the row had been changed around the application)", { source: "reconcile", message: "the row had been changed around the application" }],
  ["Changed (two\nlines)", { kind: "changed", fields: [], message: "two\nlines" }],
])("%s", (line, expected) => expect(summaryOf(line)).toMatchObject(expected));

it("what another release has worded otherwise is left as it is", () => {
  expect(summaryOf("Merged with part 5")).toBeNull();
  expect(summaryOf(null)).toBeNull();
});
