import { describe, expect, it } from "vitest";
import { parseInput } from "./input.ts";

describe("on hand", () => {
  it.each([
    ["7", { kind: "set", value: 7 }],
    [" 1 200 ", { kind: "set", value: 1200 }],
    ["+5", { kind: "adjust", delta: 5 }],
    ["-2", { kind: "adjust", delta: -2 }],
    ["\u22122", { kind: "adjust", delta: -2 }],
    ["2147483647", { kind: "set", value: 2147483647 }],
  ])("%j is understood", (text, parsed) => expect(parseInput("current_stock", text)).toEqual(parsed));

  it.each(["", "-", "1.5", "1e3", "five", "2147483648", "--2", "5+"])("%j is refused", (text) => {
    expect(parseInput("current_stock", text).kind).toBe("invalid");
  });
});

it("only on hand can be adjusted", () => {
  expect(parseInput("reserved_quantity", "+5").kind).toBe("invalid");
  expect(parseInput("min_stock_level", "5")).toEqual({ kind: "set", value: 5 });
});

it("a name is trimmed, and must not be empty", () => {
  expect(parseInput("part_name", "  Oil filter ")).toEqual({ kind: "set", value: "Oil filter" });
  expect(parseInput("part_name", "   ").kind).toBe("invalid");
});
