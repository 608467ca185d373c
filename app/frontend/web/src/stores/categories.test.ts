import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeServer, setUpPage } from "../testing.ts";
import { JITTER_MS, useCategoriesStore } from "./categories.ts";

const LIST = "/categories";
const page = (...names: [string, string]) => ({
  items: names.map((name, at) => ({ id: at + 1, name, slug: `slug-${at + 1}`, parent_id: at || null })), next_cursor: null,
});
const then = { id: 2, name: "Belts", slug: "belts", path: [{ id: 2, name: "Belts", slug: "belts" }] };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function setUp() {
  const server = fakeServer();
  const { result: store, sayOfCategories: say } = setUpPage(() => useCategoriesStore());
  return { server, store, say };
}

it("a part's category is shown as the tree has it, and as the part has it while the tree does not know it", async () => {
  const { server, store, say } = setUp();
  expect(store.shown(then)).toBe(then);
  say("a");
  await vi.advanceTimersByTimeAsync(0);
  await server.last(LIST).answer(page("Drives", "Drive belts"));
  const path = [{ id: 1, name: "Drives", slug: "slug-1" }, { id: 2, name: "Drive belts", slug: "slug-2" }];
  expect(store.shown(then)).toEqual({ ...path[1], path });
  expect(store.shown({ ...then, id: 9 })?.name).toBe("Belts");
  expect(store.shown(null)).toBeNull();
});

it("the tree is read at first at once, then once per burst of news after a jitter, and not for old news", async () => {
  const { server, store, say } = setUp();
  say("a");
  await vi.advanceTimersByTimeAsync(0);
  await server.last(LIST).answer(page("Drives", "Belts"));
  say("a");
  await vi.advanceTimersByTimeAsync(JITTER_MS);
  expect(server.asked(LIST)).toHaveLength(1);
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  say("b");
  say("c");
  await vi.advanceTimersByTimeAsync(JITTER_MS / 2 - 1);
  expect(server.asked(LIST)).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  await server.last(LIST).answer(page("Drives", "Chains"));
  expect(server.asked(LIST)).toHaveLength(2);
  expect(store.shown(then)?.name).toBe("Chains");
});

it("news that comes while the tree is being read has it read again, and so does a failure with the next word", async () => {
  const { server, store, say } = setUp();
  say("a");
  await vi.advanceTimersByTimeAsync(0);
  say("b");
  await vi.advanceTimersByTimeAsync(JITTER_MS);
  await server.last(LIST).answer(page("Drives", "Old"));
  expect(server.asked(LIST)).toHaveLength(2);
  await server.last(LIST).fail();
  expect(store.shown(then)?.name).toBe("Old");
  say("b");
  await vi.advanceTimersByTimeAsync(0);
  await server.last(LIST).answer(page("Drives", "New"));
  expect(store.shown(then)?.name).toBe("New");
});
