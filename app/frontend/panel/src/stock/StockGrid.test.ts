import { flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { adminPart, adminStock, ANA, by, ME } from "../fixtures.ts";
import { useSelectionStore } from "./selection.ts";
import StockGrid from "./StockGrid.vue";
import { useViewStore } from "./view.ts";

let rows: ReturnType<typeof adminPart>[];

beforeEach(() => {
  setActivePinia(createPinia());
  // No layout here: without it the frame would show no row.
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(600);
  vi.stubGlobal("fetch", async () => Response.json({ items: rows, next_cursor: null }));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

async function show(...parts: ReturnType<typeof adminPart>[]) {
  rows = parts;
  await useViewStore().open({ q: "", category: "", lowStock: false, outOfStock: false, status: "", sort: "sku" });
  const grid = mount(StockGrid, { props: { sort: "sku" }, attachTo: document.body });
  await flushPromises();
  return grid;
}

it("names who made the last change, whatever it changed; nobody is a dash", async () => {
  const grid = await show(adminPart(1, adminStock(5, 1, by(ME)), { changed_by: ANA }), adminPart(2));
  expect(grid.findAll("[data-testid=cell-who]").map((cell) => cell.text())).toEqual(["Ana", "–"]);
});

it("the cell that has the focus stays with its part when a row comes in above it", async () => {
  const grid = await show(adminPart(2), adminPart(3));
  await grid.get("[data-part-id='3'] [data-testid=cell-current_stock]").trigger("focus");
  rows = [adminPart(1), adminPart(2), adminPart(3)];
  await useViewStore().catchUp();
  await flushPromises();
  expect(grid.findAll("td[tabindex='0']").map((cell) => cell.element.closest("tr")?.dataset["partId"])).toEqual(["3"]);
});

it("undo and select all act under Caps Lock too, and redo undoes nothing", async () => {
  const grid = await show(adminPart(1), adminPart(2));
  const cell = grid.get("[data-part-id='1'] [data-testid=cell-sku]");
  await cell.trigger("focus");
  await cell.trigger("keydown", { key: "Z", ctrlKey: true, shiftKey: true });
  expect(grid.emitted("command")).toBeUndefined();
  await cell.trigger("keydown", { key: "Z", ctrlKey: true });
  expect(grid.emitted("command")?.[0]?.[0]).toBe("undo");
  await cell.trigger("keydown", { key: "A", ctrlKey: true });
  expect(useSelectionStore().ids).toEqual([1, 2]);
});
