import type { Facets } from "@lockstep/shared/types.ts";
import { flushPromises } from "@vue/test-utils";
import { nextTick, ref } from "vue";
import { afterEach, expect, it, vi } from "vitest";
import { useCatalogStore } from "../stores/catalog.ts";
import { fakeServer, setUpPage } from "../testing.ts";
import { readQuery } from "./useCatalogQuery.ts";
import { useFacets } from "./useFacets.ts";

afterEach(() => vi.unstubAllGlobals());

const FACETS = "/parts/facets";
const counted = (total: number): Facets => ({
  categories: [], manufacturers: [], availability: { in_stock: total, out_of_stock: 0 }, price: null, currency: null, specifications: [], total, match: "exact",
});

function setUp() {
  const server = fakeServer();
  const query = ref(readQuery({ q: "belt" }));
  const page = setUpPage(() => useFacets(query));
  return { ...page, ...page.result, server, query };
}

it("counts are asked for with the list's own filters, and once for all its orders", async () => {
  const { server, query, total } = setUp();
  await server.last(FACETS).answer(counted(7));
  query.value = { ...query.value, sort: "price" };
  await nextTick();
  expect(server.asked(FACETS).map((one) => one.query)).toEqual([{ q: "belt" }]);
  expect(total.value).toBe(7);
});

it("an answer to an older question is not shown", async () => {
  const { server, query, total, facets } = setUp();
  query.value = readQuery({ q: "nut" });
  await nextTick();
  const [older, newer] = server.asked(FACETS);
  expect(older?.aborted).toBe(true);
  await newer?.answer(counted(3));
  await older?.answer(counted(9));
  expect([total.value, facets.value?.total]).toEqual([3, 3]);
});

it("an answer that has just come when the question changes is not shown either", async () => {
  const { server, query, total, facets } = setUp();
  void server.last(FACETS).answer(counted(9));
  query.value = readQuery({ q: "nut" });
  await flushPromises();
  expect([total.value, facets.value]).toEqual([null, null]);
});

it("the number of other filters' parts is never told as that of these", async () => {
  const { server, query, total } = setUp();
  await server.last(FACETS).answer(counted(7));
  query.value = readQuery({ q: "nut" });
  await nextTick();
  expect(total.value).toBeNull();
});

it("counts that cannot be read stay if they are of these filters, else they go; the next word of the server is news", async () => {
  const { server, query, facets, refresh } = setUp();
  const catalog = useCatalogStore();
  await server.last(FACETS).answer(counted(7));
  expect([catalog.isNews("t"), catalog.isNews("t")]).toEqual([true, false]);
  void refresh();
  await server.last(FACETS).fail();
  expect(facets.value?.total).toBe(7);
  expect(catalog.isNews("t")).toBe(true);
  query.value = readQuery({ q: "nut" });
  await nextTick();
  await server.last(FACETS).answer({}, 503);
  expect(facets.value).toBeNull();
});

it("a page that was left waits for nothing", () => {
  const { server, unmount } = setUp();
  unmount();
  expect(server.last(FACETS).aborted).toBe(true);
});
