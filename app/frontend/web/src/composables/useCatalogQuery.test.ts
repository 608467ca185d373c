import { describe, expect, it, test } from "vitest";
import { amountOf, changed, ignoredIn, isFiltered, readQuery, writeQuery } from "./useCatalogQuery.ts";

const nothing = readQuery({});

it("an address without a query asks for everything, by name", () => {
  expect(nothing).toEqual({
    q: "", category: "", manufacturer: "", inStock: false, minPrice: "", maxPrice: "", currency: "", specifications: {}, sort: "name", view: "cards",
  });
  expect(isFiltered(nothing)).toBe(false);
});

it("what is written into the address is read from it again", () => {
  const query = {
    q: "6204", category: "bearings", manufacturer: "Sköld & Söhne", inStock: true, minPrice: "1.5", maxPrice: "20", currency: "USD",
    specifications: { "spec.Bore": ["20 mm", "25 mm"], "spec.Load": ["10 kN"], "spec.Width.min": ["0.5 in"], "spec.Width.max": ["20 mm"] },
    sort: "-spec.Bore", view: "table",
  } as const;
  expect(readQuery(writeQuery(query) as Record<string, string>)).toEqual(query);
  expect(isFiltered(query)).toBe(true);
});

it("a page in the middle of a list is read from its address; any other choice begins at the beginning", () => {
  expect(readQuery({ cursor: "abc.def" })).toEqual({ ...nothing, cursor: "abc.def" });
  expect(writeQuery(changed(readQuery({ cursor: "abc.def" }), { q: "belt" }))).toEqual({ q: "belt" });
});

it("only what was chosen stands in the address", () => {
  expect(writeQuery(nothing)).toEqual({});
  expect(writeQuery(changed(nothing, { q: "belt" }))).toEqual({ q: "belt" });
});

it.each([
  ["a sort that there is not", { sort: "constructor" }, { sort: "name" }],
  ["relevance without a search", { sort: "relevance" }, { sort: "name" }],
  ["a name twice", { q: ["a", "b"] }, { q: "" }],
  ["an amount that is none", { min_price: "much", max_price: "-1" }, { minPrice: "", maxPrice: "" }],
  ["prices the wrong way round", { min_price: "20", max_price: "9.50" }, { minPrice: "9.5", maxPrice: "20" }],
  ["a currency that is none", { currency: "eur" }, { currency: "" }],
  ["equal prices", { min_price: "20", max_price: "20" }, { minPrice: "20", maxPrice: "20" }],
  ["characters that nobody sees, pasted with a number", { q: "\u200b6204\u00ad-2RS\t\u202e" }, { q: "6204-2RS" }],
  ["specifications with nothing in them", { "spec.": "1", "spec.Bore": ["", "\u200b"], "spec.Load": null }, { specifications: {} }],
  ["a value twice, an end of a range twice", { "spec.Bore": ["2", "2"], "spec.Bore.min": ["1", "3"] }, { specifications: { "spec.Bore": ["2"], "spec.Bore.min": ["1"] } }],
  ["a view that there is not", { view: "list" }, { view: "cards" }],
  ["half of a character at the end", { q: "x".repeat(199) + "😀" }, { q: "x".repeat(199) }],
])("an address may hold anything: %s", (_what, address, read) => {
  expect(readQuery(address)).toMatchObject(read);
});

it.each([
  [{ min_price: "much", max_price: "1e3" }, ["“much” is no price", "“1e3” is no price"]],
  [{ currency: "euro", in_stock: "yes", sort: "best" }, ["“euro” is no currency", "“yes” was left out", "sorted by “best”"]],
  [{ sort: "relevance", in_stock: "false", currency: "QQQ", min_price: " ", max_price: "1.50", view: "x" }, []],
  [{ sort: "-spec.Bore", in_stock: "true", q: ["a", "b"] }, []],
])("what an address asks for in vain is said: %o", (address, said) => {
  const texts = ignoredIn(address, readQuery(address));
  expect(texts).toHaveLength(said.length);
  said.forEach((text, at) => expect(texts[at]).toContain(text));
});

it("an address that names no view shows the one that was chosen last", () => {
  expect([readQuery({}, "table").view, readQuery({ view: "table" }).view]).toEqual(["table", "table"]);
});

it("another category has other specifications: neither is the list filtered nor sorted by those of the one before", () => {
  const before = readQuery({ "category": "belts", "spec.Width": "9 mm", "sort": "spec.Width" });
  expect(isFiltered(changed(nothing, { specifications: before.specifications }))).toBe(true);
  expect(changed(before, { inStock: true })).toMatchObject({ specifications: { "spec.Width": ["9 mm"] }, sort: "spec.Width" });
  expect(changed(before, { category: "nuts" })).toMatchObject({ specifications: {}, sort: "name" });
});

describe("the sort that nobody chose", () => {
  test("is relevance as soon as there is a search, and goes with it", () => {
    const searched = changed(nothing, { q: "belt" });
    expect(searched.sort).toBe("relevance");
    expect(changed(searched, { q: "" }).sort).toBe("name");
  });

  test("one that somebody chose stays", () => {
    const sorted = changed(nothing, { sort: "price" });
    expect(changed(sorted, { q: "belt" }).sort).toBe("price");
    expect(changed(changed(nothing, { q: "belt" }), { sort: "name" }).sort).toBe("name");
  });
});

it.each([
  ["", ""], ["  ", ""], ["12", "12"], ["12.50", "12.5"], ["0.005", "0.005"], ["0.0042", "0.0042"], ["0.0000042", "0.000004"], ["007.10", "7.1"], [".5", "0.5"], ["-0", "0"], ["1e2", "100"],
  ["9999999999.99", "9999999999.99"], ["10000000000", null], ["-1", null], ["1,50", null], ["NaN", null], ["Infinity", null],
])("%j is the amount %j", (typed, amount) => {
  expect(amountOf(typed)).toBe(amount);
});
