import { describe, expect, it } from "vitest";
import { formatAge, formatMoney, formatPrice, formatRelative, sameAmount, usableLocale } from "./format.ts";

it("money is shown exactly, beyond what a float can hold", () => {
  expect(formatMoney("12345678901234567.89", "EUR")).toContain("12,345,678,901,234,567.89");
});

it.each([
  ["12.50", "EUR", "€12.50"], ["0.0042", "USD", "$0.0042"], ["0.000001", "USD", "$0.000001"], ["100", "JPY", "¥100"], ["100.5", "JPY", "¥100.5"],
  ["1.250", "KWD", "KWD\u00a01.250"], ["12.345", "EUR", "€12.345"],
])("%s %s is shown with the decimals of its coins, and with all that it has", (amount, currency, shown) => {
  expect(formatMoney(amount, currency)).toBe(shown);
});

it.each([
  ["12.50", "EUR", "€12.50"], ["12.345", "EUR", "€12.35"], ["100.5", "JPY", "¥101"], ["1.2345", "KWD", "KWD\u00a01.235"], ["0.0042", "USD", "$0.0042"],
  ["0.0142", "USD", "$0.0142"], ["0.4", "JPY", "¥0.4"], ["0", "EUR", "€0.00"],
])("one piece for %s %s costs %s", (amount, currency, shown) => {
  expect(formatPrice(amount, currency)).toBe(shown);
});

describe("amounts", () => {
  it.each([["12.5", "12.50"], ["12", "12.00"], ["012.50", "12.5"], ["0.00", "0"]])("%s is %s", (a, b) => expect(sameAmount(a, b)).toBe(true));
  it.each([["12.5", "12.05"], ["1", "10"], ["-1", "1"]])("%s is not %s", (a, b) => expect(sameAmount(a, b)).toBe(false));
});

describe("a time", () => {
  const now = Date.parse("2026-03-01T12:00:00Z");
  it.each([
    ["2026-03-01T12:00:30Z", "now"],
    ["2026-03-01T11:59:55Z", "now"],
    ["2026-03-01T11:59:20Z", "40 sec. ago"],
    ["2026-03-01T11:00:01Z", "59 min. ago"],
    ["2026-03-01T10:00:00Z", "2 hr. ago"],
    ["2026-02-28T11:00:00Z", "yesterday"],
    ["2024-02-28T11:00:00Z", "2 yr. ago"],
  ])("%s is said as %s", (iso, text) => expect(formatRelative(iso, now)).toBe(text));
});

it("an age has begun as soon as there is one", () => {
  expect([formatAge(0), formatAge(2.9), formatAge(59)]).toEqual(["1s ago", "2s ago", "59s ago"]);
});

it("a language that Intl does not know is passed over", () => {
  expect(usableLocale(["en-US@posix", "de-CH"])).toBe("de-CH");
  expect(usableLocale(["en-US@posix"])).toBe("en");
});
