import type { AdminEvent } from "@lockstep/shared/types.ts";
import { expect, it } from "vitest";
import { adminContentEvent, adminPart, adminStock, adminStockEvent, ANA } from "../fixtures.ts";
import { readQuery, writeQuery } from "./query.ts";
import { fits, noted, overlaid, type Row } from "./rows.ts";

const row: Row = { ...adminPart(1, adminStock(5, 3)), price: { amount: "2.00", currency: "EUR", version: 4 }, thumbnail: "/media/a-160.webp" };
const NOW = Date.parse("2026-02-01T00:00:00Z");
const all = readQuery({});
const anywhere = () => true;

function priceEvent(version: number, amount: string): AdminEvent {
  const line = { currency: "EUR", min_quantity: 1, valid_from: null, valid_to: null };
  const prices = [
    { ...line, amount: "9.00", min_quantity: 10 }, { ...line, amount },
    { ...line, amount: "7.00", valid_from: "2027-01-01T00:00:00Z" }, { ...line, amount: "6.00", currency: "USD" },
  ];
  const data = { prices, version, updated_at: "2026-01-03T00:00:00Z" };
  return { id: "p", type: "price.updated", part_id: 1, version, data, actor: ANA, timestamp: data.updated_at };
}

it("each aspect of a row becomes what was heard of it, and its author is named", () => {
  let heard = noted(undefined, adminStockEvent(1, adminStock(9, 4)));
  heard = noted(heard, adminContentEvent("content.updated", 1, 2, { part_name: "New name" }));
  heard = noted(heard, priceEvent(5, "3.00"));
  const shown = overlaid(row, heard, NOW);
  expect(shown).toMatchObject({ part_name: "New name", stock: { current_stock: 9 }, price: { amount: "3.00", currency: "EUR" }, changed_by: ANA });
});

it("the picture is the first that was heard of", () => {
  const image = { id: 1, url: "/media/b.jpg", alt: "", width: 800, height: 600, srcset: [{ width: 160, url: "/media/b-160.webp" }, { width: 480, url: "/media/b-480.webp" }] };
  const heard = (images: typeof image[]) => overlaid(row, noted(undefined, adminContentEvent("content.updated", 1, 2, { images })), NOW).thumbnail;
  expect(heard([image, { ...image, id: 2 }])).toBe("/media/b-160.webp");
  expect(heard([])).toBeNull();
});

it("what is older than the row, or came late, takes nothing back", () => {
  const late = noted(undefined, adminStockEvent(1, adminStock(1, 2)));
  expect(overlaid(row, late, NOW).stock.current_stock).toBe(5);
  const two = noted(noted(undefined, adminContentEvent("content.updated", 1, 5, { part_name: "Newer" })), adminContentEvent("content.updated", 1, 4, { part_name: "Older" }));
  expect(overlaid(row, two, NOW).part_name).toBe("Newer");
  expect(overlaid(row, noted(undefined, priceEvent(4, "1.00")), NOW).price?.amount).toBe("2.00");
});

it("a row fits by its status, its stock and its category; archived parts have to be asked for", () => {
  expect(fits({ ...row, status: "archived" }, all, anywhere)).toBe(false);
  expect(fits({ ...row, status: "archived" }, { ...all, status: "archived" }, anywhere)).toBe(true);
  expect(fits(row, { ...all, status: "draft" }, anywhere)).toBe(false);
  expect(fits(row, { ...all, stock: "low" }, anywhere)).toBe(false);
  expect(fits(row, { ...all, stock: "ample" }, anywhere)).toBe(true);
  expect(fits(row, { ...all, stock: "out" }, anywhere)).toBe(false);
  expect(fits({ ...row, stock: { ...row.stock, is_in_stock: false } }, { ...all, stock: "out" }, anywhere)).toBe(true);
  expect(fits(row, { ...all, category: "belts" }, () => false)).toBe(false);
});

it("filters go into the address and come back; anything else there is ignored", () => {
  const query = { q: "6204", category: "belts", status: "draft", stock: "ample", sort: "-available" } as const;
  expect(writeQuery(query)).toEqual({ q: "6204", category: "belts", status: "draft", low_stock: "false", sort: "-available" });
  expect(readQuery(writeQuery(query))).toEqual(query);
  const out = { ...query, stock: "out" } as const;
  expect(writeQuery(out)).toMatchObject({ out_of_stock: "true" });
  expect(readQuery(writeQuery(out))).toEqual(out);
  expect(readQuery({ status: "gone", sort: "price", low_stock: "maybe", q: ["a", "b"] })).toEqual(all);
});
