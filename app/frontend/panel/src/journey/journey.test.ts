import { expect, it } from "vitest";
import { answered, begun, isOver, pagesOf, read, settled, stepsOf, type EventJourney } from "./journey.ts";

const told = (event_id: string, effect: string, ms: number, pages?: number) => ({ event_id, effect, ms, ...(pages === undefined ? {} : { pages }) });

it("begins with nothing known, takes in the answer, then each message, and is over when nothing is to come", () => {
  let journey = begun(["e"], 0);
  expect([stepsOf(journey), isOver(journey)]).toEqual([[], false]);
  journey = answered(journey, { settled: [told("e", "broadcast", 12)], pending: [{ event_id: "e", effect: "persist_audit" }] });
  expect(stepsOf(journey)).toEqual([
    { effect: "persist_audit", done: 0, of: 1, first: null, last: null },
    { effect: "broadcast", done: 1, of: 1, first: 12, last: 12 },
  ]);
  expect(isOver(journey)).toBe(false);
  journey = settled(journey, told("e", "persist_audit", 40));
  expect(isOver(journey)).toBe(true);
});

it("a message that comes before the answer is not undone by it", () => {
  const journey = answered(settled(begun(["e"], 0), told("e", "persist_audit", 40)), { settled: [], pending: [{ event_id: "e", effect: "persist_audit" }] });
  expect(isOver(journey)).toBe(true);
});

it("many events are one line: how many have come through, from the first to the last, and all pages together", () => {
  let journey = answered(begun(["a", "b", "c"], 0), {
    settled: [told("a", "broadcast", 10, 2), told("b", "broadcast", 30, 5)],
    pending: [{ event_id: "c", effect: "broadcast" }],
  });
  expect(stepsOf(journey)).toEqual([{ effect: "broadcast", done: 2, of: 3, first: 10, last: 30 }]);
  expect(pagesOf(journey)).toBe(7);
  journey = settled(journey, told("c", "broadcast", 20));
  expect([isOver(journey), pagesOf(journey)]).toEqual([true, 7]);
});

it("the number of pages rises, and never falls by a message that is late", () => {
  let journey = settled(begun(["e"], 0), told("e", "broadcast", 12));
  expect(pagesOf(journey)).toBeNull();
  journey = settled(settled(journey, told("e", "broadcast", 12, 37)), told("e", "broadcast", 12, 20));
  expect(pagesOf(journey)).toBe(37);
  expect(pagesOf(settled(journey, told("e", "broadcast", 12)))).toBe(37);
});

it("what others follow is none of ours", () => {
  const journey = begun(["e"], 0);
  expect(settled(journey, told("f", "broadcast", 12))).toBe(journey);
});

it("the API's answer says the same as the socket's messages", () => {
  const effect = (ms: number | null): EventJourney["effects"][string] => ({ state: ms === null ? "pending" : "done", ms, attempts: 1, done_at: null, last_error: null, failures: [] });
  const journey = read(begun(["e"], 0), { event_id: "e", pages: 4, effects: { broadcast: effect(9), persist_audit: effect(null) } } as unknown as EventJourney);
  expect(stepsOf(journey).map(({ effect: name, done }) => [name, done])).toEqual([["persist_audit", 0], ["broadcast", 1]]);
  expect(pagesOf(journey)).toBe(4);
});
