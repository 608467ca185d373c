import { listItem } from "@lockstep/shared/live/fixtures.ts";
import { flushPromises } from "@vue/test-utils";
import { afterEach, describe, expect, it, vi } from "vitest";
import { readQuery } from "../composables/useCatalogQuery.ts";
import { fakeServer, setUpPage } from "../testing.ts";
import { useCatalogStore } from "./catalog.ts";

afterEach(() => vi.unstubAllGlobals());

const LIST = "/parts";
const page = (ids: number[], next_cursor: string | null = null, match = "exact") => ({
  items: ids.map((id) => listItem(id)), next_cursor, match,
});
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, index) => from + index);

function setUp() {
  const server = fakeServer();
  const { result: catalog, store } = setUpPage(() => useCatalogStore());
  return { server, catalog, store };
}

async function opened(ids: number[], cursor: string | null = null) {
  const made = setUp();
  void made.catalog.open(readQuery({}));
  await made.server.last(LIST).answer(page(ids, cursor));
  return made;
}

it("asks for what the query says, and tells how the search was met", async () => {
  const { server, catalog, store } = setUp();
  void catalog.open(readQuery({ q: "bearng", category: "c", manufacturer: "m", in_stock: "true", min_price: "1", max_price: "2" }));
  expect(server.last(LIST).query).toEqual({
    q: "bearng", category: "c", manufacturer: "m", in_stock: "true", min_price: "1", max_price: "2", sort: "relevance", limit: "24",
  });
  await server.last(LIST).answer(page([2, 1], null, "similar"));
  expect([catalog.ids, catalog.match, catalog.state]).toEqual([[2, 1], "similar", "ready"]);
  expect(store.parts.get(2)?.stock?.version).toBe(1);
});

it("a table is the same list with the specifications: what is shown stays until they are there", async () => {
  const { server, catalog, store } = await opened([1, 2], "c1");
  void catalog.open(readQuery({ view: "table" }));
  await flushPromises();
  expect([catalog.ids, catalog.state]).toEqual([[1, 2], "ready"]);
  expect(server.last(LIST).query).toEqual({ sort: "name", limit: "24", include: "specifications" });
  const specifications = [{ name: "Bore", value: "20", unit: "mm", group: "" }];
  await server.last(LIST).answer({ ...page([]), items: [{ ...listItem(1), specifications }, listItem(2)], next_cursor: "c1" });
  expect(store.parts.get(1)?.content?.data.specifications).toEqual(specifications);
  void catalog.more();
  expect(server.last(LIST).query).toMatchObject({ cursor: "c1", include: "specifications" });
});

it("an answer to an older query is not shown", async () => {
  const { server, catalog } = setUp();
  void catalog.open(readQuery({ q: "a" }));
  void catalog.open(readQuery({ q: "ab" }));
  const [older, newer] = server.asked(LIST);
  expect(older?.aborted).toBe(true);
  await newer?.answer(page([2]));
  await older?.answer(page([1]));
  expect(catalog.ids).toEqual([2]);
});

it("an answer that has just come when the query changes is not shown either", async () => {
  const { server, catalog } = setUp();
  void catalog.open(readQuery({ q: "a" }));
  void server.last(LIST).answer(page([1]));
  void catalog.open(readQuery({ q: "ab" }));
  await flushPromises();
  expect([catalog.ids, catalog.state]).toEqual([[], "loading"]);
});

describe("a list that cannot be read", () => {
  it("is an error, which stays until there is an answer, while the server's next word is news", async () => {
    const { server, catalog } = setUp();
    expect(catalog.isNews("t")).toBe(true);
    void catalog.open(readQuery({}));
    await server.last(LIST).answer({}, 503);
    expect([catalog.state, catalog.error?.status]).toEqual(["error", 503]);
    expect(catalog.isNews("t")).toBe(true);
    void catalog.refresh();
    await flushPromises();
    expect(catalog.error?.status).toBe(503);
    await server.last(LIST).answer(page([1]));
    expect([catalog.state, catalog.error]).toEqual(["ready", null]);
  });

  it("shows that it is being read when it is asked for again, not that there is nothing", async () => {
    const { server, catalog } = setUp();
    void catalog.open(readQuery({}));
    await server.last(LIST).fail();
    void catalog.open(readQuery({}));
    expect([catalog.state, catalog.error]).toEqual(["loading", null]);
  });

  it("keeps what it showed, and is read again at the server's next word", async () => {
    const { server, catalog } = await opened([1, 2]);
    expect([catalog.isNews("t"), catalog.isNews("t")]).toEqual([true, false]);
    void catalog.refresh();
    await flushPromises();
    await server.last(LIST).fail();
    expect([catalog.ids, catalog.state]).toEqual([[1, 2], "ready"]);
    expect(catalog.isNews("t")).toBe(true);
  });
});

describe("more", () => {
  it("goes on where the list ended, once at a time, and shows nothing twice", async () => {
    const { server, catalog } = await opened([1, 2], "c1");
    void catalog.more();
    void catalog.more();
    expect(server.asked(LIST)).toHaveLength(2);
    expect(server.last(LIST).query["cursor"]).toBe("c1");
    await server.last(LIST).answer(page([2, 3]));
    expect([catalog.ids, catalog.nextCursor, catalog.loadingMore]).toEqual([[1, 2, 3], null, false]);
  });

  it("is not lost to a refresh that comes meanwhile, which then reads as far", async () => {
    const { server, catalog } = await opened(range(1, 24), "c1");
    void catalog.more();
    void catalog.refresh();
    await flushPromises();
    expect(server.last(LIST)).toMatchObject({ aborted: false, query: { cursor: "c1" } });
    await server.last(LIST).answer(page(range(25, 30)));
    expect(server.last(LIST).query).toMatchObject({ limit: "30" });
    expect(catalog.ids).toHaveLength(30);
  });

  it("gives way to another query", async () => {
    const { server, catalog } = await opened([1], "c1");
    void catalog.more();
    const asked = server.last(LIST);
    void catalog.open(readQuery({ q: "b" }));
    expect([asked.aborted, catalog.loadingMore, catalog.ids]).toEqual([true, false, []]);
  });

  it("says when it fails, and can be asked for again", async () => {
    const { server, catalog } = await opened([1], "c1");
    void catalog.more();
    await server.last(LIST).fail();
    expect([catalog.moreError?.isNetwork, catalog.loadingMore]).toEqual([true, false]);
    void catalog.more();
    await server.last(LIST).answer(page([2]));
    expect([catalog.moreError, catalog.ids]).toEqual([null, [1, 2]]);
  });
});

it("a list longer than one answer is refreshed at its head, and keeps its tail", async () => {
  const { server, catalog } = await opened(range(1, 190), "c1");
  void catalog.more();
  await server.last(LIST).answer(page(range(191, 214), "c2"));
  void catalog.refresh();
  await flushPromises();
  expect(server.last(LIST).query).toMatchObject({ limit: "200" });
  // One part was inserted at the head, so the response ends one part earlier than what it replaces.
  await server.last(LIST).answer(page([999, ...range(1, 199)], "c3"));
  expect(catalog.ids).toEqual([999, ...range(1, 214)]);
  expect(catalog.nextCursor).toBe("c2");
});
