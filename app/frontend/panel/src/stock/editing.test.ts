import { ApiError } from "@lockstep/shared/http.ts";
import type { AdminListItem, Session } from "@lockstep/shared/types.ts";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { adminPart, adminStock, adminStockEvent, ANA, by, ME } from "../fixtures.ts";
import { useConnectionStore } from "../live/connection.ts";
import { useConflictsStore } from "./conflicts.ts";
import { useDraftsStore } from "./drafts.ts";
import { useParkedStore } from "./parked.ts";
import { useSessionStore } from "../session/session.ts";
import { useViewStore } from "./view.ts";
import { useWritesStore } from "./writes.ts";
import { useToastsStore } from "../ui/toasts.ts";

/** The API's responses, in order (`answers`), and the requests made (`asked`). */
let asked: { path: string; body: Record<string, unknown> }[];
let keys: string[];
let answers: (() => Response | Promise<Response>)[];

function json(status: number, body: unknown): Response {
  return new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } });
}

function conflict(stock: ReturnType<typeof adminStock>): Response {
  return json(409, { code: "concurrent_modification", current: { ...stock, ...by(ANA), changed_by: ANA, changed_at: stock.updated_at } });
}

const session: Session = { user: { ...ME, email: "kim@example.com", role: "admin" }, csrf_token: "token" };

async function setUp(row: AdminListItem = adminPart(1)) {
  const stores = {
    drafts: useDraftsStore(), writes: useWritesStore(), conflicts: useConflictsStore(), parked: useParkedStore(),
    stock: useViewStore(), toasts: useToastsStore(), session: useSessionStore(),
  };
  answers = [() => json(200, session), () => json(200, { items: [row], next_cursor: null })];
  await stores.session.load();
  await stores.stock.open({ q: "", category: "", lowStock: false, outOfStock: false, status: "", sort: "sku" });
  asked = [];
  useConnectionStore().become("live");
  const shown = () => stores.stock.byId.get(1) ?? row;
  const type = (field: Parameters<typeof stores.drafts.begin>[1], text: string) => {
    stores.drafts.begin(shown(), field);
    stores.drafts.text = text;
    return stores.drafts.commit();
  };
  return { ...stores, shown, type };
}

const settled = () => vi.waitFor(() => expect(answers).toHaveLength(0)).then(() => new Promise((resolve) => setTimeout(resolve)));

beforeEach(() => {
  setActivePinia(createPinia());
  asked = [];
  keys = [];
  answers = [];
  vi.stubGlobal("fetch", async (url: string, options: RequestInit) => {
    asked.push({ path: url, body: JSON.parse(typeof options.body === "string" ? options.body : "{}") as Record<string, unknown> });
    const key = new Headers(options.headers).get("Idempotency-Key");
    if (key !== null) keys.push(key);
    const answer = answers.shift();
    if (!answer) throw new TypeError("Failed to fetch");
    return await answer();
  });
});

afterEach(() => vi.unstubAllGlobals());

it("a count is sent with the version that was seen, shown at once, and then confirmed", async () => {
  const { writes, shown, type } = await setUp();
  answers = [() => json(200, adminStock(9, 2))];
  expect(type("current_stock", "9")).toBe(true);
  expect(writes.shownValue(shown(), "current_stock")).toBe(9);
  expect(writes.pending.get("1:current_stock")?.state).toBe("sending");
  await settled();
  expect(asked).toEqual([{ path: "/api/v1/admin/parts/1/stock", body: { current_stock: 9, version: 1 } }]);
  expect(shown().stock.version).toBe(2);
  expect(writes.pending.get("1:current_stock")?.state).toBe("saved");
});

it("+5 is an adjustment, which states no version", async () => {
  const { type } = await setUp();
  answers = [() => json(200, adminStock(10, 2))];
  type("current_stock", "+5");
  await settled();
  expect(asked[0]).toMatchObject({ path: "/api/v1/admin/parts/1/stock/adjustments", body: { delta: 5 } });
});

it("a name goes to the content, with the content's version", async () => {
  const { type, shown } = await setUp(adminPart(1, adminStock(5, 9), { version: 4 }));
  answers = [() => json(200, { part_name: "New", version: 5, updated_at: "2026-01-02T00:00:00Z" })];
  type("part_name", "New");
  await settled();
  expect(asked[0]).toEqual({ path: "/api/v1/admin/parts/1", body: { part_name: "New", version: 4 } });
  expect(shown()).toMatchObject({ part_name: "New", version: 5 });
});

