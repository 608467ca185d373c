import { afterEach, expect, it, vi } from "vitest";
import { newIntention, newKey } from "./intention.ts";

afterEach(() => vi.unstubAllGlobals());

it("the same call keeps its key, any other gets a new one", () => {
  const intention = newIntention();
  const first = intention("POST", "/a", { delta: 5 });
  expect(intention("POST", "/a", { delta: 5 })).toBe(first);
  const others = [intention("POST", "/a", { delta: 6 }), intention("POST", "/b", { delta: 6 }), newIntention()("POST", "/a", { delta: 5 })];
  expect(new Set([first, ...others]).size).toBe(4);
});

it("keys are made without HTTPS, too", () => {
  vi.stubGlobal("crypto", { getRandomValues: crypto.getRandomValues.bind(crypto) });
  const keys = [newKey(), newKey()];
  expect(keys[0]).toMatch(/^[0-9a-f]{32}$/);
  expect(keys[0]).not.toBe(keys[1]);
});
