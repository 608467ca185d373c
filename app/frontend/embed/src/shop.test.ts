import { FakeSocket } from "@lockstep/shared/live/fake-socket.ts";
import { contentEvent, deletedEvent, listItem, priceEvent, publicPart, restoredEvent, stockEvent } from "@lockstep/shared/live/fixtures.ts";
import type { PublicListItem } from "@lockstep/shared/types.ts";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { POLL_MS, Shop, normalSku, type Part } from "./shop.ts";

const ORIGIN = "https://shop.example";

/** The shop's server: what `by-sku` answers, and what it was asked. */
class Server {
  readonly items = new Map<string, PublicListItem>();
  readonly asked: string[][] = [];
  readonly currencies: string[] = [];
  refused: string[] = [];
  knowsCurrency = true;
  state: "well" | "busy" | "away" | "forbidden" = "well";
  /** While set, answers wait for it. */
  gate: Promise<void> | null = null;

  put(...items: PublicListItem[]): void {
    for (const item of items) this.items.set(item.sku, item);
  }

  readonly fetch = (async (address: string): Promise<Response> => {
    const url = new URL(address);
    if (url.pathname === "/healthz" && this.state === "forbidden") return Response.json({});
    if (this.state === "away" || this.state === "forbidden") throw new TypeError("Failed to fetch");
    const skus = url.searchParams.getAll("sku");
    this.asked.push(skus);
    this.currencies.push(...url.searchParams.getAll("currency"));
    if (!this.knowsCurrency) return Response.json({ errors: { currency: ["no"] } }, { status: 422 });
    if (this.state === "busy") return Response.json({}, { status: 503, headers: { "Retry-After": "7" } });
    const wrong = skus.flatMap((sku, place) => (this.refused.includes(sku) ? [place] : []));
    if (wrong.length > 0) return Response.json({ errors: { sku: Object.fromEntries(wrong.map((place) => [place, ["no"]])) } }, { status: 422 });
    const items = skus.flatMap((sku) => this.items.get(sku) ?? []);
    await this.gate;
    return Response.json({ items, missing: skus.filter((sku) => !this.items.has(sku)) });
  }) as typeof fetch;
}

let server: Server;
let socket: FakeSocket;
let shop: Shop;
let told: Part[];
let hear: (part: Part) => unknown;
const settle = (milliseconds = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);
const stocks = (): (number | string)[] => told.map(({ stock, availability }) => stock ?? availability);

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  socket = new FakeSocket();
  const own: Part[] = (told = []);
  hear = (part) => own.push(part);
  shop = new Shop({ origin: ORIGIN, socket, fetch: server.fetch, random: () => 0.5 });
});
afterEach(() => {
  vi.clearAllTimers();
  vi.useRealTimers();
});

async function live(): Promise<void> {
  await settle();
  socket.connectNow();
  await settle();
  socket.answer({ parts: [], gone: [] });
  await settle();
}

