import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { setUpPage } from "../testing.ts";
import { useCatalogNews } from "./useCatalogNews.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

function setUp() {
  const ends: (() => void)[] = [];
  const refresh = vi.fn(() => new Promise<void>((resolve) => ends.push(resolve)));
  const page = setUpPage(() => useCatalogNews((token) => token !== "held", refresh));
  return { ...page, refresh, end: () => ends.shift()?.() };
}

it("a burst of changes is one reading, and what is held is no news", async () => {
  const { say, refresh } = setUp();
  say("held");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(refresh).not.toHaveBeenCalled();
  for (const token of ["a", "b", "c"]) say(token);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(refresh).toHaveBeenCalledTimes(1);
});

it("on a slow network under constant change a reading is left to end, and followed by one more", async () => {
  const { say, refresh, end } = setUp();
  say("a");
  await vi.advanceTimersByTimeAsync(2_000);
  for (const token of ["b", "c", "d"]) {
    say(token);
    await vi.advanceTimersByTimeAsync(2_000);
  }
  expect(refresh).toHaveBeenCalledTimes(1);
  end();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(refresh).toHaveBeenCalledTimes(2);
  end();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(refresh).toHaveBeenCalledTimes(2);
});

it("a page that was left reads nothing more", async () => {
  const { say, refresh, end, unmount } = setUp();
  say("a");
  await vi.advanceTimersByTimeAsync(2_000);
  say("b");
  unmount();
  end();
  say("c");
  await vi.advanceTimersByTimeAsync(2_000);
  expect(refresh).toHaveBeenCalledTimes(1);
});
