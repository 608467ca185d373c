import { listItem, publicPart, stockEvent } from "@lockstep/shared/live/fixtures.ts";
import { enableAutoUnmount, flushPromises } from "@vue/test-utils";
import { nextTick, ref } from "vue";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { useConnectionStore } from "../stores/connection.ts";
import { fakeServer, setUpPage } from "../testing.ts";
import { POLL_MS } from "./usePolling.ts";
import { useProductPage } from "./useProductPage.ts";

enableAutoUnmount(afterEach);
beforeEach(() => vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const page = (id: number, related: number[] = [], stock = 1, alternatives: number[] = []) => ({
  part: publicPart(id, { stock }),
  related: related.map((other) => listItem(other, { stock })),
  alternatives: alternatives.map((other) => listItem(other)),
  json_ld: { "@type": "Product", name: `Part ${id} </script><script>alert(1)</script>` },
});
const described = () => [...document.head.querySelectorAll("script[type='application/ld+json']")].map((one) => one.textContent);

function setUp(first = 1) {
  const server = fakeServer();
  const id = ref(first);
  const made = setUpPage(() => useProductPage(id));
  return { ...made, ...made.result, server, id };
}

it("one answer brings the part and what stands around it, all of it watched until the page is left", async () => {
  const { server, view, part, related, watched, store, unmount } = setUp();
  expect(view.value).toBe("loading");
  await server.last("/pdp/1").answer(page(1, [2, 3]));
  expect([view.value, part.value?.content.data.detail?.description, related.value]).toEqual(["ready", "Description 1", [2, 3]]);
  expect(store.parts.get(3)?.stock?.version).toBe(1);
  expect([...watched.keys()]).toEqual([1, 2, 3]);
  unmount();
  expect(watched.size).toBe(0);
});

it("the live feed may bring the part first: the answer that is under way is enough for the rest", async () => {
  const { server, live, view, related } = setUp();
  live.dispatcher.acknowledged({ parts: [publicPart(1)], gone: [] });
  await nextTick();
  expect(view.value).toBe("ready");
  expect(server.asked("/pdp/1")).toHaveLength(1);
  await server.last("/pdp/1").answer(page(1, [2]));
  expect(related.value).toEqual([2]);
});

it("related parts follow the events about them", async () => {
  const { server, live, store } = setUp();
  await server.last("/pdp/1").answer(page(1, [2]));
  live.dispatcher.event(stockEvent(2, 2));
  expect(store.parts.get(2)?.stock?.version).toBe(2);
});

it("the part is described to search engines while it is shown, as text that cannot end its element", async () => {
  const { server, live, view, unmount } = setUp();
  await server.last("/pdp/1").answer(page(1));
  expect(described().map((text) => JSON.parse(text ?? "") as unknown)).toEqual([page(1).json_ld]);
  expect(document.head.querySelectorAll("script")).toHaveLength(1);
  live.dispatcher.absence(1, live.dispatcher.begin());
  await nextTick();
  expect([view.value, described()]).toEqual(["gone", []]);
  live.dispatcher.acknowledged({ parts: [publicPart(1)], gone: [] });
  await nextTick();
  await server.last("/pdp/1").answer(page(1));
  expect(described()).toHaveLength(1);
  unmount();
  expect(described()).toEqual([]);
});

it("another part begins anew: nothing of the first one is shown, described or watched with it", async () => {
  const { server, id, related, watched } = setUp();
  const first = server.last("/pdp/1");
  id.value = 2;
  await nextTick();
  expect(first.aborted).toBe(true);
  await server.last("/pdp/2").answer(page(2, [3]));
  id.value = 3;
  await nextTick();
  expect([related.value, described(), [...watched.keys()]]).toEqual([[], [], [3]]);
});

it("an answer that has just come when another part is opened is not shown with that one", async () => {
  const { server, id, related } = setUp();
  void server.last("/pdp/1").answer(page(1, [3]));
  id.value = 2;
  await flushPromises();
  expect([related.value, described()]).toEqual([[], []]);
});

it("a part that is not there can still come, and brings the rest of its page with it", async () => {
  const { server, live, view, related } = setUp();
  await server.last("/pdp/1").answer({}, 404);
  expect(view.value).toBe("gone");
  live.dispatcher.acknowledged({ parts: [publicPart(1)], gone: [] });
  await nextTick();
  expect(view.value).toBe("ready");
  await server.last("/pdp/1").answer(page(1, [2]));
  expect(related.value).toEqual([2]);
  expect(server.asked("/pdp/1")).toHaveLength(2);
});

it("a part that is no longer sold says what it was and what there is instead, until it comes back", async () => {
  const { server, live, view, withdrawn, related, alternatives, watched, store } = setUp();
  const was = { id: 1, sku: "A-1", slug: "a-1", part_name: "Part 1", category: null };
  await server.last("/pdp/1").answer({ withdrawn: { part: was, breadcrumbs: [], related: [listItem(2)], alternatives: [listItem(3)] } }, 404);
  expect([view.value, withdrawn.value, related.value, alternatives.value]).toEqual(["gone", was, [2], [3]]);
  expect(store.parts.get(3)?.content?.data.part_name).toBe(listItem(3).part_name);
  expect([...watched.keys()]).toEqual([1, 2, 3]);
  live.dispatcher.acknowledged({ parts: [publicPart(1)], gone: [] });
  await nextTick();
  await server.last("/pdp/1").answer(page(1, [4]));
  expect([view.value, withdrawn.value, related.value, alternatives.value]).toEqual(["ready", null, [4], []]);
});

it("a page that could not be read is an error until the live feed brings the part, or somebody tries again", async () => {
  const { server, live, view, retry } = setUp();
  await server.last("/pdp/1").answer({}, 503);
  expect(view.value).toBe("error");
  void retry();
  expect(view.value).toBe("loading");
  await server.last("/pdp/1").fail();
  expect(view.value).toBe("error");
  live.dispatcher.acknowledged({ parts: [publicPart(1)], gone: [] });
  await nextTick();
  expect(view.value).toBe("ready");
  // Once, not again and again: the rest of the page is missing then.
  await server.last("/pdp/1").fail();
  await nextTick();
  expect([view.value, server.asked("/pdp/1").length]).toEqual(["ready", 3]);
});

it("a part that comes back while live updates are paused is shown with the next answer", async () => {
  const { server, view } = setUp();
  await server.last("/pdp/1").answer({}, 404);
  useConnectionStore().status = "paused";
  await vi.advanceTimersByTimeAsync(POLL_MS / 2);
  await server.last("/pdp/1").answer(page(1));
  expect(view.value).toBe("ready");
});

it("while live updates are paused the page asks instead, for its related parts too", async () => {
  const { server, store } = setUp();
  await server.last("/pdp/1").answer(page(1, [2]));
  useConnectionStore().status = "paused";
  await vi.advanceTimersByTimeAsync(POLL_MS / 2);
  await server.last("/pdp/1").answer(page(1, [2], 5));
  expect(store.parts.get(2)?.stock?.version).toBe(5);
});

it("what could take its place stays current, and is looked for again when all of it has sold out with the part", async () => {
  const { server, live, alternatives, watched } = setUp();
  await server.last("/pdp/1").answer(page(1, [], 1, [2]));
  expect([alternatives.value, watched.has(2)]).toEqual([[2], true]);
  // Stocks are as many as their version: the fixtures' part 2 has one piece, and then none.
  const soldOut = (id: number) => ({ ...stockEvent(id, 9), data: { ...stockEvent(id, 0).data, version: 9 } });
  live.dispatcher.event(soldOut(1));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(server.asked("/pdp/1")).toHaveLength(1);
  live.dispatcher.event(soldOut(2));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(server.asked("/pdp/1")).toHaveLength(2);
  await server.last("/pdp/1").answer(page(1, [], 1, [3]));
  expect(alternatives.value).toEqual([3]);
});
