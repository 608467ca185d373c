import type { Facets } from "@lockstep/shared/types.ts";
import { mount } from "@vue/test-utils";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readQuery } from "../composables/useCatalogQuery.ts";
import CatalogFilters from "./CatalogFilters.vue";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const facets: Facets = {
  categories: [{ id: 1, slug: "belts", name: "Belts", parent_id: null, count: 1200 }],
  manufacturers: [{ value: "<b>Acme</b>", count: 3 }],
  availability: { in_stock: 7, out_of_stock: 2 },
  price: { min: "0.50", max: "99.00" }, currency: "EUR", specifications: [], total: 9, match: "exact",
};

function setUp(address: Record<string, string> = {}, known: Facets | null = facets) {
  const categories = [{ slug: "belts", label: "Belts" }, { slug: "nuts", label: "Nuts" }];
  const shown = mount(CatalogFilters, { props: { query: readQuery(address), categories, facets: known } });
  const options = (name: string) => shown.findAll<HTMLOptionElement>(`select[name=${name}] option`);
  return { shown, options, changes: () => (shown.emitted("change") ?? []).flat() };
}

it("every choice says how many parts it would leave, and one that leaves none cannot be made", () => {
  const { shown, options } = setUp();
  expect(options("category").map((one) => one.text())).toEqual(["All categories", "Belts (1,200)", "Nuts (0)"]);
  expect(options("category").map((one) => one.element.disabled)).toEqual([false, false, true]);
  expect(options("manufacturer").map((one) => one.text())).toEqual(["All makers", "<b>Acme</b> (3)"]);
  expect(shown.text()).toContain("In stock (7)");
});

it("while nothing is counted the filters show no numbers, and work", async () => {
  const { shown, options, changes } = setUp({}, null);
  expect(options("category").map((one) => one.text())).toEqual(["All categories", "Belts", "Nuts"]);
  await shown.get("select[name=category]").setValue("nuts");
  await shown.get("input[name=in_stock]").setValue(true);
  expect(changes()).toEqual([{ category: "nuts" }, { inStock: true }]);
});

it("what is chosen is always there to be seen and left, whether it is known or not", () => {
  const { shown, options } = setUp({ category: "gone", manufacturer: "Rare" });
  expect(shown.get<HTMLSelectElement>("select[name=category]").element.value).toBe("gone");
  expect(shown.get<HTMLSelectElement>("select[name=manufacturer]").element.value).toBe("Rare");
  expect(options("category")[1]?.element.disabled).toBe(false);
});

it("typing is one search, once it rests; Enter does not wait", async () => {
  const { shown, changes } = setUp();
  const field = shown.get("input[name=q]");
  for (const typed of ["b", "be", "bel"]) await field.setValue(typed);
  expect(changes()).toEqual([]);
  await vi.advanceTimersByTimeAsync(300);
  expect(changes()).toEqual([{ q: "bel" }]);
  await field.setValue("belt ");
  await shown.get("form").trigger("submit");
  expect(changes()[1]).toEqual({ q: "belt" });
});

it("going back in the address goes before what is being typed; another filter does not", async () => {
  const { shown, changes } = setUp({ q: "belt" });
  const field = shown.get<HTMLInputElement>("input[name=q]");
  await field.setValue("belt x");
  await shown.setProps({ query: readQuery({ q: "belt", in_stock: "true" }) });
  expect(field.element.value).toBe("belt x");
  await shown.setProps({ query: readQuery({}) });
  await vi.advanceTimersByTimeAsync(300);
  expect([field.element.value, changes()]).toEqual(["", []]);
});

it("relevance is offered to a search only", async () => {
  const { shown, options } = setUp();
  const sorts = () => options("sort").map((one) => one.element.value);
  expect(sorts()).not.toContain("relevance");
  await shown.setProps({ query: readQuery({ q: "belt" }) });
  expect(sorts()[0]).toBe("relevance");
});
