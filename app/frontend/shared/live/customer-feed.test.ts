import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { WatchAck } from "../types.ts";
import type { ConnectionStatus } from "./connection.ts";
import { CustomerFeed } from "./customer-feed.ts";
import { Dispatcher } from "./dispatcher.ts";
import { FakeSocket } from "./fake-socket.ts";
import { listItem, publicPart, restoredEvent, stockEvent } from "./fixtures.ts";
import type { LivePart } from "./state.ts";

interface Sent {
  parts: Record<string, unknown>;
  catalog: boolean;
}

function setUp(random = () => 0.5, onCategories?: (token: string) => void) {
  const socket = new FakeSocket();
  const parts = new Map<number, LivePart>();
  const keeper = { parts, put: (part: LivePart) => void parts.set(part.id, part) };
  const dispatcher = new Dispatcher(keeper);
  const statuses: ConnectionStatus[] = [];
  const tokens: string[] = [];
  const feed = new CustomerFeed({
    socket, keeper, dispatcher, random,
    onStatus: (status) => statuses.push(status),
    onCatalog: (token) => tokens.push(token),
    ...(onCategories && { onCategories }),
  });
  const watches = () => socket.calls("watch") as Sent[];
  const answer = async (ack: Partial<WatchAck>) => {
    socket.answer({ parts: [], gone: [], ...ack });
    await vi.advanceTimersByTimeAsync(0);
  };
  return { socket, parts, dispatcher, feed, statuses, tokens, watches, answer };
}

let current: ReturnType<typeof setUp>;

beforeEach(() => {
  vi.useFakeTimers();
  current = setUp();
});

