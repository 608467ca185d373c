import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { effectScope, nextTick, ref, type EffectScope } from "vue";
import { adminPart } from "../fixtures.ts";
import { useFoundParts } from "./useFoundParts.ts";

let scope: EffectScope;
let answers: { q: string; signal: AbortSignal; give: (response: Response) => void }[];

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  scope = effectScope();
  answers = [];
  vi.stubGlobal("fetch", (url: string, { signal }: RequestInit) => new Promise((give, refuse) => {
    signal?.addEventListener("abort", () => refuse(new DOMException("", "AbortError")));
    answers.push({ q: new URL(url, "http://shop").searchParams.get("q") ?? "", signal: signal as AbortSignal, give });
  }));
});

afterEach(() => {
  scope.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function setUp() {
  const typed = ref("");
  const search = scope.run(() => useFoundParts(typed));
  if (!search) throw new Error("no scope");
  async function type(text: string, rest = 200): Promise<void> {
    typed.value = text;
    await nextTick();
    await vi.advanceTimersByTimeAsync(rest);
  }
  return { search, type };
}

it("asks once after the typing rests, and drops the older question", async () => {
  const { search, type } = setUp();
  await type("6", 50);
  await type("62", 50);
  expect(answers).toHaveLength(0);
  await type("620");
  await type("6204");
  expect(answers.map(({ q, signal }) => [q, signal.aborted])).toEqual([["620", true], ["6204", false]]);
  answers[1]?.give(Response.json({ items: [adminPart(7)], next_cursor: null }));
  await vi.advanceTimersByTimeAsync(0);
  expect([search.parts.value.map(({ id }) => id), search.state.value]).toEqual([[7], "idle"]);
});

it("an empty field has no parts, and a failure says so", async () => {
  const { search, type } = setUp();
  await type("belt");
  answers[0]?.give(Response.json({ status: 503, detail: "Busy." }, { status: 503 }));
  await vi.advanceTimersByTimeAsync(0);
  expect(search.state.value).toBe("failed");
  await type("");
  expect([search.parts.value, search.state.value, answers.length]).toEqual([[], "idle", 1]);
});