it("what was not changed is not sent, what is not understood keeps its cell open", async () => {
  const { drafts, type } = await setUp();
  expect(type("current_stock", "5")).toBe(true);
  expect(type("current_stock", "five")).toBe(false);
  expect(drafts.draft).not.toBeNull();
  expect(drafts.invalid).not.toBe("");
  expect(asked).toEqual([]);
});

it("one's own writes in a row are no conflict: the second states the version that the first made", async () => {
  const { conflicts, type } = await setUp();
  answers = [
    () => json(200, adminStock(9, 2)),
    () => json(200, adminStock(9, 3, { reserved_quantity: 1 })),
  ];
  type("current_stock", "9");
  type("reserved_quantity", "1");
  await settled();
  expect(asked.map(({ body }) => body["version"])).toEqual([1, 2]);
  expect(conflicts.conflict).toBeNull();
});

it("a refused change is rolled back, with the reason and the request's id", async () => {
  const { writes, toasts, shown, type } = await setUp(adminPart(1, adminStock(5, 1, by(ANA))));
  const { current_stock, reserved_quantity, version } = adminStock(5, 1, { reserved_quantity: 2 });
  answers = [() => json(409, { code: "insufficient_stock", request_id: "r1", current: { current_stock, reserved_quantity, version } })];
  type("current_stock", "-9");
  await settled();
  expect(writes.shownValue(shown(), "current_stock")).toBe(5);
  expect(toasts.toasts[0]).toMatchObject({ kind: "error", requestId: "r1" });
  expect(toasts.toasts[0]?.text).toContain("only 5 on hand, 2 of them reserved");
  expect(shown().stock).toMatchObject(by(ANA));
});

describe("a conflict", () => {
  async function collide() {
    const all = await setUp();
    answers = [() => conflict(adminStock(3, 2))];
    all.type("current_stock", "9");
    await settled();
    return all;
  }

  it("shows what was seen, what is there now, and what was wanted", async () => {
    const { writes, conflicts } = await collide();
    expect(conflicts.conflict).toMatchObject({ yours: 9, write: { baseValue: 5 }, current: { current_stock: 3 }, by: ANA, round: 0 });
    expect(writes.pending.get("1:current_stock")?.state).toBe("conflict");
  });

  it("is ended by keeping theirs", async () => {
    const { writes, conflicts, shown } = await collide();
    conflicts.keepTheirs();
    expect(conflicts.conflict).toBeNull();
    expect(writes.shownValue(shown(), "current_stock")).toBe(3);
  });

  it("is ended by putting mine on top, with the new version; a second one opens with fresh data", async () => {
    const { conflicts } = await collide();
    answers = [() => conflict(adminStock(4, 3))];
    conflicts.applyMine();
    await settled();
    expect(asked.at(-1)?.body).toEqual({ current_stock: 9, version: 2 });
    expect(conflicts.conflict).toMatchObject({ current: { current_stock: 4, version: 3 }, round: 1 });
    answers = [() => json(200, adminStock(9, 4))];
    conflicts.applyMine();
    await settled();
    expect(asked.at(-1)?.body).toEqual({ current_stock: 9, version: 3 });
    expect(conflicts.conflict).toBeNull();
  });

  it("is ended by making the same change to what is there now", async () => {
    const { conflicts } = await collide();
    answers = [() => json(200, adminStock(7, 3))];
    conflicts.reapplyAsAdjustment();
    await settled();
    expect(asked.at(-1)?.body).toMatchObject({ delta: 4 });
  });

  it("that is cancelled opens the cell again, with what was typed, still against the old base", async () => {
    const { drafts, conflicts } = await collide();
    conflicts.cancel();
    expect(drafts.text).toBe("9");
    expect(drafts.overtaken).toMatchObject({ value: 3 });
  });

  it("about other fields merges by itself", async () => {
    const { conflicts, type, toasts } = await setUp();
    answers = [() => conflict(adminStock(5, 2, { min_stock_level: 8 })), () => json(200, adminStock(9, 3, { min_stock_level: 8 }))];
    type("current_stock", "9");
    await settled();
    expect(conflicts.conflict).toBeNull();
    expect(asked.at(-1)?.body).toEqual({ current_stock: 9, version: 2 });
    expect(toasts.toasts[0]?.text).toContain("both changes were kept");
  });

  it("names who changed the stock last if it does not say who changed it", async () => {
    const { conflicts, type } = await setUp();
    answers = [() => json(409, { code: "concurrent_modification", current: { ...adminStock(3, 2, by(ANA)), changed_by: null } })];
    type("current_stock", "9");
    await settled();
    expect(conflicts.conflict?.by).toEqual(ANA);
  });

  it("with somebody who wanted the same is none", async () => {
    const { writes, conflicts, type } = await setUp();
    answers = [() => conflict(adminStock(9, 2))];
    type("current_stock", "9");
    await settled();
    expect(conflicts.conflict).toBeNull();
    expect(writes.pending.size).toBe(0);
  });
});

