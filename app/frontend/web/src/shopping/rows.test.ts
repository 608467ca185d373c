import { publicPart } from "@lockstep/shared/live/fixtures.ts";
import { fromPublicPart, type LivePart } from "@lockstep/shared/live/state.ts";
import { expect, it } from "vitest";
import { rowOf, totalsOf } from "./rows.ts";

const TIERS = [{ min_quantity: 10, amount: "0.0042" }, { min_quantity: 1000, amount: "0.0035" }];

function part(id: number, stock: number, currency = "EUR", tiers = TIERS): LivePart {
  return fromPublicPart({ ...publicPart(id, { stock }), price: { amount: tiers[0]?.amount ?? "0", currency, tiers, version: 1 } });
}

const parts = new Map([part(1, 2000), part(2, 5), part(3, 0), part(4, 9, "JPY", [{ min_quantity: 1, amount: "12.5" }])].map((one) => [one.id, one]));
const row = (partId: number | null, quantity: number, more: { candidates?: number[]; substitutes?: number[]; sku?: string } = {}) =>
  rowOf({ key: "k", asked: "A", sku: more.sku ?? null, quantity }, { partId, candidates: more.candidates ?? [], substitutes: more.substitutes ?? [] }, (id) => parts.get(id));

it("so many pieces cost what their tier says, rounded once", () => {
  expect(row(1, 1000)).toMatchObject({ state: "found", unitPrice: "0.0035", total: "3.50", shortfall: 0, soldFrom: null });
  expect(row(1, 3)).toMatchObject({ unitPrice: null, total: null, soldFrom: 10 });
});

it("what is missing is told, with what is in stock instead", () => {
  const short = row(2, 12, { substitutes: [1, 3] });
  expect([short.shortfall, short.substitutes.map(({ id }) => id)]).toEqual([7, [1]]);
  expect(row(2, 5, { substitutes: [1] }).substitutes).toEqual([]);
});

it("a line without its part says why", () => {
  expect(rowOf({ key: "k", asked: "A", sku: null, quantity: 1 }, undefined, () => undefined).state).toBe("looking");
  expect(row(null, 1).state).toBe("unknown");
  expect(row(null, 1, { candidates: [1] }).state).toBe("unsure");
  expect(row(null, 1, { sku: "A-1" })).toMatchObject({ state: "gone", name: "A-1" });
  parts.set(5, { ...part(5, 5), gone: { at: 1 } });
  expect(row(5, 1)).toMatchObject({ state: "gone", total: null, shortfall: 0 });
});

it("several currencies are several totals", () => {
  expect(totalsOf([row(4, 11), row(1, 1000), row(1, 10), row(null, 1)])).toEqual([{ currency: "EUR", total: "3.54" }, { currency: "JPY", total: "138" }]);
  expect(totalsOf([])).toEqual([]);
});
