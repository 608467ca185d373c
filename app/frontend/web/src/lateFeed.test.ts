import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { LateFeed, RETRY_MS } from "./lateFeed.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function fakeFeed() {
  const log: string[] = [];
  const begun = (what: string) => {
    log.push(what);
    return () => void log.push(`not ${what}`);
  };
  return {
    log,
    watch: (ids: Iterable<number>, options = {}) => begun(`watch ${[...ids].join()} ${JSON.stringify(options)}`),
    watchCatalog: () => begun("catalog"),
    open: () => void log.push("open"),
  };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

it("what is watched before the feed is there is watched by it, unless that has ended by then", async () => {
  const real = fakeFeed();
  const feed = new LateFeed(() => Promise.resolve(real), vi.fn());
  const end = feed.watch([1, 2], { detail: true });
  feed.watch([3])();
  feed.watchCatalog();
  feed.open();
  await settled();
  expect(real.log).toEqual(['watch 1,2 {"detail":true}', "catalog", "open"]);
  feed.watch([4])();
  end();
  expect(real.log.slice(3)).toEqual(["watch 4 {}", "not watch 4 {}", 'not watch 1,2 {"detail":true}']);
});

it("a feed that cannot be loaded is said to be missing, and is asked for again", async () => {
  const real = fakeFeed();
  const load = vi.fn<() => Promise<typeof real>>().mockRejectedValueOnce(new Error("no network")).mockResolvedValue(real);
  const missing = vi.fn();
  const feed = new LateFeed(load, missing);
  feed.watchCatalog();
  feed.open();
  await settled();
  expect([missing.mock.calls.length, real.log]).toEqual([1, []]);
  await vi.advanceTimersByTimeAsync(RETRY_MS * 1.5);
  expect(real.log).toEqual(["catalog", "open"]);
});
