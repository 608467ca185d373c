import type { Facets } from "@lockstep/shared/types.ts";
import { effectScope, ref, shallowRef } from "vue";
import { expect, it } from "vitest";
import { readQuery } from "./useCatalogQuery.ts";
import { useSpecifications } from "./useSpecifications.ts";

const facet = (name: string) => ({ name, unit: "", kind: "values" as const, values: [], min: null, max: null });
const counted = (...names: string[]): Facets => ({
  categories: [], manufacturers: [], availability: { in_stock: 0, out_of_stock: 0 }, price: null, currency: null, total: 0, match: "exact",
  specifications: names.map(facet),
});

function setUp(address: Record<string, string>) {
  const query = ref(readQuery(address));
  const facets = shallowRef<Facets | null>(null);
  const { specifications, hasAny } = effectScope().run(() => useSpecifications(query, facets)) ?? expect.unreachable();
  return { query, facets, hasAny, names: () => specifications.value.map(({ name }) => name) };
}

it("a category's specifications stay when their counts cannot be read, and go with the category", () => {
  const { query, facets, names, hasAny } = setUp({ category: "bearings" });
  expect([names(), hasAny.value]).toEqual([[], true]);
  facets.value = counted("Bore", "Seal");
  facets.value = null;
  expect(names()).toEqual(["Bore", "Seal"]);
  query.value = readQuery({ category: "belts" });
  expect([names(), hasAny.value]).toEqual([[], true]);
  facets.value = counted();
  expect(hasAny.value).toBe(false);
});

it("what is filtered by can be seen and left, also where no part has it", () => {
  const { facets, names, hasAny } = setUp({ "spec.bore.min": "20 mm", "spec.Load": "10 kN" });
  facets.value = counted("Bore");
  expect([names(), hasAny.value]).toEqual([["Bore", "Load"], true]);
});