describe("the first values", () => {
  it("come by SKU, all that a page wants in one request, and are watched with their versions", async () => {
    server.put(listItem(1, { stock: 7 }), listItem(2, { stock: 3, price: 4 }));
    shop.watch(["SKU-1", " SKU-2 ", "SKU-1", "", "x".repeat(101)], hear);
    shop.watch(["SKU-2", "none"], hear);
    await settle();
    expect(server.asked).toEqual([["SKU-1", "SKU-2", "none"]]);
    expect(told.map(({ sku, availability }) => [sku, availability])).toEqual([["SKU-1", "in"], ["SKU-2", "low"], ["SKU-2", "low"], ["none", "gone"]]);
    expect(told[1]).toEqual({
      sku: "SKU-2", availability: "low", id: 2, name: "Name 1", url: `${ORIGIN}/parts/2/part-2`, stock: 3, price: { amount: "4.00", currency: "EUR" },
    });
    socket.connectNow();
    await settle();
    expect(socket.calls("watch")).toEqual([{ parts: { 1: { content: 1, stock: 7, price: 1 }, 2: { content: 1, stock: 3, price: 4 } }, catalog: false }]);
  });

  it("come fifty at a time", async () => {
    shop.watch(Array.from({ length: 120 }, (_, number) => `N${number}`), hear);
    await settle();
    expect(server.asked.map((skus) => skus.length)).toEqual([50, 50, 20]);
    expect(told).toHaveLength(120);
  });

  it("are told at once to whoever comes later", async () => {
    server.put(listItem(1));
    shop.watch(["SKU-1"], hear);
    await settle();
    shop.watch(["SKU-1"], hear);
    await settle();
    expect(told).toHaveLength(2);
    expect(server.asked).toHaveLength(1);
  });

  it("come without the SKUs that no part can have", async () => {
    server.put(listItem(1));
    server.refused = ["bad"];
    shop.watch(["bad", "SKU-1"], hear);
    await settle();
    expect(told.map(({ sku, availability }) => [sku, availability])).toEqual([["bad", "gone"], ["SKU-1", "low"]]);
    expect(server.asked).toEqual([["bad", "SKU-1"], ["SKU-1"]]);
  });

  it("are asked for again when a busy shop says, or when it is back", async () => {
    server.put(listItem(1));
    server.state = "busy";
    shop.watch(["SKU-1"], hear);
    await settle(6_900);
    expect(server.asked).toHaveLength(1);
    server.state = "away";
    await settle(5_000);
    expect(told).toEqual([]);
    server.state = "well";
    await settle(10_000);
    expect(stocks()).toEqual([1]);
  });
});

describe("a page that may not read the shop", () => {
  it("is told so once, opens no socket, and is served as soon as it may", async () => {
    const complaints = vi.spyOn(console, "error").mockImplementation(() => undefined);
    server.put(listItem(1));
    server.state = "forbidden";
    shop.watch(["SKU-1"], hear);
    await settle(200_000);
    expect(complaints).toHaveBeenCalledTimes(1);
    expect(complaints.mock.calls[0]?.[0]).toContain(`Add ${location.origin} to LOCKSTEP_ALLOWED_ORIGINS`);
    expect(socket.connects).toBe(0);
    server.state = "well";
    await settle(60_000);
    expect([stocks(), socket.connects]).toEqual([[1], 1]);
  });

  it("is none if the shop is just away, comes back a moment after it was asked, or has answered before", async () => {
    const complaints = vi.spyOn(console, "error").mockImplementation(() => undefined);
    server.put(listItem(1));
    server.state = "forbidden";
    shop.watch(["SKU-1"], hear);
    await settle();
    server.state = "away";
    await settle(60_000);
    server.state = "well";
    await settle(60_000);
    expect(stocks()).toEqual([1]);
    server.state = "forbidden";
    await settle(POLL_MS * 4);
    expect(complaints).not.toHaveBeenCalled();
  });
});

