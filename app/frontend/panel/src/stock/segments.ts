/**
 * The list as the server gives it: page after page by cursor, each a segment with the ids of its rows. Pure.
 *
 * Only what is near the rows on the screen is read; the rest keeps its ids, or placeholders for them, so that nothing jumps.
 */
import type { Place } from "./view.ts";

export interface Segment {
  /** Where it begins; null: at the top. */
  readonly cursor: string | null;
  /** Negative numbers stand for rows that were never read. */
  readonly ids: readonly number[];
  /** Where the one after it begins; null: it is the last; undefined: not known yet. */
  readonly next: string | null | undefined;
  /** Whether it holds what the server last said, and all of its rows are here. */
  readonly isFresh: boolean;
}

let placeholder = 0;

function unread(cursor: string | null, count: number): Segment {
  return { cursor, ids: Array.from({ length: count }, () => (placeholder -= 1)), next: undefined, isFresh: false };
}

/** The list before anything is read, as far as `place` tells how long it is. */
export function segmentsTo({ cursor, trail }: Place, size: number): Segment[] {
  return [...trail.map((start) => unread(start, size)), unread(cursor, 0)];
}

export function placeOf(segments: readonly Segment[], at: number): Place {
  return { cursor: segments[at]?.cursor ?? null, trail: segments.slice(0, at).map(({ cursor }) => cursor) };
}

/** @returns which segment holds the row at this place in the list; the last one for rows beyond the end. */
export function segmentAt(segments: readonly Segment[], row: number): number {
  let end = 0;
  const found = segments.findIndex(({ ids }) => row < (end += ids.length));
  return found < 0 ? segments.length - 1 : found;
}

/**
 * What to read next for the rows from `first` to `last` to be there: a segment, or `more` after the last; null if nothing.
 */
export function due(segments: readonly Segment[], first: number, last: number): number | "more" | null {
  let start = 0;
  for (const [at, { ids, isFresh }] of segments.entries()) {
    const end = start + ids.length;
    const isNear = start <= last && (end > first || ids.length === 0);
    if (isNear && !isFresh) return at;
    start = end;
  }
  const end = segments.at(-1);
  // A cursor that leads to itself would be followed for ever.
  return start <= last && end?.next && end.next !== end.cursor ? "more" : null;
}

export function extended(segments: readonly Segment[]): Segment[] {
  return [...segments, unread(segments.at(-1)?.next ?? null, 0)];
}

/**
 * Puts a reading in its place. The cursor with which it ended is where the next segment begins: if that has moved, the next is
 * read again once it is near. A row is in one segment only, that of the latest reading.
 * @param stays whether a row stays that was below the end of the list.
 */
export function placed(segments: readonly Segment[], at: number, ids: readonly number[], next: string | null, stays: (id: number) => boolean): Segment[] {
  const here = new Set(ids);
  const without = (segment: Segment): Segment =>
    segment.ids.some((id) => here.has(id)) ? { ...segment, ids: segment.ids.filter((id) => !here.has(id)) } : segment;
  const above = segments.slice(0, at).map(without);
  const [following, ...rest] = segments.slice(at + 1).map(without);
  const cursor = segments[at]?.cursor ?? null;
  if (next === null) {
    const staying = [following, ...rest].flatMap((segment) => segment?.ids ?? []).filter(stays);
    return [...above, { cursor, ids: [...ids, ...staying], next, isFresh: true }];
  }
  const mine = { cursor, ids, next, isFresh: true };
  if (!following) return [...above, mine];
  return [...above, mine, following.cursor === next ? following : { ...following, cursor: next, isFresh: false }, ...rest];
}

export function without(segments: readonly Segment[], gone: ReadonlySet<number>): Segment[] {
  return segments.map((segment) => ({ ...segment, ids: segment.ids.filter((id) => !gone.has(id)) }));
}

export function stale(segments: readonly Segment[]): Segment[] {
  return segments.map((segment) => ({ ...segment, isFresh: false }));
}

/** @returns the segments in the order in which their rows can be spared: the farthest from the row `middle` first. */
export function farthest(segments: readonly Segment[], middle: number): number[] {
  let start = 0;
  const distances = segments.map(({ ids }, at) => {
    const centre = start + ids.length / 2;
    start += ids.length;
    return { at, distance: Math.abs(centre - middle) };
  });
  return distances.sort((a, b) => b.distance - a.distance).map(({ at }) => at);
}
