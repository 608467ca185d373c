import { flushPromises } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { effectScope, nextTick, shallowRef, type EffectScope } from "vue";
import { EVERY_MS, SETTLE_MS, useOpenPages } from "./openPages.ts";

let asked: string[];
let answers: (() => Response)[];
let scope: EffectScope;

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  asked = [];
  answers = [];
  scope = effectScope();
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(new URL(url, "http://shop.example").searchParams.get("part_ids") ?? "");
    return answers.shift()?.() ?? Response.json({ code: "overloaded" }, { status: 503 });
  });
});

afterEach(() => {
  scope.stop();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

function shown(ids: number[]) {
  const rows = shallowRef<readonly number[]>(ids);
  const counts = scope.run(() => useOpenPages(rows));
  return { rows, counts: () => [...(counts?.value ?? [])] };
}

const pages = (open_pages: Record<string, number> | null) => () => Response.json({ open_pages });

async function pass(ms: number): Promise<void> {
  await nextTick();
  await vi.advanceTimersByTimeAsync(ms);
  await flushPromises();
}

it("asks for the rows on the screen once they rest, and again every ten seconds", async () => {
  const { rows, counts } = shown([1]);
  await pass(SETTLE_MS / 2);
  rows.value = [7, 8];
  answers = [pages({ 7: 12 }), pages({ 8: 1 })];
  await pass(SETTLE_MS);
  expect([asked, counts()]).toEqual([["7,8"], [[7, 12]]]);
  await pass(EVERY_MS);
  expect([asked, counts()]).toEqual([["7,8", "7,8"], [[8, 1]]]);
});

it("asks nothing while nobody looks, and at once when somebody does again", async () => {
  const visibility = vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
  shown([7]);
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(3 * EVERY_MS);
  expect(asked).toEqual([]);
  visibility.mockReturnValue("visible");
  document.dispatchEvent(new Event("visibilitychange"));
  await pass(0);
  expect(asked).toEqual(["7"]);
});

it("keeps a number that could not be asked for again, but not for good", async () => {
  answers = [pages({ 7: 12 }), pages(null)];
  const { counts } = shown([7]);
  await pass(SETTLE_MS);
  await pass(2 * EVERY_MS);
  expect(counts()).toEqual([[7, 12]]);
  await pass(6 * EVERY_MS);
  expect(counts()).toEqual([]);
});

it("asks for no more rows than the server answers at once, and for none if there is none", async () => {
  const { rows } = shown([]);
  await pass(EVERY_MS);
  expect(asked).toEqual([]);
  rows.value = Array.from({ length: 300 }, (_, at) => at + 1);
  await pass(SETTLE_MS);
  expect(asked[0]?.split(",")).toHaveLength(200);
});

it("asks no more once the list is gone", async () => {
  answers = [pages({})];
  shown([7]);
  await pass(SETTLE_MS);
  scope.stop();
  await pass(3 * EVERY_MS);
  expect(asked).toEqual(["7"]);
});
