/** A list that is much longer than what is held of it. */
import { flushPromises } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { adminPart, adminStock, adminStockEvent } from "../fixtures.ts";
import { PAGE_SIZE, useViewStore, type StockQuery } from "./view.ts";

const ALL: StockQuery = { q: "", category: "", lowStock: false, outOfStock: false, status: "", sort: "sku" };
const COUNT = 6_000;
let reads: number[];
let answer: (from: number) => Response;

beforeEach(() => {
  setActivePinia(createPinia());
  reads = [];
  answer = (from) => {
    const items = Array.from({ length: Math.min(PAGE_SIZE, COUNT - from) }, (_, at) => adminPart(from + at + 1));
    return Response.json({ items, next_cursor: from + PAGE_SIZE < COUNT ? String(from + PAGE_SIZE) : null });
  };
  vi.stubGlobal("fetch", async (url: string) => {
    const from = Number(new URL(url, "http://panel").searchParams.get("cursor") ?? 0);
    reads.push(from);
    return answer(from);
  });
});

afterEach(() => vi.unstubAllGlobals());

async function scrollTo(first: number): Promise<void> {
  useViewStore().look(first, first + 25);
  await vi.waitFor(() => expect(useViewStore().reading).toBe(false));
  await flushPromises();
}

it("is read as far as the screen needs it, the next page before its rows are there", async () => {
  const stock = useViewStore();
  await stock.open(ALL);
  expect(reads).toEqual([0]);
  await scrollTo(20);
  expect(reads).toEqual([0, 100]);
  expect([stock.ids.length, stock.hasMore]).toEqual([200, true]);
});

it("is held in part: far rows go, and are read again when they are scrolled to, with the changes since", async () => {
  const stock = useViewStore();
  await stock.open(ALL);
  for (let first = 0; first < COUNT - 25; first += 75) await scrollTo(first);
  expect([stock.ids.length, stock.hasMore]).toEqual([COUNT, false]);
  expect(stock.byId.size).toBeLessThanOrEqual(3_000);
  expect(stock.byId.has(1)).toBe(false);
  // Nobody hears of changes to rows that are not held.
  stock.receive(adminStockEvent(1, adminStock(77, 2)), false);
  answer = (from) => Response.json({ items: Array.from({ length: PAGE_SIZE }, (_, at) => adminPart(from + at + 1, adminStock(77, 2))), next_cursor: String(from + PAGE_SIZE) });
  await scrollTo(0);
  expect(stock.byId.get(1)?.stock.current_stock).toBe(77);
  expect(stock.ids.length).toBe(COUNT);
  expect(stock.byId.size).toBeLessThanOrEqual(3_000);
});

it("is read again around the screen when events were missed, not from its top", async () => {
  const stock = useViewStore();
  await stock.open(ALL);
  for (let first = 0; first < 1_000; first += 75) await scrollTo(first);
  reads = [];
  await stock.catchUp();
  expect(reads).toEqual([900, 1_000]);
  expect(stock.ids.slice(0, 3)).toEqual([1, 2, 3]);
});

it("opens at a place deep down, and what is above comes when it is scrolled to", async () => {
  const stock = useViewStore();
  await stock.open(ALL, { cursor: "300", trail: [null, "100", "200"] });
  expect(stock.byId.get(stock.ids[300] ?? 0)?.id).toBe(301);
  expect(stock.ids[0]).toBeLessThan(0);
  for (const first of [180, 0]) await scrollTo(first);
  expect(stock.ids.slice(0, 301)).toEqual(Array.from({ length: 301 }, (_, at) => at + 1));
});

it("keeps what it has when a page cannot be read, and asks again only when it is told to", async () => {
  const stock = useViewStore();
  await stock.open(ALL);
  answer = () => new Response(null, { status: 503 });
  await scrollTo(20);
  await scrollTo(40);
  expect([reads.length, stock.state, stock.error?.status, stock.ids.length]).toEqual([2, "ready", 503, 100]);
});
