import { expect, it } from "vitest";
import { componentsOf, effectsOf, foundAtAll, foundIn, partOf, valueText, type Status } from "./figures.ts";

const NOW = Date.parse("2026-01-01T12:00:00Z");

function effect(oldest_age_seconds = 0) {
  return { pending: 0, retries: 0, failures: 0, dead: 0, oldest_age_seconds, latency_ms: { deliveries: 0, p50: null, p95: null, p99: null } };
}

function status(more: Partial<Status> = {}): Status {
  return {
    effects: { broadcast: effect(), invalidate_cache: effect() }, window_seconds: 900, cache: { fresh: true, hit_rate: {}, window_seconds: 300 },
    drift: { kinds: {}, latest: [], window_seconds: 86_400 }, last_reconciliation: { finished_at: "2026-01-01T11:59:00Z" },
    components: { database: "ok", cache: "ok", broker: "ok" }, workers: null, beat_last_tick_seconds: null, open_pages: 0, flower: null, ...more,
  };
}

function health(shown: Status, ready: Parameters<typeof componentsOf>[1] = null) {
  return Object.fromEntries(componentsOf(shown, ready, NOW).map((one) => [one.name, one.health]));
}

it("effects are shown in the order in which they follow a commit, new ones last", () => {
  const effects = { persist_audit: effect(), "a_new_one": effect(), broadcast: effect(), invalidate_cache: effect() };
  expect(effectsOf({ effects }).map(({ name }) => name)).toEqual(["invalidate_cache", "broadcast", "persist_audit", "a_new_one"]);
});

it("what the process says now counts, and a cache that is away altogether", () => {
  const components = { database: "ok", cache: "degraded", broker: "ok" } as const;
  expect(health(status({ components }))).toMatchObject({ database: "ok", cache: "degraded", broker: "ok" });
  expect(health(status({ components }), { database: "away", cache: "ok", broker: "degraded" })).toMatchObject({ database: "away", cache: "ok", broker: "degraded" });
  expect(health(status({ components: { ...components, cache: "away" } }), { database: "ok", cache: "degraded", broker: "ok" })["cache"]).toBe("away");
});

it("workers are known by the queues that somebody serves, and by what waits for them", () => {
  const of = (queues: string[][], age = 0) =>
    health(status({ workers: queues.map((own, n) => ({ name: `w${n}`, queues: own, seen_seconds: 1 })), effects: { persist_audit: effect(age) } }))["worker"];
  expect([of([]), of([["sync.live"]]), of([["sync.live"], ["sync.records"]]), of([["sync.records", "sync.live"]], 40)]).toEqual(["away", "degraded", "ok", "degraded"]);
});

it("if nobody knows which workers live, by what waits for them alone", () => {
  expect([5, 40, 500].map((age) => health(status({ effects: { persist_audit: effect(age), broadcast: effect() } }))["worker"])).toEqual(["ok", "degraded", "away"]);
});

it("beat is known by its last tick, and if nobody knows that by the reconciliation that it has done every minute", () => {
  const ticked = (beat_last_tick_seconds: number | null) => health(status({ workers: [], beat_last_tick_seconds }))["beat"];
  expect([ticked(1), ticked(40), ticked(500), ticked(null)]).toEqual(["ok", "degraded", "away", "away"]);
  const at = (finished_at: string | null) => health(status({ last_reconciliation: finished_at === null ? null : { finished_at } }))["beat"];
  expect([at("2026-01-01T11:58:00Z"), at("2026-01-01T11:55:00Z"), at("2026-01-01T11:00:00Z"), at(null)]).toEqual(["ok", "degraded", "away", "away"]);
});

it("only what was found is listed, the most frequent first", () => {
  const report = { found: { a: 0, b: 1, c: 3 }, examples: { b: ["part 4"], c: [{ part: 5 }, null] } };
  expect(foundIn(report)).toEqual([{ kind: "c", count: 3, examples: ['{"part":5}', "–"] }, { kind: "b", count: 1, examples: ["part 4"] }]);
  expect(foundAtAll(report)).toBe(4);
  expect(foundAtAll({})).toBe(0);
});

it("values of any shape are written out", () => {
  expect([12, "a", null, { a: 1 }, false].map(valueText)).toEqual(["12", "a", "–", '{"a":1}', "false"]);
  expect([partOf("part 17"), partOf("lists:parts:17")]).toEqual([17, null]);
});
