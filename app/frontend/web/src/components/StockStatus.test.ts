import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import StockStatus from "./StockStatus.vue";

const stock = (available_stock: number, is_low_stock: boolean) => ({
  current_stock: available_stock, available_stock, is_in_stock: available_stock > 0, is_low_stock,
});

it.each([
  [stock(120, false), "In stock"],
  [stock(4, true), "Only 4 left"],
  [stock(0, true), "Out of stock"],
])("%j is said in words, with an icon beside them", (state, text) => {
  const page = mount(StockStatus, { props: { stock: state } });
  expect(page.text()).toBe(text);
  expect(page.find("svg[aria-hidden=true]").exists()).toBe(true);
});
