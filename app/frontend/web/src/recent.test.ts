import { afterEach, beforeEach, expect, test, vi } from "vitest";

beforeEach(() => {
  localStorage.clear();
  vi.resetModules();
});
afterEach(() => vi.unstubAllGlobals());

const load = async () => (await import("./recent.ts")).recentSearches();

test("The last six searches are kept, each once, the latest first, also for the next page.", async () => {
  const { remember, searches } = await load();
  for (const q of ["a", "b", "c", "d", "e", "f", "g", "c"]) remember(q);
  expect(searches.value).toEqual(["c", "g", "f", "e", "d", "b"]);
  vi.resetModules();
  const next = await load();
  expect(next.searches.value).toEqual(["c", "g", "f", "e", "d", "b"]);
  next.clear();
  expect([next.searches.value, localStorage.getItem("lockstep.searches")]).toEqual([[], "[]"]);
});

test.each(["{}", "null", "[1, \"a\"]", "not JSON"])("What somebody else has put there (%s) does no harm.", async (kept) => {
  localStorage.setItem("lockstep.searches", kept);
  const { searches, remember } = await load();
  expect(searches.value).toEqual(kept.startsWith("[") ? ["a"] : []);
  remember("b");
  expect(searches.value[0]).toBe("b");
});

test("Without storage they last as long as the page.", async () => {
  vi.stubGlobal("localStorage", {
    getItem: () => { throw new Error("forbidden"); },
    setItem: () => { throw new Error("forbidden"); },
  });
  const { searches, remember } = await load();
  remember("a");
  expect(searches.value).toEqual(["a"]);
});
