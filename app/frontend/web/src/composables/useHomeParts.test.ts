import { listItem } from "@lockstep/shared/live/fixtures.ts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { usePartsStore } from "../stores/parts.ts";
import { fakeServer, setUpPage } from "../testing.ts";
import { useHomeParts } from "./useHomeParts.ts";

const LIST = "/parts";
const BACK = "/parts/restocked";
const LONGEST_MS = 1_000;
const page = (...ids: number[]) => ({ items: ids.map((id) => listItem(id)), next_cursor: null, match: "exact" });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function setUp() {
  const server = fakeServer();
  return { server, ...setUpPage(() => useHomeParts()) };
}

it("shows the newest parts and those back in stock, watches them, and reads them and the tree again when lists may differ", async () => {
  const { server, result, say, watched } = setUp();
  expect(server.last(LIST).query).toEqual({ sort: "newest", limit: "8" });
  expect(server.last(BACK).query).toEqual({ limit: "4" });
  expect(result.isLoading.value).toBe(true);
  await server.last(LIST).answer(page(3, 2));
  await server.last(BACK).answer({ items: [listItem(2), listItem(1)] });
  expect([result.newest.value, result.restocked.value, result.isLoading.value]).toEqual([[3, 2], [2, 1], false]);
  expect([...watched.keys()]).toEqual([3, 2, 1]);
  expect([...usePartsStore().parts.keys()].sort()).toEqual([1, 2, 3]);
  say("a");
  await vi.advanceTimersByTimeAsync(LONGEST_MS);
  expect([server.asked(LIST).length, server.asked("/categories").length]).toEqual([2, 1]);
  await server.last("/categories").answer({ items: [], next_cursor: null });
  await server.last(LIST).answer(page(4, 3));
  await server.last(BACK).answer({ items: [] });
  expect([result.newest.value, result.restocked.value, [...watched.keys()].sort()]).toEqual([[4, 3], [], [3, 4]]);
  say("a");
  await vi.advanceTimersByTimeAsync(LONGEST_MS);
  expect(server.asked(LIST)).toHaveLength(2);
});

it("an answer that was asked for earlier and comes later is not shown", async () => {
  const { server, result } = setUp();
  void result.refresh();
  const [earlier, later] = server.asked(LIST);
  for (const back of server.asked(BACK)) await back.answer({ items: [] });
  await later?.answer(page(2));
  await earlier?.answer(page(1));
  expect(result.newest.value).toEqual([2]);
});

it("what was there stays after a failure, and the next word of the server is news", async () => {
  const { server, result, say } = setUp();
  await server.last(LIST).answer(page(1));
  await server.last(BACK).answer({ items: [listItem(2)] });
  say("a");
  await vi.advanceTimersByTimeAsync(LONGEST_MS);
  await server.last(LIST).answer({}, 503);
  await server.last("/categories").answer({ items: [], next_cursor: null });
  expect([result.newest.value, result.restocked.value, result.error.value?.status]).toEqual([[1], [2], 503]);
  say("a");
  await vi.advanceTimersByTimeAsync(LONGEST_MS);
  expect(server.asked(LIST)).toHaveLength(3);
});
