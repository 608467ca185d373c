import { expect, it } from "vitest";
import type { Column } from "./jobs.ts";
import { asTheFileSays, choicesFor, doubled, fieldsOf, sameReading, useOf, withUse, type Reading } from "./reading.ts";

function column(name: string, became: Column["became"]): Column {
  return { name, became, detail: "" };
}

const SALE = column("Sale price", "undecided");
const PRICE = column("Price", "price");

it("what nobody says anything about is not sent", () => {
  expect(fieldsOf(asTheFileSays())).toEqual([]);
});

it("what is said becomes the form's fields", () => {
  let reading: Reading = { ...asTheFileSays(), encoding: "windows-1252", separator: " / ", currency: " eur " };
  reading = withUse(reading, SALE, "price");
  reading = withUse(reading, column("Old", "specification"), "ignored");
  reading = withUse(reading, column("Cost = x", "private"), "specification");
  expect(fieldsOf(reading)).toEqual([
    ["encoding", "windows-1252"], ["category_separator", " / "], ["currency", "EUR"],
    ["as_specification", "Cost = x"], ["ignore", "Old"], ["map", "price=Sale price"],
  ]);
});

it("a choice can be taken back", () => {
  const chosen = withUse(asTheFileSays(), SALE, "ignored");
  expect(useOf(SALE, chosen)).toBe("ignored");
  const back = withUse(chosen, SALE, "undecided");
  expect(useOf(SALE, back)).toBe("undecided");
  expect(sameReading(back, asTheFileSays())).toBe(true);
});

it("the order of the clicks does not make another reading", () => {
  const there = withUse(withUse(asTheFileSays(), SALE, "ignored"), PRICE, "specification");
  const back = withUse(withUse(asTheFileSays(), PRICE, "specification"), SALE, "ignored");
  expect(sameReading(there, back)).toBe(true);
});

it("two columns for one field are found", () => {
  expect(doubled([SALE, PRICE], asTheFileSays())).toEqual(new Set());
  expect(doubled([SALE, PRICE], withUse(asTheFileSays(), SALE, "price"))).toEqual(new Set(["price"]));
  expect(doubled([column("a", "specification"), column("b", "specification")], asTheFileSays()).size).toBe(0);
});

it("undecided is offered only to a column that is", () => {
  expect(choicesFor(SALE)[0]).toBe("undecided");
  expect(choicesFor(PRICE)).not.toContain("undecided");
  expect(choicesFor(PRICE)).not.toContain("private");
});