describe("while the socket is there", () => {
  beforeEach(async () => {
    server.put(listItem(1, { stock: 7 }));
    shop.watch(["SKU-1"], hear);
    await live();
  });

  it("changes are told in their order, and nothing goes backwards", () => {
    for (const event of [stockEvent(1, 9), stockEvent(1, 8), stockEvent(1, 9), priceEvent(1, 2), stockEvent(1, 0)]) socket.receive(event.type, event);
    expect(stocks()).toEqual([7, 9, 9]);
    expect(told.at(-1)?.price?.amount).toBe("2.00");
    socket.receive("stock.updated", stockEvent(1, 10));
    expect(stocks().at(-1)).toBe(10);
    expect(shop.status).toBe("live");
  });

  it("an older answer by SKU is no news", async () => {
    let open = (): void => undefined;
    server.gate = new Promise((resolve) => (open = resolve));
    shop.watch(["other"], hear);
    window.dispatchEvent(new Event("online"));
    socket.disconnectNow();
    window.dispatchEvent(new Event("online"));
    await settle();
    socket.connectNow();
    await settle();
    socket.answer({ parts: [publicPart(1, { stock: 20 })], gone: [] });
    await settle();
    open();
    await settle();
    expect(stocks().filter((stock) => stock !== "gone")).toEqual([7, 20]);
  });

  it("a part that is withdrawn is gone, and comes back when it is restored", async () => {
    socket.receive("part.deleted", deletedEvent(1, 2));
    expect(told.at(-1)).toMatchObject({ availability: "gone", stock: null, price: null, name: null });
    server.items.clear();
    await settle(POLL_MS * 2);
    socket.receive("part.restored", restoredEvent(1, 3));
    await settle();
    socket.answer({ parts: [publicPart(1, { content: 3, stock: 30 })], gone: [] });
    await settle();
    expect(stocks()).toEqual([7, "gone", 30]);
  });

  it("that there is no such part is no news either, if it was asked before the part came back", async () => {
    socket.receive("part.deleted", deletedEvent(1, 2));
    server.items.clear();
    let open = (): void => undefined;
    server.gate = new Promise((resolve) => (open = resolve));
    window.dispatchEvent(new Event("online"));
    await settle();
    server.put(listItem(1, { content: 3, stock: 30 }));
    socket.receive("part.restored", restoredEvent(1, 3));
    await settle();
    socket.answer({ parts: [publicPart(1, { content: 3, stock: 30 })], gone: [] });
    await settle();
    open();
    await settle();
    expect(server.asked.at(-1)).toEqual(["SKU-1"]);
    expect(stocks()).toEqual([7, "gone", 30]);
  });

  it("a SKU that goes to another part is followed there", async () => {
    const renamed = contentEvent(1, 2);
    renamed.data.sku = "NEW";
    server.items.clear();
    server.put({ ...listItem(2, { stock: 40 }), sku: "SKU-1" }, { ...listItem(1, { content: 2, stock: 7 }), sku: "NEW" });
    socket.receive("content.updated", renamed);
    await settle();
    expect(stocks()).toEqual([7, "gone", 40]);
    expect(socket.calls("unwatch")).toEqual([{ parts: [1] }]);
    shop.watch(["NEW"], hear);
    await settle();
    expect(told.at(-1)).toMatchObject({ sku: "NEW", id: 1, stock: 7 });
  });

  it("a SKU that no part has is asked for again, and nothing else is", async () => {
    shop.watch(["late"], hear);
    await settle(POLL_MS * 1.1);
    server.put({ ...listItem(3), sku: "late" });
    await settle(POLL_MS);
    expect(told.filter(({ sku }) => sku === "late").map(({ availability }) => availability)).toEqual(["gone", "low"]);
    expect(server.asked).toEqual([["SKU-1"], ["late"], ["late"], ["late"]]);
  });

  it("nothing is told, and the part is not watched any more, once nobody wants it", async () => {
    const count = told.length;
    const own: Part[] = [];
    const end = shop.watch(["SKU-1"], (part) => own.push(part));
    await settle();
    end();
    socket.receive("stock.updated", stockEvent(1, 11));
    expect([own.length, told.length]).toEqual([1, count + 1]);
    expect(socket.calls("unwatch")).toEqual([]);
  });

  it("a callback that fails keeps nobody else from being told", async () => {
    const reported = vi.fn();
    vi.stubGlobal("reportError", reported);
    shop.watch(["SKU-1"], () => {
      throw new Error("the page's own");
    });
    shop.watch(["SKU-1"], hear);
    await settle();
    socket.receive("stock.updated", stockEvent(1, 12));
    expect(stocks()).toEqual([7, 7, 12, 12]);
    expect(reported).toHaveBeenCalledTimes(2);
    vi.unstubAllGlobals();
  });
});

