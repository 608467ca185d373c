import { openSocket } from "@lockstep/shared/live/socket.ts";
import { FakeSocket } from "@lockstep/shared/live/fake-socket.ts";
import type { AdminListItem, Session } from "@lockstep/shared/types.ts";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { effectScope, type EffectScope } from "vue";
import { adminContentEvent, adminPart, adminStock, adminStockEvent, ANA, by, ME } from "../fixtures.ts";
import { useSessionStore } from "../session/session.ts";
import { useDraftsStore } from "../stock/drafts.ts";
import { stock as stockSubject } from "../stock/subject.ts";
import { useViewStore } from "../stock/view.ts";
import { useConnectionStore } from "./connection.ts";
import { useAdminFeed } from "./useAdminFeed.ts";

vi.mock("@lockstep/shared/live/socket.ts", { spy: true });

const session: Session = { user: { ...ME, email: "kim@example.com", role: "admin" }, csrf_token: "token" };
const BEARINGS = { id: 2, name: "Bearings", slug: "bearings" };
const inBearings = { category: { id: 5, name: "Series 62", slug: "series-62", path: [BEARINGS, { id: 5, name: "Series 62", slug: "series-62" }] } };

let scope: EffectScope;
let socket: FakeSocket;
let reads: string[];
let rows: AdminListItem[];

async function setUp(category = "") {
  const stores = { session: useSessionStore(), stock: useViewStore(), drafts: useDraftsStore() };
  await stores.session.load();
  scope.run(() => useAdminFeed([stockSubject.begin?.() ?? {}]));
  await stores.stock.open({ q: "", category, lowStock: false, outOfStock: false, status: "", sort: "sku" });
  socket.connectNow();
  await vi.advanceTimersByTimeAsync(1_000);
  reads = [];
  return stores;
}

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  scope = effectScope();
  socket = new FakeSocket();
  rows = [adminPart(1)];
  reads = [];
  vi.mocked(openSocket).mockReturnValue(socket);
  vi.stubGlobal("fetch", async (url: string) => {
    if (!url.endsWith("/auth/me")) reads.push(url);
    return Response.json(url.endsWith("/auth/me") ? session : { items: rows, next_cursor: null });
  });
});

afterEach(() => {
  scope.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("what speaks to the server is loaded until it is there, and not used for a session that has ended meanwhile", async () => {
  const sessions = useSessionStore();
  const connection = useConnectionStore();
  await sessions.load();
  let away = true;
  const load = vi.fn(async () => {
    if (away) throw new TypeError("Failed to fetch dynamically imported module");
    return openSocket;
  });
  scope.run(() => useAdminFeed([], load));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(connection.status).toBe("paused");
  expect(load.mock.calls.length).toBeGreaterThan(1);
  away = false;
  await vi.advanceTimersByTimeAsync(20_000);
  socket.connectNow();
  expect(connection.status).toBe("live");

  vi.mocked(openSocket).mockClear();
  let arrive: () => void = () => undefined;
  load.mockImplementation(() => new Promise((resolve) => (arrive = () => resolve(openSocket))));
  vi.stubGlobal("fetch", async () => Response.json(session));
  load.mockClear();
  await sessions.logIn("kim@example.com", "secret");
  await vi.advanceTimersByTimeAsync(0);
  expect(load).toHaveBeenCalledTimes(1);
  sessions.forget();
  await vi.advanceTimersByTimeAsync(0);
  arrive();
  await vi.advanceTimersByTimeAsync(0);
  expect(openSocket).not.toHaveBeenCalled();
});

it("a new part is read into the grid, once for a burst of them", async () => {
  const { stock } = await setUp();
  rows = [adminPart(1), adminPart(2), adminPart(3)];
  socket.receive("part.created", adminContentEvent("part.created", 2, 1));
  socket.receive("part.created", adminContentEvent("part.created", 3, 1));
  await vi.advanceTimersByTimeAsync(300);
  expect(reads).toEqual([]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reads).toHaveLength(1);
  expect(stock.ids).toEqual([1, 2, 3]);
});

it.each(["part.restored", "content.updated"] as const)("so is one that may have come to belong here by %s", async (type) => {
  await setUp();
  socket.receive(type, adminContentEvent(type, 2, 4));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reads).toHaveLength(1);
});

it("a new part of another category is not, nor one that is gone, nor another part's stock", async () => {
  await setUp("bearings");
  socket.receive("part.created", adminContentEvent("part.created", 2, 1));
  socket.receive("part.deleted", adminContentEvent("part.deleted", 3, 2, { ...inBearings, status: "archived" }));
  socket.receive("stock.updated", adminStockEvent(4, adminStock(1, 2)));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reads).toEqual([]);
  socket.receive("part.created", adminContentEvent("part.created", 5, 1, inBearings));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(reads).toHaveLength(1);
});

it.each([["", 1], ["bearings", 2]])("a change of the tree has the choices read again, once, and a list narrowed to '%s' too", async (category, times) => {
  const { stock } = await setUp(category);
  const renamed = { id: 2, name: "Roller bearings", slug: "bearings", parent_id: null, version: 2 };
  rows = [renamed as unknown as AdminListItem];
  const event = { id: "x", type: "category.updated", category_id: 2, version: 2, data: renamed, timestamp: "2026-01-01T00:00:00Z", actor: ANA };
  socket.receive("category.updated", event);
  socket.receive("category.updated", event);
  await vi.advanceTimersByTimeAsync(5_000);
  expect(reads).toHaveLength(times);
  expect(stock.categories).toEqual([{ slug: "bearings", label: "Roller bearings" }]);
});

it("rows do not come and go while a cell is open, but right after", async () => {
  const { stock, drafts } = await setUp();
  drafts.begin(adminPart(1), "current_stock");
  socket.receive("part.created", adminContentEvent("part.created", 2, 1));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(reads).toEqual([]);
  expect(stock.outdated).toBe(true);
  drafts.cancel();
  await vi.advanceTimersByTimeAsync(0);
  expect(reads).toHaveLength(1);
});

it("a change of stock comes with its author's name", async () => {
  const { stock } = await setUp();
  socket.receive("stock.updated", adminStockEvent(1, adminStock(7, 2), ANA));
  expect(stock.byId.get(1)?.stock).toMatchObject({ current_stock: 7, ...by(ANA) });
});

it("the end of the session asks for a log-in over the page at once", async () => {
  const { session: store } = await setUp();
  vi.stubGlobal("fetch", async () => Response.json({ status: 401, detail: "Log in." }, { status: 401 }));
  expect(store.loginNeeded).toBe(false);
  socket.receive("session.ended", {});
  await vi.advanceTimersByTimeAsync(1);
  expect(store.loginNeeded).toBe(true);
});
