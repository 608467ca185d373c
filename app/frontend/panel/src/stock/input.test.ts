import { describe, expect, it } from "vitest";
import { parseInput } from "./input.ts";

describe("on hand", () => {
  it.each([
    ["7", { kind: "set", value: 7 }],
    [" 1 200 ", { kind: "set", value: 1200 }],
    ["+5", { kind: "adjust", delta: 5 }],
    ["-2", { kind: "adjust", delta: -2 }],
    ["\u22122", { kind: "adjust", delta: -2 }],
    ["\uff11\uff12", { kind: "set", value: 12 }],
    ["\uff0b\uff15", { kind: "adjust", delta: 5 }],
    ["12\u202f345\u202f678", { kind: "set", value: 12_345_678 }],
    ["1\u00a0200", { kind: "set", value: 1200 }],
    ["- 2", { kind: "adjust", delta: -2 }],
    ["= 48 + 1 200 - 3", { kind: "set", value: 1245 }],
    ["2147483647", { kind: "set", value: 2147483647 }],
  ])("%j is understood", (text, parsed) => expect(parseInput("current_stock", text)).toEqual(parsed));

  it.each(["", "-", "1.5", "1e3", "five", "2147483648", "--2", "5+", "5\u00b2", "1.000", "1,000", "1'000", "+1.000"])("%j is refused", (text) => {
    expect(parseInput("current_stock", text).kind).toBe("invalid");
  });
});

it.each(["10 20 30", "12 5", "1200 300", "1 000\u00a0000", "10  200", "5 +3 2", "=4 8", "1 2000"])("%j is more than one number, and never joined into one", (text) => {
  expect(parseInput("current_stock", text)).toMatchObject({ kind: "invalid", message: expect.stringContaining("more than one") });
});

it("only on hand can be adjusted", () => {
  expect(parseInput("reserved_quantity", "+5").kind).toBe("invalid");
  expect(parseInput("min_stock_level", "5")).toEqual({ kind: "set", value: 5 });
});

it("a name is trimmed, and must not be empty", () => {
  expect(parseInput("part_name", "  Oil filter ")).toEqual({ kind: "set", value: "Oil filter" });
  expect(parseInput("part_name", "   ").kind).toBe("invalid");
});

it("what can be read in two ways is read in neither, and the message says so", () => {
  for (const text of ["1.000", "1,000", "1\u2019000"]) expect(parseInput("min_stock_level", text)).toMatchObject({ message: expect.stringContaining("two ways") });
});

it("a name is counted in characters, as the database does", () => {
  expect(parseInput("part_name", "\u{1f529}".repeat(300)).kind).toBe("set");
  expect(parseInput("part_name", "\u{1f529}".repeat(301)).kind).toBe("invalid");
});