describe("a cell that is being edited", () => {
  it("is never overwritten; it says what was made of it, and by whom", async () => {
    const { drafts, stock, shown } = await setUp();
    drafts.begin(shown(), "current_stock");
    drafts.text = "12";
    stock.receive(adminStockEvent(1, adminStock(7, 2)), false);
    expect(drafts.text).toBe("12");
    expect(drafts.overtaken).toEqual({ value: 7, by: ANA });
    expect(stock.flashing.has(1)).toBe(true);
  });

  it("says nothing of changes to other fields", async () => {
    const { drafts, stock, shown } = await setUp();
    drafts.begin(shown(), "current_stock");
    stock.receive(adminStockEvent(1, adminStock(5, 2, { min_stock_level: 9 })), false);
    expect(drafts.overtaken).toBeNull();
  });
});

it("the end of the session keeps what was typed: it goes on after logging in again", async () => {
  const { writes, session: store, shown, type } = await setUp();
  answers = [() => json(401, { code: "unauthenticated" })];
  type("current_stock", "9");
  await settled();
  expect(store.loginNeeded).toBe(true);
  expect(writes.shownValue(shown(), "current_stock")).toBe(9);
  answers = [() => json(200, { ...session, csrf_token: "new" }), () => json(200, adminStock(9, 2))];
  await store.logIn("kim@example.com", "secret");
  await settled();
  expect(shown().stock.current_stock).toBe(9);
});

describe("a change whose response was lost", () => {
  async function lose() {
    const all = await setUp();
    all.type("current_stock", "+5");
    await vi.waitFor(() => expect(all.parked.list).toHaveLength(1));
    asked = [];
    answers = [() => json(200, adminStock(10, 2))];
    return all;
  }

  it("is sent again as the same call, so that it counts once", async () => {
    const { drafts, parked, shown } = await lose();
    drafts.begin(shown(), "current_stock");
    expect(drafts.text).toBe("+5");
    drafts.commit();
    await settled();
    expect(asked.map(({ body }) => body)).toEqual([{ delta: 5 }]);
    expect(new Set(keys).size).toBe(1);
    expect(keys).toHaveLength(2);
    expect(parked.list).toEqual([]);
  });

  it.each([["+6", ""], ["+5", "found"]])("is another call once it is changed (%s %s)", async (text, reason) => {
    const { drafts, shown } = await lose();
    drafts.begin(shown(), "current_stock");
    drafts.text = text;
    drafts.reason = reason;
    drafts.commit();
    await settled();
    expect(new Set(keys).size).toBe(2);
  });

  it("is still parked while the server works on it", async () => {
    const { drafts, parked, shown } = await lose();
    answers = [() => json(409, { code: "idempotency_in_progress" }), () => json(200, { items: [shown()], next_cursor: null })];
    drafts.begin(shown(), "current_stock");
    drafts.commit();
    await vi.waitFor(() => expect(parked.list[0]?.problem).toContain("busy"));
  });
});

