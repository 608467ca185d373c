import { describe, expect, it } from "vitest";
import { chosenRange, chosenValues, errorOf, filteredNames, saidOf, sameValue, sortedName, withRange, withUnit, withValue } from "./specifications.ts";

const filters = { "spec.Bore": ["20 mm", "25mm"], "spec.Width.min": ["10 mm"], "spec.Seal": ["2RS"] };

describe("values", () => {
  it("are added and taken away, however they are spaced, and leave nothing behind", () => {
    expect(withValue(filters, "Seal", "ZZ", true)["spec.Seal"]).toEqual(["2RS", "ZZ"]);
    expect(withValue(filters, "Bore", "25 mm", false)["spec.Bore"]).toEqual(["20 mm"]);
    expect(withValue(filters, "Bore", "25 mm", true)["spec.Bore"]).toEqual(["20 mm", "25 mm"]);
    expect(withValue(filters, "Seal", "2RS", false)).toEqual({ "spec.Bore": ["20 mm", "25mm"], "spec.Width.min": ["10 mm"] });
  });

  it("are found by a name in any case, and stand under one name afterwards", () => {
    expect(chosenValues(filters, "bore")).toEqual(["20 mm", "25mm"]);
    expect(Object.keys(withValue({ "spec.bore": ["20 mm"] }, "Bore", "25 mm", true))).toEqual(["spec.Bore"]);
  });

  it("keep the case of their units", () => {
    expect([sameValue("20mm", "20 mm"), sameValue("1 mW", "1 MW")]).toEqual([true, false]);
  });
});

it("a range has two ends, one, or none", () => {
  expect(chosenRange(filters, "Width")).toEqual({ min: "10 mm", max: "" });
  const both = withRange(filters, "Width", { min: "", max: "1 in" });
  expect([chosenRange(both, "Width"), "spec.Width.min" in both]).toEqual([{ min: "", max: "1 in" }, false]);
  expect(withRange({ "spec.Width.max": ["1 in"] }, "Width", { min: "", max: "" })).toEqual({});
});

it("each name that is filtered by is told once", () => {
  expect(filteredNames({ ...filters, "spec.width.max": ["20 mm"], "spec.Width": ["3"] })).toEqual(["Bore", "Width", "Seal"]);
});

it.each([
  ["25", "mm", "25 mm"], ["1,5", "mm", "1,5 mm"], ["-40", "°C", "-40 °C"], ["0.984 in", "mm", "0.984 in"], ["10kN", "N", "10kN"], ["25", "", "25"], [" ", "mm", ""],
])("%j typed where the unit is %j means %j", (typed, unit, meant) => {
  expect(withUnit(typed, unit)).toBe(meant);
});

it("what the server says is wrong is found by the filter's name", () => {
  const errors = { "spec.Width.min": ["There is no unit", "mn."], "spec.bore": ["No."] };
  expect([errorOf(errors, "Width.min"), errorOf(errors, "Bore"), errorOf(errors, "Seal")]).toEqual(["There is no unit mn.", "No.", ""]);
});

it("a sort by a specification tells its name", () => {
  expect([sortedName("spec.Outer diameter"), sortedName("-spec.spec."), sortedName("-price")]).toEqual(["Outer diameter", "spec.", null]);
});

it("what is wrong is said with the name of its specification, once", () => {
  const errors = { "spec.Bore.min": ["Give a number."], "spec.bore.max": ["Bore is not measured in kg."], "spec.W": ["Choose fewer."] };
  const say = (name: string, text: string): string => `${name}: ${text}`;
  expect(saidOf(errors, say)).toEqual(["Bore: Give a number.", "Bore is not measured in kg.", "W: Choose fewer."]);
});
