import { expect, it } from "vitest";
import { componentsOf, effectsOf, foundAtAll, foundIn, partOf, valueText, type Status } from "./figures.ts";

const NOW = Date.parse("2026-01-01T12:00:00Z");

function effect(oldest_age_seconds = 0) {
  return { pending: 0, dead: 0, oldest_age_seconds, latency_ms: { deliveries: 0, p50: null, p95: null, p99: null } };
}

function status(more: Partial<Status> = {}): Status {
  return {
    effects: { broadcast: effect(), invalidate_cache: effect() }, window_seconds: 900, cache: { fresh: true, hit_rate: {} },
    drift: { kinds: {}, latest: [], window_seconds: 86_400 }, last_reconciliation: { finished_at: "2026-01-01T11:59:00Z" }, ...more,
  };
}

function health(shown: Status, ready: Parameters<typeof componentsOf>[1] = null) {
  return Object.fromEntries(componentsOf(shown, ready, NOW).map((one) => [one.name, one.health]));
}

it("effects are shown in the order in which they follow a commit, new ones last", () => {
  const effects = { persist_audit: effect(), "a_new_one": effect(), broadcast: effect(), invalidate_cache: effect() };
  expect(effectsOf({ effects }).map(({ name }) => name)).toEqual(["invalidate_cache", "broadcast", "persist_audit", "a_new_one"]);
});

it("what nobody could be asked about is unknown, not well", () => {
  expect(health(status())).toEqual({ database: "unknown", cache: "ok", broker: "unknown", worker: "ok", beat: "ok" });
  expect(health(status({ cache: { fresh: false, hit_rate: {} } }))["cache"]).toBe("degraded");
  expect(health(status(), { database: "ok", cache: "degraded", broker: "ok" })).toMatchObject({ database: "ok", cache: "degraded", broker: "ok" });
});

it("a worker is known by what waits for it", () => {
  expect([5, 40, 500].map((age) => health(status({ effects: { persist_audit: effect(age), broadcast: effect() } }))["worker"])).toEqual(["ok", "degraded", "away"]);
});

it("beat is known by the reconciliation that it has done every minute", () => {
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
