import type { AdminEvent } from "@lockstep/shared/types.ts";
import { describe, expect, it } from "vitest";
import { adminContentEvent, adminPart, adminStock, adminStockEvent, ANA, by, ME } from "../fixtures.ts";
import { applyCurrent, applyEvent, applyNameAnswer, applyReading, applyStockAnswer, keepInPlace } from "./rows.ts";

describe("an event", () => {
  it("applies if its version is higher, and is old news otherwise", () => {
    const row = adminPart(1, adminStock(5, 3));
    expect(applyEvent(row, adminStockEvent(1, adminStock(9, 4)))).toMatchObject({ changed: "stock", row: { stock: { current_stock: 9, version: 4 } } });
    expect(applyEvent(row, adminStockEvent(1, adminStock(9, 3)))).toEqual({ row, changed: null });
  });

  it("of content leaves the stock alone", () => {
    const row = adminPart(1);
    const { row: updated } = applyEvent(row, adminContentEvent("content.updated", 1, 2, { part_name: "New" }));
    expect(updated).toMatchObject({ part_name: "New", version: 2, sku: "SKU-1" });
    expect(updated.stock).toBe(row.stock);
  });

  it("of an archived part says so", () => {
    const event = adminContentEvent("part.deleted", 1, 2, { status: "archived" });
    expect(applyEvent(adminPart(1), event)).toMatchObject({ changed: "status", row: { status: "archived" } });
  });
});

it("a price says when the part was changed, as it is told to staff: with the whole price list", () => {
  const event = {
    id: "e", type: "price.updated", part_id: 1, version: 2, actor: ANA, timestamp: "2026-01-03T00:00:00Z",
    data: { prices: [], version: 2, updated_at: "2026-01-03T00:00:00Z" },
  } satisfies AdminEvent;
  const { row, changed } = applyEvent(adminPart(1), event);
  expect([row.updated_at, changed]).toEqual(["2026-01-03T00:00:00Z", "price"]);
  expect(applyEvent(row, event).changed).toBeNull();
});

describe("a reading", () => {
  it("is the truth, unless something newer was heard after it was asked for", () => {
    const held = adminPart(1, adminStock(9, 4), { version: 7 });
    const read = adminPart(1, adminStock(5, 3), { version: 8 });
    expect(applyReading(held, read, false)).toBe(read);
    expect(applyReading(held, read, true)).toMatchObject({ version: 8, stock: { version: 4 } });
    expect(applyReading(undefined, read, true)).toBe(read);
  });
});

it("a write's answer that was overtaken by an event does not take the row back", () => {
  const row = adminPart(1, adminStock(9, 4));
  expect(applyStockAnswer(row, adminStock(5, 3))).toBe(row);
  expect(applyStockAnswer(row, adminStock(6, 5)).stock).toEqual(adminStock(6, 5));
});

it("a conflict's present values are taken over, with their author", () => {
  const stock = adminStock(3, 6, { ...by(ANA), updated_at: "2026-02-01T00:00:00Z" });
  expect(applyCurrent(adminPart(1), "stock", { ...stock, changed_by: ANA, changed_at: stock.updated_at }).stock).toEqual(stock);
});

describe("author and time of a row", () => {
  const at = (day: number) => `2026-03-0${day}T00:00:00Z`;
  const row = adminPart(1, adminStock(5, 1, { ...by(ME), updated_at: at(1) }), { updated_at: at(2), changed_by: ANA });

  it("are of the latest change, whichever way it was heard of", () => {
    const renamed = applyEvent(row, adminContentEvent("content.updated", 1, 2, { updated_at: at(3) }, ME)).row;
    expect(renamed).toMatchObject({ updated_at: at(3), changed_by: ME });
    const written = applyStockAnswer(renamed, adminStock(6, 2, { ...by(ANA), updated_at: at(4) }));
    expect(written).toMatchObject({ updated_at: at(4), changed_by: ANA });
    const current = { ...adminStock(3, 6, { ...by(ME), updated_at: at(5) }), changed_by: ME, changed_at: at(5) };
    expect(applyCurrent(written, "stock", current)).toMatchObject({ updated_at: at(5), changed_by: ME });
    expect(applyNameAnswer(row, { part_name: "New", version: 2, updated_at: at(4), ...by(ME) })).toMatchObject({ updated_at: at(4), changed_by: ME });
  });

  it("stay as they are if the news is of an earlier change", () => {
    const { row: stocked } = applyEvent(row, adminStockEvent(1, adminStock(9, 2, { updated_at: at(1) }), ME));
    expect(stocked).toMatchObject({ updated_at: at(2), changed_by: ANA, stock: { current_stock: 9 } });
    const read = adminPart(1, adminStock(5, 1), { updated_at: at(1), changed_by: ME });
    expect(applyReading(row, read, true)).toMatchObject({ updated_at: at(2), changed_by: ANA });
  });
});

it("rows that stay keep their place: behind the nearest row above them that is there", () => {
  const stays = (id: number): boolean => id > 10;
  expect(keepInPlace([11, 1, 2, 12, 13, 3], [1, 3, 4], stays)).toEqual([11, 1, 12, 13, 3, 4]);
  expect(keepInPlace([1, 2], [5, 6], stays)).toEqual([5, 6]);
});
