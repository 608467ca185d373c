/** Every way in which an open cell can lose its row or the focus. */
import { mount } from "@vue/test-utils";
import type { Session } from "@lockstep/shared/types.ts";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineComponent, h, nextTick } from "vue";
import { adminContentEvent, adminPart, adminStock, adminStockEvent, ME } from "../fixtures.ts";
import { useConnectionStore } from "../live/connection.ts";
import { useSessionStore } from "../session/session.ts";
import CellEditor from "./CellEditor.vue";
import { useDraftsStore } from "./drafts.ts";
import { useParkedStore } from "./parked.ts";
import { useSelectionStore } from "./selection.ts";
import { stock as stockSubject } from "./subject.ts";
import { useUndoStore } from "./undo.ts";
import { useViewStore, type StockQuery } from "./view.ts";
import { useWritesStore } from "./writes.ts";

const ALL: StockQuery = { q: "", category: "", lowStock: false, outOfStock: false, status: "", sort: "sku" };
const session: Session = { user: { ...ME, email: "kim@example.com", role: "admin" }, csrf_token: "token" };
let page: { items: ReturnType<typeof adminPart>[]; next_cursor: string | null };
/** The ids of each page, if there are several. */
let pages: number[][] | null;
let writes: { path: string; body: unknown }[];
let answerWrite: () => Response;

beforeEach(async () => {
  setActivePinia(createPinia());
  page = { items: [adminPart(1), adminPart(2)], next_cursor: null };
  pages = null;
  writes = [];
  answerWrite = () => Response.json(adminStock(9, 2));
  vi.stubGlobal("fetch", async (url: string, options: RequestInit) => {
    if (url.endsWith("/auth/me")) return Response.json(session);
    if (options.method === "GET") return Response.json(pages ? pageAt(url, pages) : page);
    writes.push({ path: url, body: JSON.parse(String(options.body)) });
    return answerWrite();
  });
  await useSessionStore().load();
  useConnectionStore().become("live");
  await useViewStore().open(ALL);
});

afterEach(() => {
  document.body.innerHTML = "";
  vi.unstubAllGlobals();
});

function pageAt(url: string, all: number[][]) {
  const at = Number(new URL(url, "http://panel").searchParams.get("cursor") ?? 0);
  return { items: (all[at] ?? []).map((id) => adminPart(id)), next_cursor: at + 1 < all.length ? String(at + 1) : null };
}

function type(text: string, id = 1) {
  const drafts = useDraftsStore();
  const row = useViewStore().byId.get(id);
  if (!row || !drafts.begin(row, "current_stock")) expect.unreachable();
  drafts.text = text;
  return drafts;
}

const settled = async (): Promise<void> => {
  await useWritesStore().settled();
  await nextTick();
};

describe("whatever takes the row off the page", () => {
  const ways: Record<string, () => Promise<void> | void> = {
    "another view": () => useViewStore().open({ ...ALL, q: "x" }),
    "another page": () => useViewStore().open(ALL, { cursor: "c", trail: [null] }),
    "a refresh": async () => {
      page.items = [adminPart(2)];
      // As with the refresh button, which takes the focus first.
      useDraftsStore().leave();
      await useViewStore().refresh();
    },
    "another cell": () => void useDraftsStore().begin(adminPart(2), "current_stock"),
  };

  it.each(Object.entries(ways))("%s parks what is not valid, and blocks nothing", async (_, way) => {
    const drafts = type("five");
    await way();
    expect(drafts.draft?.id).not.toBe(1);
    expect(useParkedStore().list).toMatchObject([{ id: 1, field: "current_stock", text: "five", problem: expect.stringContaining("whole number") }]);
    expect(drafts.begin(adminPart(2), "min_stock_level")).toBe(true);
    expect(writes).toEqual([]);
  });

  it.each(Object.entries(ways))("%s saves what is valid", async (_, way) => {
    type("9");
    await way();
    await settled();
    expect(writes).toEqual([{ path: "/api/v1/admin/parts/1/stock", body: { current_stock: 9, version: 1 } }]);
    expect(useParkedStore().list).toEqual([]);
  });
});

it("a row never goes by a reading while its cell is open, even if the reading was under way before", async () => {
  const stock = useViewStore();
  page.items = [adminPart(2), adminPart(3)];
  const read = stock.catchUp();
  type("12");
  await read;
  expect(stock.ids).toEqual([1, 2]);
  expect(stock.outdated).toBe(true);
  expect(useDraftsStore().text).toBe("12");
});

