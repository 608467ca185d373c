import { expect, it } from "vitest";
import CASES from "./money-cases.json";
import { sumOf, tierFor, totalOf } from "./money.ts";

it.each(CASES)("$quantity pieces in $currency at $tiers cost $line_total", ({ currency, tiers, quantity, unit_price, line_total }) => {
  const tier = tierFor(tiers.map(([min_quantity, amount]) => ({ min_quantity: Number(min_quantity), amount: String(amount) })), quantity);
  expect(tier?.amount ?? null).toBe(unit_price);
  expect(tier && totalOf(tier.amount, quantity, currency)).toBe(line_total);
});

it("sums are exact, and have the decimals of the currency's coins", () => {
  expect(sumOf(["0.10", "0.20", "12345678901234567.89"], "EUR")).toBe("12345678901234568.19");
  expect(sumOf([], "EUR")).toBe("0.00");
  expect(sumOf(["138", "12"], "JPY")).toBe("150");
});
