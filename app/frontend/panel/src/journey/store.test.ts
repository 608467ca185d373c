/** Which way a journey is followed: over the socket, or by asking if that is away. */
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { say } from "../live/events.ts";
import { useSessionStore } from "../session/session.ts";
import { pagesOf } from "./journey.ts";
import { journey as subject } from "./subject.ts";
import { useJourneyStore } from "./store.ts";

vi.mock("../live/events.ts", () => ({ say: vi.fn(), useMessages: () => undefined }));

const EVENT = "0198c0de-0000-7000-8000-000000000001";
const pending = { settled: [], pending: [{ event_id: EVENT, effect: "broadcast" }] };
let asked: string[];

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  asked = [];
  vi.stubGlobal("fetch", async (url: string, { method }: RequestInit) => {
    asked.push(`${method ?? ""} ${url}`);
    if (url.includes("/admin/events/")) {
      const isDone = asked.length > 3;
      return Response.json({ event_id: EVENT, pages: isDone ? 3 : null, effects: { broadcast: { state: isDone ? "done" : "pending", ms: isDone ? 15 : null } } });
    }
    return Response.json({}, { headers: method === "PUT" ? { "X-Event-IDs": EVENT } : {} });
  });
  subject.begin?.();
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const write = () => useSessionStore().api("/admin/parts/1", { method: "PUT", body: {} });

it("every write of the panel is followed, and nothing that only reads", async () => {
  vi.mocked(say).mockResolvedValue(pending);
  await useSessionStore().api("/admin/parts/1");
  expect(say).not.toHaveBeenCalled();
  await write();
  await vi.advanceTimersByTimeAsync(0);
  expect(say).toHaveBeenCalledWith("follow", { event_ids: [EVENT] });
  const store = useJourneyStore();
  expect(store.over).toBe(false);
  store.hear({ event_id: EVENT, effect: "broadcast", ms: 12, pages: 37 });
  expect([store.over, store.current && pagesOf(store.current)]).toEqual([true, 37]);
  expect(asked).toHaveLength(2);
});

it.each([null, { error: { code: "busy" as const, message: "", retry_after: 1 } }])("without the socket's answer it asks a few times, until all is done", async (answer) => {
  vi.mocked(say).mockResolvedValue(answer);
  await write();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(asked.filter((call) => call.includes("/admin/events/"))).toHaveLength(3);
});

it("… or gives up", async () => {
  vi.mocked(say).mockResolvedValue(null);
  await write();
  vi.stubGlobal("fetch", async () => {
    asked.push("again");
    return Response.json({ status: 503 }, { status: 503 });
  });
  useJourneyStore().held = true;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(asked.filter((call) => call === "again")).toHaveLength(5);
});

it("after a reconnection what is not over is followed anew", async () => {
  vi.mocked(say).mockResolvedValue(pending);
  await write();
  const store = useJourneyStore();
  await vi.advanceTimersByTimeAsync(0);
  vi.mocked(say).mockClear();
  store.again();
  expect(say).toHaveBeenCalledTimes(1);
  store.hear({ event_id: EVENT, effect: "broadcast", ms: 12 });
  store.again();
  expect(say).toHaveBeenCalledTimes(1);
});

it("the line goes by itself, but not while somebody reads it, and the next write takes its place", async () => {
  vi.mocked(say).mockResolvedValue(pending);
  await write();
  const store = useJourneyStore();
  store.held = true;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(store.current).not.toBeNull();
  store.held = false;
  await vi.advanceTimersByTimeAsync(30_000);
  expect(store.current).toBeNull();
});
