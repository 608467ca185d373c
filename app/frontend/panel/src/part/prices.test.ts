import { describe, expect, it } from "vitest";
import { isLarge, parseAmount, percentChange, sameMoney } from "./money.ts";
import { priceAt, timeline } from "./periods.ts";
import { fromLocal, priceChanges, priceFaults, toLocal } from "./prices.ts";
import { fromRows, newKey, priceFields, rowsOf, type PriceRow, type Row } from "./rows.ts";

const line = (amount: string, more: Partial<{ currency: string; min_quantity: number; valid_from: string | null; valid_to: string | null }> = {}) => ({ currency: "EUR", amount, min_quantity: 1, valid_from: null, valid_to: null, ...more });
const asRows = (lines: ReturnType<typeof line>[]): Row<PriceRow>[] => rowsOf<PriceRow>(priceFields(lines));

describe("amounts", () => {
  it.each([["12.50", "12.50"], ["12,5", "12.5"], [" 7 ", "7"], ["0.000001", "0.000001"], ["1.0000001", null], ["1,234.5", null], ["-1", null], ["1e3", null], ["", null]])("%j is %j", (typed, amount) => {
    expect(parseAmount(typed)).toBe(amount);
  });

  it("are compared exactly", () => {
    expect(sameMoney("12.5", "12.500000")).toBe(true);
    // As floats these are the same.
    expect(sameMoney("9007199254.740992", "9007199254.740993")).toBe(false);
  });

  it("are set in relation", () => {
    expect(percentChange("10", "12.5")).toBe(25);
    expect(percentChange("12.5", "10")).toBe(-20);
    expect(percentChange("3", "4")).toBe(33.3);
    expect(percentChange("3", "2")).toBe(-33.3);
    expect(percentChange("0", "1")).toBeNull();
  });

  it("are large changes above half, not at half", () => {
    expect(isLarge("10", "15")).toBe(false);
    expect(isLarge("10", "15.000001")).toBe(true);
    expect(isLarge("10", "5")).toBe(false);
    expect(isLarge("10", "4.999999")).toBe(true);
    expect(isLarge("0", "0.01")).toBe(true);
  });
});

describe("a price list", () => {
  const fields = priceFields([line("10"), line("9", { min_quantity: 10 })]);

  it("compares a line with what it was, and a new one with the one for its quantity", () => {
    const [first, second] = rowsOf<PriceRow>(fields) as [Row<PriceRow>, Row<PriceRow>];
    const added: Row<PriceRow> = { key: newKey(), currency: "EUR", amount: "3", min_quantity: "10", valid_from: "2026-01-01T00:00:00Z", valid_to: null };
    const changes = priceChanges(fields, fromRows([{ ...first, amount: "12,50" }, second, added]));
    expect(changes.map(({ from, to, percent, isLarge }) => [from, to, percent, isLarge])).toEqual([["10", "12.50", 25, false], ["9", "3", -66.7, true]]);
  });

  it("says what is wrong with its lines", () => {
    const wrong = (change: Partial<PriceRow>): string[] => Object.values(priceFaults(fromRows(rowsOf<PriceRow>(fields).map((row, at) => (at === 0 ? { ...row, ...change } : row)))));
    expect(wrong({})).toEqual([]);
    expect(wrong({ amount: "ten" })).toEqual(["part.prices.wrong.amount"]);
    expect(wrong({ currency: "EU" })).toEqual(["part.prices.wrong.currency"]);
    expect(wrong({ min_quantity: "0" })).toEqual(["part.prices.wrong.quantity"]);
    expect(wrong({ min_quantity: "10" })).toEqual(["part.prices.wrong.twice"]);
    expect(wrong({ valid_from: "2026-02-01T00:00:00Z", valid_to: "2026-01-01T00:00:00Z" })).toEqual(["part.prices.wrong.period"]);
  });

  it("has the price that holds at a moment: a sale over a standing price, the shop's rule for tiers", () => {
    const lines = asRows([line("10"), line("8", { valid_from: "2026-06-01T00:00:00Z", valid_to: "2026-07-01T00:00:00Z" }), line("9", { min_quantity: 5 })]);
    expect(priceAt(lines, Date.parse("2026-05-01T00:00:00Z"))).toEqual({ currency: "EUR", amount: "10", tiers: [{ min_quantity: 1, amount: "10" }, { min_quantity: 5, amount: "9" }] });
    expect(priceAt(lines, Date.parse("2026-06-01T00:00:00Z"))?.amount).toBe("8");
    expect(priceAt(lines, Date.parse("2026-07-01T00:00:00Z"))?.amount).toBe("10");
    expect(priceAt([], 0)).toBeNull();
  });

  it("is drawn with today in it", () => {
    const { bars, now } = timeline(asRows([line("10"), line("8", { valid_from: "2026-06-01T00:00:00Z", valid_to: "2026-07-01T00:00:00Z" })]), Date.parse("2026-05-01T00:00:00Z"));
    expect(bars.map(({ isNow, isOpenStart }) => [isNow, isOpenStart])).toEqual([[true, true], [false, false]]);
    expect(bars[1]?.from).toBeGreaterThan(now);
    expect(bars[1]?.to).toBeLessThan(100);
  });

  it("has moments that survive the field for local time", () => {
    expect(fromLocal(toLocal("2026-06-01T12:30:00Z"))).toBe("2026-06-01T12:30:00Z");
    expect(fromLocal("")).toBeNull();
  });
});
