import { createPinia, setActivePinia } from "pinia";
import { afterEach, expect, it, vi } from "vitest";
import { useSessionStore } from "./session.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("says of its calls that nobody is there once nobody has touched it for a minute", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setActivePinia(createPinia());
  const said: (string | null)[] = [];
  vi.stubGlobal("fetch", (_path: string, { headers }: RequestInit) => {
    said.push(new Headers(headers).get("X-Unattended"));
    return Promise.resolve(new Response("{}", { headers: { "Content-Type": "application/json" } }));
  });
  const session = useSessionStore();
  for (const touch of [() => window.dispatchEvent(new Event("keydown")), () => vi.advanceTimersByTime(61_000), () => window.dispatchEvent(new Event("wheel"))]) {
    touch();
    await session.api("/admin/overview");
  }
  expect(said).toEqual([null, "1", null]);
});