describe("without a socket", () => {
  beforeEach(async () => {
    server.put(listItem(1, { stock: 7 }));
    shop.watch(["SKU-1"], hear);
    await settle(5_000);
  });

  it("the page asks every half minute", async () => {
    expect(shop.status).toBe("polling");
    const count = server.asked.length;
    server.put(listItem(1, { stock: 8 }));
    await settle(POLL_MS);
    server.put(listItem(1, { stock: 6 }));
    await settle(POLL_MS);
    server.put(listItem(1, { stock: 9 }));
    await settle(POLL_MS);
    expect(server.asked.length - count).toBe(3);
    expect(stocks()).toEqual([7, 8, 9]);
  });

  it("but not while nobody looks at it, and at once when somebody does again", async () => {
    const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    const count = server.asked.length;
    await settle(POLL_MS * 4);
    expect(server.asked).toHaveLength(count);
    server.put(listItem(1, { stock: 8 }));
    visibility.mockReturnValue("visible");
    document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    expect(stocks()).toEqual([7, 8]);
  });

  it("it stops when the socket is back", async () => {
    socket.connectNow();
    await settle();
    socket.answer({ parts: [], gone: [] });
    const count = server.asked.length;
    await settle(POLL_MS * 3);
    expect(server.asked).toHaveLength(count);
  });
});

it("parts beyond what one connection may watch are asked for every half minute", async () => {
  for (let id = 1; id <= 230; id += 1) server.put(listItem(id));
  const skus = [...server.items.keys()];
  const ends = skus.map((sku) => shop.watch([sku], hear));
  await live();
  expect(Object.keys((socket.calls("watch")[0] as { parts: object }).parts)).toHaveLength(200);
  const count = server.asked.length;
  await settle(20_000);
  socket.answer({ parts: [], gone: [] });
  await settle(10_000);
  expect(server.asked.slice(count)).toEqual([skus.slice(200)]);
  for (const end of ends.slice(0, 30)) end();
  await settle();
  expect(Object.keys((socket.calls("watch").at(-1) as { parts: object }).parts)).toHaveLength(30);
});

it("a SKU is compared as the server does it", () => {
  expect([normalSku("  Gro\u0308ße "), normalSku("a"), normalSku(" "), normalSku("x".repeat(101))]).toEqual(["Größe", "a", null, null]);
});

describe("in a currency that the page names", () => {
  const dollars = (amount: string | null, version: number): PublicListItem => ({
    ...listItem(1, { stock: 7, price: version }), price: amount === null ? null : { amount, currency: "USD", version },
  });
  const prices = () => told.map(({ price }) => price && `${price.amount} ${price.currency}`);

  beforeEach(() => {
    shop = new Shop({ origin: ORIGIN, socket, currency: "USD", fetch: server.fetch, random: () => 0.5 });
  });

  it("prices are asked for in it, and no other one is shown, whatever the socket says first", async () => {
    server.put(dollars("9.00", 1));
    shop.watch(["SKU-1"], hear);
    await live();
    expect([server.currencies, prices()]).toEqual([["USD"], ["9.00 USD"]]);
    const { data, ...event } = priceEvent(1, 2);
    const both = data.price && { ...data.price, others: [{ amount: "8.00", currency: "USD", tiers: [] }] };
    socket.receive("price.updated", { ...event, data: { ...data, price: both } });
    await settle();
    expect([server.asked.length, prices().at(-1)]).toEqual([1, "8.00 USD"]);
    // What it is in dollars is asked for, and meanwhile the price stays.
    server.put(dollars("7.00", 3));
    socket.receive("price.updated", priceEvent(1, 3));
    await settle();
    expect([server.asked.length, prices()]).toEqual([2, ["9.00 USD", "8.00 USD", "7.00 USD"]]);
    // There is none in dollars any more.
    server.put(dollars(null, 4));
    socket.receive("price.updated", priceEvent(1, 4));
    await settle();
    expect([server.asked.length, prices().slice(3)]).toEqual([3, [null]]);
  });

  it("one that there is not is said once, and asked for rarely", async () => {
    const said = vi.spyOn(console, "error").mockReturnValue();
    server.knowsCurrency = false;
    shop.watch(["SKU-1"], hear);
    await settle(2 * 60_000 - 1);
    expect([server.asked.length, told, said.mock.calls.length]).toEqual([2, [], 1]);
    said.mockRestore();
  });
});