describe("a change after one whose answer was lost with the server", () => {
  const own = (version: number, value: number) => {
    const stock = adminStock(value, version);
    return json(409, { code: "concurrent_modification", current: { ...stock, ...by(ME), changed_by: ME, changed_at: stock.updated_at } });
  };

  /** 9 is typed over 5 (version 1), and what becomes of it is not known. */
  async function lose() {
    const all = await setUp();
    all.type("current_stock", "9");
    await vi.waitFor(() => expect(all.parked.list).toHaveLength(1));
    asked = [];
    return all;
  }

  it("is not in conflict with it: the first is asked for again as it was, and the second follows it", async () => {
    const { type, parked, conflicts, shown } = await lose();
    answers = [() => own(2, 9), () => json(200, adminStock(9, 2)), () => json(200, adminStock(4, 3))];
    type("current_stock", "4");
    await settled();
    expect(asked.map(({ body }) => body)).toEqual([
      { current_stock: 4, version: 1 }, { current_stock: 9, version: 1 }, { current_stock: 4, version: 2 },
    ]);
    // The first call's key is the first one's again; what the second sends after it is a call of its own.
    expect(keys[2]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(3);
    expect(shown().stock.current_stock).toBe(4);
    expect([conflicts.conflict, parked.list]).toEqual([null, []]);
  });

  it("of another field is not either, and the first is no longer parked", async () => {
    const { type, parked, conflicts, shown } = await lose();
    answers = [() => own(2, 9), () => json(200, adminStock(9, 2)), () => json(200, { ...adminStock(9, 3), min_stock_level: 3 })];
    type("min_stock_level", "3");
    await settled();
    expect(shown().stock).toMatchObject({ current_stock: 9, min_stock_level: 3, version: 3 });
    expect([conflicts.conflict, parked.list]).toEqual([null, []]);
  });

  it("is in conflict with somebody else's if the first was not saved", async () => {
    const { type, conflicts } = await lose();
    answers = [() => conflict(adminStock(7, 2)), () => conflict(adminStock(7, 2))];
    type("current_stock", "4");
    await settled();
    expect(conflicts.conflict).toMatchObject({ yours: 4, by: ANA, current: { current_stock: 7 } });
  });

  it("is in conflict with what somebody else has done since the first", async () => {
    const { type, conflicts } = await lose();
    answers = [() => conflict(adminStock(7, 3)), () => json(200, adminStock(9, 2)), () => conflict(adminStock(7, 3))];
    type("current_stock", "4");
    await settled();
    expect(conflicts.conflict).toMatchObject({ yours: 4, by: ANA, current: { current_stock: 7 } });
  });

  it("does not say that somebody else has changed the cell that is open", async () => {
    const { stock, drafts, shown } = await lose();
    drafts.begin(shown(), "current_stock");
    stock.receive(adminStockEvent(1, adminStock(9, 2, by(ME)), ME), true);
    expect(shown().stock.current_stock).toBe(9);
    expect(drafts.overtaken).toBeNull();
    stock.receive(adminStockEvent(1, adminStock(7, 3)), true);
    expect(drafts.overtaken).toMatchObject({ value: 7 });
  });
});

it("the same change typed again is another call", async () => {
  const { type } = await setUp();
  answers = [() => json(200, adminStock(10, 2)), () => json(200, adminStock(15, 3))];
  type("current_stock", "+5");
  type("current_stock", "+5");
  await settled();
  expect(asked.map(({ body }) => body)).toEqual([{ delta: 5 }, { delta: 5 }]);
  expect(new Set(keys).size).toBe(2);
});

it("a call that is sent again after logging in again is the same", async () => {
  const { session: store, type } = await setUp();
  answers = [() => json(401, { code: "unauthenticated" })];
  type("current_stock", "9");
  await settled();
  answers = [() => json(200, { ...session, csrf_token: "new" }), () => json(200, adminStock(9, 2))];
  await store.logIn("kim@example.com", "secret");
  await settled();
  const [before, logIn, after] = keys;
  expect(after).toBe(before);
  expect(logIn).not.toBe(before);
});

it("a viewer cannot begin to edit, nor anybody while offline", async () => {
  const { drafts, shown } = await setUp();
  useConnectionStore().become("paused");
  expect(drafts.begin(shown(), "current_stock")).toBe(false);
});

it("a failure to log in again is an ApiError for the form to explain", async () => {
  const { session: store } = await setUp();
  answers = [() => json(401, { code: "unauthenticated" })];
  await expect(store.logIn("a@example.com", "b")).rejects.toBeInstanceOf(ApiError);
});
