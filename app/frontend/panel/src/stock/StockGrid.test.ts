import { mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, it } from "vitest";
import { adminPart, adminStock, ANA, by, ME } from "../fixtures.ts";
import StockGrid from "./StockGrid.vue";

beforeEach(() => setActivePinia(createPinia()));

it("names who made the last change, whatever it changed; nobody is a dash", () => {
  const rows = [adminPart(1, adminStock(5, 1, by(ME)), { changed_by: ANA }), adminPart(2)];
  const grid = mount(StockGrid, { props: { rows, sort: "sku" } });
  expect(grid.findAll("[data-testid=cell-who]").map((cell) => cell.text())).toEqual(["Ana", "–"]);
});

it("the cell that has the focus stays with its part when a row comes in above it", async () => {
  const grid = mount(StockGrid, { props: { rows: [adminPart(2), adminPart(3)], sort: "sku" } });
  await grid.get("[data-part-id='3'] [data-testid=cell-current_stock]").trigger("focus");
  await grid.setProps({ rows: [adminPart(1), adminPart(2), adminPart(3)] });
  expect(grid.findAll("td[tabindex='0']").map((cell) => cell.element.closest("tr")?.dataset["partId"])).toEqual(["3"]);
});
