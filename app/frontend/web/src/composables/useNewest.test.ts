import { listItem } from "@lockstep/shared/live/fixtures.ts";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeServer, setUpPage } from "../testing.ts";
import { useNewest } from "./useNewest.ts";

const LIST = "/parts";
const LONGEST_MS = 1_000;
const page = (...ids: number[]) => ({ items: ids.map((id) => listItem(id)), next_cursor: null, match: "exact" });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function setUp() {
  const server = fakeServer();
  return { server, ...setUpPage(() => useNewest()) };
}

it("shows the newest parts, watches them, and reads them and the tree again when lists may differ", async () => {
  const { server, result, say, watched } = setUp();
  expect(server.last(LIST).query).toEqual({ sort: "newest", limit: "8" });
  expect(result.isLoading.value).toBe(true);
  await server.last(LIST).answer(page(3, 2));
  expect([result.ids.value, result.isLoading.value, [...watched.keys()]]).toEqual([[3, 2], false, [3, 2]]);
  say("a");
  await vi.advanceTimersByTimeAsync(LONGEST_MS);
  expect([server.asked(LIST).length, server.asked("/categories").length]).toEqual([2, 1]);
  await server.last("/categories").answer({ items: [], next_cursor: null });
  await server.last(LIST).answer(page(4, 3));
  expect([result.ids.value, [...watched.keys()].sort()]).toEqual([[4, 3], [3, 4]]);
  say("a");
  await vi.advanceTimersByTimeAsync(LONGEST_MS);
  expect(server.asked(LIST)).toHaveLength(2);
});

it("an answer that was asked for earlier and comes later is not shown", async () => {
  const { server, result } = setUp();
  void result.refresh();
  const [earlier, later] = server.asked(LIST);
  await later?.answer(page(2));
  await earlier?.answer(page(1));
  expect(result.ids.value).toEqual([2]);
});

it("what was there stays after a failure, and the next word of the server is news", async () => {
  const { server, result, say } = setUp();
  await server.last(LIST).answer(page(1));
  say("a");
  await vi.advanceTimersByTimeAsync(LONGEST_MS);
  await server.last(LIST).answer({}, 503);
  await server.last("/categories").answer({ items: [], next_cursor: null });
  expect([result.ids.value, result.error.value?.status]).toEqual([[1], 503]);
  say("a");
  await vi.advanceTimersByTimeAsync(LONGEST_MS);
  expect(server.asked(LIST)).toHaveLength(3);
});
