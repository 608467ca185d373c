import { expect, it } from "vitest";
import type { Status } from "./figures.ts";
import { asQuery, countOf, kindOfError, kindsOf, matches, type Letter } from "./letters.ts";

function letter(id: number, effect: string, last_error: string | null): Letter {
  return {
    id, effect, last_error, failures: [], aggregate_id: 1, aggregate_type: "part", attempts: 12, created_at: "2026-01-01T00:00:00Z", event_uuid: `e-${id}`,
    payload: {}, request_id: null, type: "stock.updated", version: 2,
  };
}

const LETTERS = [letter(1, "broadcast", "KeyError: 'a'"), letter(2, "broadcast", "KeyError: 'b'"), letter(3, "persist_audit", "KeyError: 'a'"), letter(4, "broadcast", null)];
const latency_ms = { deliveries: 0, p50: null, p95: null, p99: null };
const STATUS = { effects: { broadcast: { dead: 30, pending: 0, oldest_age_seconds: 0, latency_ms }, persist_audit: { dead: 1, pending: 0, oldest_age_seconds: 0, latency_ms } } } as unknown as Status;

it("an effect and the beginning of an error say which are meant, case included", () => {
  const ids = (effect: string, error: string) => LETTERS.filter((one) => matches(one, { effect, error })).map(({ id }) => id);
  expect(ids("", "")).toEqual([1, 2, 3, 4]);
  expect(ids("broadcast", "KeyError")).toEqual([1, 2]);
  expect(ids("", "KeyError: 'a'")).toEqual([1, 3]);
  expect(ids("", "keyerror")).toEqual([]);
});

it("what is not narrowed is not sent", () => {
  expect(asQuery({ effect: "", error: "" })).toEqual({ effect: null, error: null });
});

it("kinds are the first word of the error, the most frequent first", () => {
  expect(kindsOf(LETTERS)[0]).toEqual({ effect: "broadcast", error: "KeyError", count: 2 });
  expect(kindsOf(LETTERS)).toHaveLength(3);
  expect([kindOfError("sqlalchemy.exc.DataError: x"), kindOfError(null)]).toEqual(["sqlalchemy.exc.DataError", ""]);
});

it("how many are meant is exact by effect, and at least so many by error while not all are listed", () => {
  expect(countOf({ effect: "", error: "" }, STATUS, LETTERS, false)).toEqual({ count: 31, isAtLeast: false });
  expect(countOf({ effect: "persist_audit", error: "" }, STATUS, LETTERS, false)).toEqual({ count: 1, isAtLeast: false });
  expect(countOf({ effect: "broadcast", error: "KeyError" }, STATUS, LETTERS, false)).toEqual({ count: 2, isAtLeast: true });
  expect(countOf({ effect: "broadcast", error: "KeyError" }, STATUS, LETTERS, true)).toEqual({ count: 2, isAtLeast: false });
});
