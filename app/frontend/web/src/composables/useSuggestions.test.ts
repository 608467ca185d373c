import { nextTick, ref } from "vue";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { fakeServer, setUpPage } from "../testing.ts";
import { REST_MS, useSuggestions } from "./useSuggestions.ts";

const SUGGEST = "/parts/suggest";
const answer = (...names: string[]) => ({ parts: names.map((part_name, id) => ({ id, part_name, sku: part_name, slug: part_name })), categories: [], match: "exact" });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

function setUp() {
  const server = fakeServer();
  const typed = ref("");
  const page = setUpPage(() => useSuggestions(() => typed.value));
  const type = async (text: string, rest = REST_MS) => {
    typed.value = text;
    await nextTick();
    await vi.advanceTimersByTimeAsync(rest);
  };
  return { server, type, unmount: page.unmount, ...page.result, names: () => page.result.found.value.parts.map(({ part_name }) => part_name) };
}

it("asks once the typing rests, and for nothing if nothing is typed", async () => {
  const { server, type, names, q } = setUp();
  await type("b", REST_MS - 1);
  await type("be");
  expect(server.asked(SUGGEST).map(({ query }) => query["q"])).toEqual(["be"]);
  await server.last(SUGGEST).answer(answer("belt"));
  expect([names(), q.value]).toEqual([["belt"], "be"]);
  await type("");
  expect([names(), q.value, server.asked(SUGGEST).length]).toEqual([[], "", 1]);
});

it("gives up the request before, and ignores its answer should it come all the same", async () => {
  const { server, type, names } = setUp();
  await type("be");
  const [before] = server.asked(SUGGEST);
  await type("bear");
  expect(before?.aborted).toBe(true);
  await server.last(SUGGEST).answer(answer("bearing"));
  await before?.answer(answer("belt"));
  expect(names()).toEqual(["bearing"]);
});

it("keeps what it has while the next is asked for, and shows nothing after a failure", async () => {
  const { server, type, names } = setUp();
  await type("be");
  await server.last(SUGGEST).answer(answer("belt"));
  await type("bel");
  expect(names()).toEqual(["belt"]);
  await server.last(SUGGEST).answer({}, 503);
  expect(names()).toEqual([]);
  await type("belt");
  await server.last(SUGGEST).fail();
  expect(names()).toEqual([]);
});

it("asks for nothing once its component is gone", async () => {
  const { server, type, unmount } = setUp();
  await type("be", REST_MS - 1);
  unmount();
  await vi.advanceTimersByTimeAsync(REST_MS);
  expect(server.asked(SUGGEST)).toEqual([]);
});
