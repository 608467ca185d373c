import { expect, it } from "vitest";
import { chipsOf, cleared } from "./chips.ts";
import { changed, readQuery, writeQuery } from "./composables/useCatalogQuery.ts";

const query = readQuery({
  "q": "6204", "category": "bearings", "manufacturer": "Acme", "in_stock": "true", "min_price": "5",
  "spec.Bore": ["20 mm", "25 mm"], "spec.Width.min": "10 mm", "spec.Width.max": "1 in",
});

it("each filter is a chip, but for the search and the category", () => {
  expect(chipsOf(query, []).map(({ label }) => label)).toEqual([
    "Manufacturer: Acme", "Price: from 5.00", "In stock", "Bore: 20 mm", "Bore: 25 mm", "Width: 10 mm – 1 in",
  ]);
});

it("without a chip everything else stays, and without all of them nothing but the search and the category", () => {
  const bore = chipsOf(query, []).find(({ label }) => label === "Bore: 20 mm");
  expect(writeQuery(changed(query, bore?.without ?? {}))).toMatchObject({ "spec.Bore": ["25 mm"], "spec.Width.max": ["1 in"], "manufacturer": "Acme" });
  let left = query;
  for (let [chip] = chipsOf(left, []); chip; [chip] = chipsOf(left, [])) left = changed(left, chip.without);
  expect(writeQuery(left)).toEqual({ q: "6204", category: "bearings" });
  expect([writeQuery(cleared(query)), writeQuery(cleared(left))]).toEqual([{ q: "6204", category: "bearings" }, { q: "6204", category: "bearings" }]);
});

it("in German, numbers have a decimal comma, and words with digits in them stay as they are", () => {
  document.documentElement.lang = "de";
  const chosen = readQuery({ "spec.Bore": ["12.5 mm", "1.5…2.25 mm"], "spec.Class": ["8.8"] });
  const labels = chipsOf(chosen, [{ name: "bore", kind: "range" }, { name: "Class", kind: "values" }]).map(({ label }) => label);
  document.documentElement.lang = "en";
  expect(labels).toEqual(["Bore: 12,5 mm", "Bore: 1,5…2,25 mm", "Class: 8.8"]);
});