describe("a parked draft", () => {
  it("comes back with its cell: as typed, against the row that its author saw", async () => {
    const drafts = type("five");
    drafts.leave();
    useViewStore().receive(adminStockEvent(1, adminStock(7, 2)), false);
    const row = useViewStore().byId.get(1);
    if (!row) expect.unreachable();
    drafts.begin(row, "current_stock");
    expect([drafts.text, drafts.invalid !== "", useParkedStore().list.length]).toEqual(["five", true, 0]);
    expect(drafts.overtaken).toMatchObject({ value: 7 });
    drafts.text = "9";
    drafts.commit();
    await settled();
    expect(writes[0]?.body).toEqual({ current_stock: 9, version: 1 });
  });

  it("is made of a write that may go through another time, but not of one that the rules refuse", async () => {
    answerWrite = () => new Response(null, { status: 503 });
    type("9").commit();
    await settled();
    expect(useParkedStore().list).toMatchObject([{ text: "9", problem: expect.stringContaining("busy") }]);
    useParkedStore().forget();
    answerWrite = () => Response.json({ code: "too_many_requests", detail: "Too many calls at once. Try again in 1 s." }, { status: 429 });
    type("9").commit();
    await settled();
    expect(useParkedStore().list).toMatchObject([{ text: "9", problem: "Too many calls at once. Try again in 1 s." }]);
    useParkedStore().forget();
    answerWrite = () => Response.json({ code: "insufficient_stock" }, { status: 409 });
    type("-8").commit();
    await settled();
    expect(useParkedStore().list).toEqual([]);
  });

  it("is made of a cancelled conflict whose row is not here any more", async () => {
    const { useConflictsStore } = await import("./conflicts.ts");
    answerWrite = () => Response.json({ code: "concurrent_modification", current: adminStock(3, 2) }, { status: 409 });
    type("9").commit();
    await settled();
    page.items = [adminPart(2)];
    await useViewStore().open({ ...ALL, q: "x" });
    useConflictsStore().cancel();
    expect(useDraftsStore().draft).toBeNull();
    expect(useParkedStore().list).toMatchObject([{ text: "9" }]);
  });

  it("is what is unsaved, and is forgotten with its author", () => {
    const subject = stockSubject.begin?.() ?? {};
    type("five").leave();
    expect(subject.unsaved?.()).toEqual(["On hand of SKU-1"]);
    subject.forget?.();
    expect([subject.unsaved?.(), useViewStore().ids]).toEqual([[], []]);
  });

  it("is forgotten with what its author could take back, and with what they had selected", async () => {
    const subject = stockSubject.begin?.() ?? {};
    type("9").commit();
    await settled();
    useSelectionStore().toggle(2);
    subject.forget?.();
    expect(useUndoStore().take()).toBe(false);
    expect(useSelectionStore().picked.size).toBe(0);
  });
});

it("while offline nothing is sent: it is parked, and says why", () => {
  const drafts = type("9");
  useConnectionStore().become("paused");
  drafts.leave();
  expect([drafts.draft, writes]).toEqual([null, []]);
  expect(useParkedStore().list).toMatchObject([{ text: "9", problem: expect.stringContaining("offline") }]);
});

it.each([
  ["current_stock", "10\r\n200\r\n", "10  200"],
  ["current_stock", "12\t5", "12  5"],
  ["current_stock", "12\r\n", "12"],
  ["part_name", "Spindle,\r\nred\tlong\r\n", "Spindle, red long"],
] as const)("cells pasted into an open %s stay apart: %j", async (field, pasted, text) => {
  const row = useViewStore().byId.get(1);
  if (!row) expect.unreachable();
  useDraftsStore().begin(row, field);
  const editor = mount(CellEditor, { props: { id: 1, field, label: "x", select: true }, attachTo: document.body });
  await editor.get("input").trigger("paste", { clipboardData: { getData: () => pasted } });
  expect(useDraftsStore().text).toBe(text);
  editor.unmount();
});

describe("the focus", () => {
  function editor() {
    const leaves: unknown[] = [];
    const Host = defineComponent(() => () => h("div", [
      h(CellEditor, { id: 1, field: "current_stock", label: "x", select: true, onLeave: (move: unknown) => leaves.push(move), onSave: () => leaves.push("save") }),
      h("button", { class: "elsewhere" }),
      h("div", { role: "dialog" }, [h("button", { class: "in-dialog" })]),
    ]));
    const shown = mount(Host, { attachTo: document.body });
    return { shown, leaves, input: shown.get<HTMLInputElement>("input") };
  }

  it("that goes elsewhere leaves the cell, however it goes", async () => {
    type("9");
    const { shown, leaves, input } = editor();
    shown.get<HTMLElement>(".elsewhere").element.focus();
    expect(leaves).toEqual(["none"]);
    input.element.focus();
    await input.trigger("keydown", { key: "Tab" });
    await input.trigger("keydown", { key: "Tab", shiftKey: true });
    expect(leaves).toEqual(["none", "next", "previous"]);
    // A tap on something that cannot be focused.
    document.body.click();
    expect(leaves).toHaveLength(4);
  });

  it("that a dialog or another window takes leaves it open: half a number is not saved", () => {
    type("1");
    const { shown, leaves, input } = editor();
    shown.get<HTMLElement>(".in-dialog").element.focus();
    expect(leaves).toEqual([]);
    input.element.focus();
    vi.spyOn(document, "hasFocus").mockReturnValue(false);
    input.element.dispatchEvent(new FocusEvent("focusout", { bubbles: true }));
    expect(leaves).toEqual([]);
  });

  it("stays while an input method composes, and a key that is held down saves once", async () => {
    type("1");
    const { leaves, input } = editor();
    await input.trigger("keydown", { key: "Enter", isComposing: true });
    await input.trigger("keydown", { key: "Enter", keyCode: 229 });
    await input.trigger("keydown", { key: "Enter", repeat: true });
    expect(leaves).toEqual([]);
    await input.trigger("keydown", { key: "Enter" });
    expect(leaves).toEqual(["save"]);
  });

  it("moves to the reason with R, and what is typed there is sent with the change; nothing else ever is", async () => {
    const drafts = type("+4");
    const { shown, input } = editor();
    await input.trigger("keydown", { key: "r" });
    await nextTick();
    const why = shown.get<HTMLInputElement>("[data-testid=cell-reason]");
    expect(document.activeElement).toBe(why.element);
    await why.setValue("  Returned ");
    drafts.commit();
    type("+4").commit();
    await settled();
    expect(writes.map(({ body }) => body)).toEqual([{ delta: 4, reason: "Returned" }, { delta: 4 }]);
  });

  it("goes with the cell: an editor that is taken down leaves its draft", () => {
    type("five");
    editor().shown.unmount();
    expect(useDraftsStore().draft).toBeNull();
    expect(useParkedStore().list).toHaveLength(1);
  });
});

