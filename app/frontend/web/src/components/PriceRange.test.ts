import { mount } from "@vue/test-utils";
import { expect, it } from "vitest";
import PriceRange from "./PriceRange.vue";

function setUp(lowest = "", highest = "") {
  const shown = mount(PriceRange, { props: { lowest, highest, present: { min: "0.5", max: "99.00" } } });
  const [low, high] = shown.findAll<HTMLInputElement>("input");
  if (!low || !high) throw new Error("There are two fields.");
  return { shown, low, high, changes: () => (shown.emitted("change") ?? []).flat() };
}

it("what is being typed stays, though the prices around it change", async () => {
  const { shown, low } = setUp();
  low.element.value = "12";
  await low.trigger("input");
  await shown.setProps({ present: { min: "1.00", max: "98.00" } });
  expect([low.element.value, low.element.placeholder]).toEqual(["12", "1.00"]);
});

it("a finished amount is told as money, together with the other one", async () => {
  const { low, high, changes } = setUp("", "20");
  await low.setValue("12.3456789");
  expect(changes()).toEqual([{ minPrice: "12.345679", maxPrice: "20" }]);
  await high.setValue("");
  expect(changes()[1]).toEqual({ minPrice: "12.345679", maxPrice: "" });
});

it("what is no amount gives way to the one before", async () => {
  const { low, changes } = setUp("5");
  await low.setValue("-3");
  expect([low.element.value, changes()]).toEqual(["5", [{ minPrice: "5", maxPrice: "" }]]);
});

it("the fields follow the address", async () => {
  const { shown, low, high } = setUp("5", "9");
  await shown.setProps({ lowest: "1", highest: "" });
  expect([low.element.value, high.element.value]).toEqual(["1", ""]);
});
