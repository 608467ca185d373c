import type { Facets } from "@lockstep/shared/types.ts";
import { nextTick, ref } from "vue";
import { afterEach, expect, it, vi } from "vitest";
import { fakeServer, setUpPage } from "../testing.ts";
import { useCategories } from "./useCategories.ts";

afterEach(() => vi.unstubAllGlobals());

const LIST = "/categories";
const node = (name: string) => ({ id: 1, name, slug: "belts", parent_id: null });
const page = (name: string) => ({ items: [node(name)], next_cursor: null });

function setUp() {
  const server = fakeServer();
  const facets = ref<Facets | null>(null);
  const { result: categories } = setUpPage(() => useCategories(facets));
  const count = async (name: string) => {
    facets.value = {
      categories: [{ ...node(name), count: 1 }], manufacturers: [], availability: { in_stock: 1, out_of_stock: 0 }, price: null, currency: null, specifications: [], total: 1,
      match: "exact",
    };
    await nextTick();
  };
  return { server, categories, count };
}

it("categories are read once, whatever is counted, until one has another name", async () => {
  const { server, categories, count } = setUp();
  await count("Belts");
  await server.last(LIST).answer(page("Belts"));
  await count("Belts");
  expect(server.asked(LIST)).toHaveLength(1);
  await count("Drive belts");
  await server.last(LIST).answer(page("Drive belts"));
  expect(server.asked(LIST)).toHaveLength(2);
  expect(categories.value).toEqual([{ slug: "belts", label: "Drive belts" }]);
});

it("what could not be read is asked for with the next counts, and what was known stays", async () => {
  const { server, categories, count } = setUp();
  await server.last(LIST).answer({}, 503);
  await count("Belts");
  await server.last(LIST).answer(page("Belts"));
  await count("Drive belts");
  await server.last(LIST).fail();
  expect(categories.value).toEqual([{ slug: "belts", label: "Belts" }]);
});
