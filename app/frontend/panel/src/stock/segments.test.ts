import { describe, expect, it } from "vitest";
import { due, extended, farthest, placed, placeOf, segmentAt, segmentsTo, stale, without, type Segment } from "./segments.ts";

const nothing = (): boolean => false;

/** A list that has been read: "" begins it, and each name leads to the next segment. */
function list(...segments: [cursor: string, ...ids: number[]][]): Segment[] {
  return segments.map(([cursor, ...ids], at) => ({ cursor: cursor || null, ids, next: segments[at + 1]?.[0] ?? null, isFresh: true }));
}

const idsOf = (segments: readonly Segment[]) => segments.map(({ ids }) => ids);

describe("a list", () => {
  it("is read from its top, and further once the rows near its end are on the screen", () => {
    let segments = segmentsTo({ cursor: null, trail: [] }, 100);
    expect(due(segments, -60, 60)).toBe(0);
    segments = placed(segments, 0, [1, 2, 3], "c", nothing);
    expect(due(segments, 0, 2)).toBeNull();
    expect(due(segments, 0, 3)).toBe("more");
    segments = extended(segments);
    expect([segments.at(-1)?.cursor, due(segments, 0, 3)]).toEqual(["c", 1]);
    segments = placed(segments, 1, [4], null, nothing);
    expect([due(segments, 0, 90), idsOf(segments)]).toEqual([null, [[1, 2, 3], [4]]]);
  });

  it("that begins deep down has placeholders for what is above, which is read when it is scrolled to", () => {
    const segments = segmentsTo({ cursor: "c", trail: [null, "b"] }, 3);
    expect(segments.flatMap(({ ids }) => ids).every((id) => id < 0)).toBe(true);
    expect(new Set(segments.flatMap(({ ids }) => ids)).size).toBe(6);
    expect(due(segments, 6, 8)).toBe(2);
    const read = placed(segments, 2, [7, 8], null, nothing);
    expect([due(read, 6, 8), due(read, 4, 8)]).toEqual([null, 1]);
    expect(placeOf(read, segmentAt(read, 7))).toEqual({ cursor: "c", trail: [null, "b"] });
  });

  it("is not followed in a circle", () => {
    expect(due([{ cursor: "c", ids: [1], next: "c", isFresh: true }], 0, 9)).toBeNull();
  });
});

describe("a segment that is read again", () => {
  it("has the one after it read again if that begins elsewhere now, and only then", () => {
    const segments = list(["", 1, 2], ["b", 3, 4], ["c", 5]);
    const same = placed(segments, 0, [1, 9], "b", nothing);
    expect(same.map(({ isFresh }) => isFresh)).toEqual([true, true, true]);
    const moved = placed(segments, 0, [1, 9], "a", nothing);
    expect(moved.map(({ cursor, isFresh }) => [cursor, isFresh])).toEqual([[null, true], ["a", false], ["c", true]]);
  });

  it("takes its rows from wherever they were: none is there twice", () => {
    expect(idsOf(placed(list(["", 1, 2], ["b", 3, 4]), 1, [4, 1], null, nothing))).toEqual([[2], [4, 1]]);
    expect(idsOf(placed(list(["", 1, 2], ["b", 3, 4]), 0, [1, 2, 3], "c", nothing))).toEqual([[1, 2, 3], [4]]);
  });

  it("ends the list where the server ends it; rows that are to stay do", () => {
    expect(idsOf(placed(list(["", 1], ["b", 2, 3], ["c", 4]), 0, [1], null, (id) => id === 3))).toEqual([[1, 3]]);
  });
});

it("what is stale is read again where the screen is, and what was dropped is gone everywhere", () => {
  const segments = stale(list(["", 1, 2], ["b", 3, 4], ["c", 5, 6]));
  expect(due(segments, 4, 5)).toBe(2);
  expect(idsOf(without(segments, new Set([1, 6])))).toEqual([[2], [3, 4], [5]]);
});

it("the farthest rows are spared first", () => {
  expect(farthest(list(["", 1, 2], ["b", 3, 4], ["c", 5, 6]), 5)).toEqual([0, 1, 2]);
});
