import { listItem } from "@lockstep/shared/live/fixtures.ts";
import { fromPublicPart } from "@lockstep/shared/live/state.ts";
import { expect, it } from "vitest";
import { cellsOf, columnsOf, directionOf, pressed } from "./columns.ts";

function part(id: number, ...specifications: [name: string, value: string, unit?: string][]) {
  return fromPublicPart({ ...listItem(id), specifications: specifications.map(([name, value, unit = ""]) => ({ name, value, unit, group: "" })) });
}
const facet = (name: string, kind: "values" | "range" = "values") => ({ name, unit: "", kind, values: [], min: null, max: null });

it("the columns are the category's specifications in its order, those that a part has", () => {
  const parts = [part(1, ["Seal", "2RS"], ["Colour", "red"]), part(2, ["bore", "20", "mm"]), fromPublicPart(listItem(3))];
  expect(columnsOf([facet("Bore", "range"), facet("Load"), facet("Seal")], parts)).toEqual([{ name: "Bore", isNumber: true }, { name: "Seal", isNumber: false }]);
  expect(columnsOf([], parts)).toEqual([]);
});

it("a cell has what the part says, with its unit, and all of it", () => {
  const cells = cellsOf(part(1, ["Bore", "20", "mm"], ["Certificate", "CE"], ["certificate", "UL"]));
  expect([cells.get("bore"), cells.get("certificate"), cells.get("load")]).toEqual(["20\u00a0mm", "CE, UL", undefined]);
});

it("a header sorts upwards first, then downwards, and says which", () => {
  expect(pressed("name", "spec.Bore")).toBe("spec.Bore");
  expect(pressed("spec.bore", "spec.Bore")).toBe("-spec.Bore");
  expect(pressed("-spec.Bore", "spec.Bore")).toBe("spec.Bore");
  expect([directionOf("-price", "price"), directionOf("price", "price"), directionOf("price", "name")]).toEqual(["descending", "ascending", "none"]);
});