describe("a row that no longer belongs here", () => {
  const low = (id: number, current: number, version = 1) => adminPart(id, adminStock(current, version));

  async function show(query: Partial<StockQuery>, ...items: ReturnType<typeof adminPart>[]) {
    page = { items, next_cursor: null };
    const stock = useViewStore();
    await stock.open({ ...ALL, ...query });
    return stock;
  }

  it("stays struck through, and not if it belongs here again", async () => {
    const stock = await show({ lowStock: true }, low(1, 1), low(2, 1));
    stock.receive(adminStockEvent(1, adminStock(50, 2, { is_low_stock: false })), false);
    expect([[...stock.departed], stock.ids]).toEqual([[1], [1, 2]]);
    stock.receive(adminStockEvent(1, adminStock(2, 3)), false);
    expect(stock.departed.size).toBe(0);
  });

  it("stays through a reading that nobody asked for, in its place, and goes with one that somebody asked for", async () => {
    const stock = await show({ lowStock: true }, low(1, 1), low(2, 1), low(3, 1));
    stock.receive(adminStockEvent(2, adminStock(50, 2, { is_low_stock: false })), false);
    page.items = [low(1, 1), low(3, 1), low(4, 1)];
    await stock.catchUp();
    expect([stock.ids, [...stock.departed]]).toEqual([[1, 2, 3, 4], [2]]);
    await stock.refresh();
    expect([stock.ids, stock.departed.size]).toEqual([[1, 3, 4], 0]);
  });

  it("is known by its category, and by its archiving, at once", async () => {
    const bearings = { id: 5, name: "Bearings", slug: "bearings", path: [{ id: 5, name: "Bearings", slug: "bearings" }] };
    const stock = await show({ category: "bearings" }, low(1, 1), low(2, 1), low(3, 1));
    stock.receive(adminContentEvent("content.updated", 1, 2, { category: bearings }), false);
    stock.receive(adminContentEvent("content.updated", 2, 2), false);
    stock.receive(adminContentEvent("part.deleted", 3, 2, { category: bearings, status: "archived" }), false);
    expect([...stock.departed]).toEqual([2, 3]);
  });

  it("is told from one that was pushed further down, which goes there", async () => {
    const stock = await show({ q: "x" }, low(1, 1), low(2, 1), low(3, 1));
    stock.receive(adminContentEvent("content.updated", 2, 2), false);
    pages = [[1, 4], [3]];
    await stock.catchUp();
    expect([stock.ids, [...stock.departed]]).toEqual([[1, 4, 3], []]);
    pages = [[1, 5, 4], [3]];
    await stock.catchUp();
    stock.receive(adminContentEvent("content.updated", 5, 2), false);
    pages = [[1, 4], [3]];
    await stock.catchUp();
    expect([stock.ids, [...stock.departed]]).toEqual([[1, 5, 4, 3], [5]]);
  });

  it("makes room for one that has become low", async () => {
    vi.useFakeTimers();
    const stock = await show({ lowStock: true }, low(1, 1));
    stock.receive(adminStockEvent(9, adminStock(50, 2, { is_low_stock: false })), false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(stock.outdated).toBe(false);
    stock.receive(adminStockEvent(9, adminStock(1, 3)), false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(stock.outdated).toBe(true);
    vi.useRealTimers();
  });
});

it("a place whose cursor the server knows no more is the top of the list", async () => {
  const stock = useViewStore();
  vi.stubGlobal("fetch", async (url: string) =>
    url.includes("cursor=") ? Response.json({ code: "bad_cursor" }, { status: 400 }) : Response.json(page));
  await stock.open(ALL, { cursor: "old", trail: ["older", "oldest"] });
  expect([stock.state, stock.ids]).toEqual(["ready", [1, 2]]);
});