afterEach(() => {
  current.feed.close();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

describe("watching", () => {
  it("waits for the connection, then asks for all at once, stating what is held", async () => {
    const { feed, socket, dispatcher, watches } = current;
    dispatcher.reading(listItem(1, { stock: 4 }), 0);
    feed.watch([1]);
    feed.watch([2]);
    feed.watchCatalog();
    feed.open();
    await settle();
    expect(watches()).toEqual([]);
    socket.connectNow();
    await settle();
    expect(watches()).toEqual([{ parts: { 1: { content: 1, stock: 4, price: 1 }, 2: null }, catalog: true }]);
  });

  it("asks for everything of a part whose page shows more than a list brings", async () => {
    const { feed, socket, dispatcher, watches } = current;
    dispatcher.reading(listItem(1), 0);
    feed.watch([1], { detail: true });
    feed.open();
    socket.connectNow();
    await settle();
    expect(watches()[0]?.parts).toEqual({ 1: null });
  });

  it("has one watch under way at a time; what was wished for meanwhile follows", async () => {
    const { feed, socket, watches, answer } = current;
    feed.open();
    feed.watch([1]);
    socket.connectNow();
    await settle();
    feed.watch([2]);
    feed.watch([3]);
    await settle();
    expect(watches()).toHaveLength(1);
    await answer({ parts: [publicPart(1)] });
    expect(watches()[1]?.parts).toEqual({ 2: null, 3: null });
  });

  it("is repeated on every connection, every 20 s, when the page becomes visible, and after a jitter on resync", async () => {
    const { feed, socket, watches, answer } = current;
    feed.watch([1]);
    feed.open();
    socket.connectNow();
    await settle();
    await answer({ parts: [publicPart(1)] });
    socket.disconnectNow();
    socket.connectNow();
    await settle();
    expect(watches()).toHaveLength(2);
    expect(watches()[1]?.parts).toEqual({ 1: { content: 1, stock: 1, price: 1 } });
    await answer({});
    await vi.advanceTimersByTimeAsync(20_000);
    expect(watches()).toHaveLength(3);
    await answer({});
    document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    expect(watches()).toHaveLength(4);
    await answer({});
    socket.receive("resync", {});
    await vi.advanceTimersByTimeAsync(900);
    expect(watches()).toHaveLength(4);
    await vi.advanceTimersByTimeAsync(200);
    expect(watches()).toHaveLength(5);
  });

  it("is given up together once the last viewer has left, unless the next page wants the part too", async () => {
    const { feed, socket, answer } = current;
    const leaveList = feed.watch([1, 2, 3]);
    feed.open();
    socket.connectNow();
    await settle();
    await answer({});
    leaveList();
    feed.watch([2], { detail: true });
    await settle();
    expect(socket.calls("unwatch")).toEqual([{ parts: [1, 3] }]);
  });

  it("gives up before it takes up: a list that jumps never watches more than the server allows", async () => {
    const { feed, socket, answer } = current;
    const ids = (from: number) => Array.from({ length: 180 }, (_, index) => from + index);
    const leave = feed.watch(ids(1));
    feed.open();
    socket.connectNow();
    await settle();
    await answer({});
    feed.watch(ids(1001));
    leave();
    await settle();
    expect(socket.events.slice(-2)).toEqual(["unwatch", "watch"]);
  });

  it("survives a server that does not answer: the transport is dropped, and all is asked again", async () => {
    const { feed, socket, watches } = current;
    feed.watch([1]);
    feed.open();
    socket.connectNow();
    await settle();
    socket.failToAnswer();
    await settle();
    expect(socket.dropped).toBe(1);
    socket.connectNow();
    await settle();
    expect(watches()).toHaveLength(2);
  });

  it("leaves a busy server alone for as long as it asks, and then asks all of it again", async () => {
    const { feed, socket, dispatcher, watches } = current;
    dispatcher.reading(listItem(1), 0);
    feed.watch([1]);
    feed.watch([2], { detail: true });
    feed.open();
    socket.connectNow();
    await settle();
    socket.answer({ error: { code: "busy", retry_after: 2.5 } });
    await settle();
    feed.watch([3]);
    // A random number of 0.5 adds a quarter to the wait.
    await vi.advanceTimersByTimeAsync(3_100);
    expect(watches()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(watches()).toHaveLength(2);
    expect(watches()[1]?.parts).toEqual({ 1: { content: 1, stock: 1, price: 1 }, 2: null, 3: null });
  });

  it("asks once more for what it was refused, with nothing held if nothing was", async () => {
    const { feed, socket, watches, answer } = current;
    feed.open();
    socket.connectNow();
    await settle();
    feed.watch([1]);
    await settle();
    await answer({ parts: [publicPart(1)] });
    socket.receive("part.restored", restoredEvent(1, 4));
    await settle();
    socket.answer({ error: { code: "busy" } });
    await vi.advanceTimersByTimeAsync(1_300);
    expect(watches().slice(1).map((watch) => watch.parts)).toEqual([{ 1: null }, { 1: null }]);
  });

  it("stops when closed", async () => {
    const { feed, socket, watches, answer } = current;
    feed.watch([1]);
    feed.open();
    socket.connectNow();
    await settle();
    await answer({});
    feed.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(watches()).toHaveLength(1);
    expect(socket.listenerCount).toBe(0);
  });
});

describe("events", () => {
  async function watching(random?: () => number) {
    current.feed.close();
    current = setUp(random);
    const { feed, socket, answer } = current;
    feed.watch([1]);
    feed.watchCatalog();
    feed.open();
    socket.connectNow();
    await settle();
    await answer({ parts: [publicPart(1)], catalog: "a" });
    return current;
  }

  it("change the store", async () => {
    const { socket, parts } = await watching();
    socket.receive("stock.updated", stockEvent(1, 5));
    expect(parts.get(1)?.stock?.version).toBe(5);
  });

  it("about parts that nobody looks at are left alone", async () => {
    const { socket, parts } = await watching();
    socket.receive("stock.updated", stockEvent(9, 5));
    expect(parts.has(9)).toBe(false);
  });

  it("that tell of a restoration make the part be asked for, with nothing held", async () => {
    const { socket, watches } = await watching();
    socket.receive("part.restored", restoredEvent(1, 4));
    await settle();
    expect(watches().at(-1)?.parts).toEqual({ 1: null });
  });

  it("that overtake an acknowledgement are not undone by it", async () => {
    const { socket, parts, answer } = await watching();
    await vi.advanceTimersByTimeAsync(20_000);
    socket.receive("stock.updated", stockEvent(1, 9));
    await answer({ parts: [publicPart(1, { stock: 8 })] });
    expect(parts.get(1)?.stock?.version).toBe(9);
  });

  it("are reported as seen for one in ten, and only if they were shown", async () => {
    const frames: FrameRequestCallback[] = [];
    vi.stubGlobal("requestAnimationFrame", (callback: FrameRequestCallback) => frames.push(callback));
    let roll = 0.05;
    const { socket } = await watching(() => roll);
    const shown = stockEvent(1, 5);
    socket.receive("stock.updated", shown);
    expect(socket.calls("seen")).toEqual([]);
    frames.forEach((frame) => frame(0));
    expect(socket.calls("seen")).toEqual([{ id: shown.id }]);
    socket.receive("stock.updated", stockEvent(1, 5));
    roll = 0.5;
    socket.receive("stock.updated", stockEvent(1, 6));
    expect(frames).toHaveLength(1);
    vi.unstubAllGlobals();
  });

  it("about the catalog reach those who watch it, as does the acknowledgement's token", async () => {
    const { socket, tokens } = await watching();
    socket.receive("catalog.changed", { catalog: "b" });
    expect(tokens).toEqual(["a", "b"]);
  });

  describe("about the category tree", () => {
    const heard: string[] = [];
    beforeEach(async () => {
      heard.length = 0;
      current.feed.close();
      current = setUp(undefined, (token) => heard.push(token));
      current.feed.open();
      current.socket.connectNow();
      current.feed.watch([1]);
      await settle();
    });

    it("reach whoever asks, as does every acknowledgement's token", async () => {
      const { socket, watches, answer } = current;
      expect(watches()).toEqual([{ parts: { 1: null }, catalog: false, categories: true }]);
      await answer({ parts: [publicPart(1)], categories: "a" });
      socket.receive("categories.changed", { categories: "b" });
      socket.receive("resync", {});
      await vi.advanceTimersByTimeAsync(2_000);
      await answer({ categories: "c" });
      expect(heard).toEqual(["a", "b", "c"]);
    });

    it("are not asked for again, on this connection, from a server that does not know of them", async () => {
      const { socket, watches, parts, answer } = current;
      socket.answer({ error: { code: "invalid", message: "watch: see `errors`" } });
      await settle();
      expect(watches().at(-1)).toEqual({ parts: { 1: null }, catalog: false });
      await answer({ parts: [publicPart(1)] });
      expect(parts.has(1)).toBe(true);
      socket.disconnectNow();
      socket.connectNow();
      await settle();
      expect(watches().at(-1)).toMatchObject({ categories: true });
    });
  });
});

describe("the connection", () => {
  it("is not called paused before 5 s without it, and is live at once when it is back", async () => {
    const { feed, socket, statuses } = current;
    feed.open();
    socket.connectNow();
    expect(statuses).toEqual(["live"]);
    socket.disconnectNow();
    await vi.advanceTimersByTimeAsync(4_900);
    expect(statuses).toEqual(["live", "connecting"]);
    await vi.advanceTimersByTimeAsync(200);
    expect(statuses).toEqual(["live", "connecting", "paused"]);
    socket.connectNow();
    expect(statuses.at(-1)).toBe("live");
  });

  it("is taken up again by us when the server ended it, or refused it", async () => {
    const { feed, socket } = current;
    feed.open();
    socket.connectNow();
    socket.active = false;
    socket.disconnectNow();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(socket.connects).toBe(2);
    socket.receive("connect_error", new Error("refused"));
    await vi.advanceTimersByTimeAsync(6_000);
    expect(socket.connects).toBe(3);
  });

  it("does not wait for a back-off when somebody comes back to the page", async () => {
    const { feed, socket, statuses } = current;
    feed.open();
    await vi.advanceTimersByTimeAsync(6_000);
    expect(statuses.at(-1)).toBe("paused");
    document.dispatchEvent(new Event("visibilitychange"));
    expect(socket.connects).toBe(2);
    expect(statuses.at(-1)).toBe("connecting");
  });
});
