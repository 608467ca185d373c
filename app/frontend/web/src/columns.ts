/** The specifications that a table of parts shows. */
import type { LivePart } from "@lockstep/shared/live/state.ts";
import type { SpecificationFacet } from "@lockstep/shared/types.ts";

export interface Column {
  name: string;
  /** Numbers stand at the right, one below the other. */
  isNumber: boolean;
}

/** @returns the category's specifications, in its order, that at least one of the parts has. */
export function columnsOf(known: readonly SpecificationFacet[], parts: readonly LivePart[]): Column[] {
  const present = new Set(parts.flatMap((part) => part.content?.data.specifications ?? []).map(({ name }) => keyOf(name)));
  return known.filter(({ name }) => present.has(keyOf(name))).map(({ name, kind }) => ({ name, isNumber: kind === "range" }));
}

/** @returns what a part says of each of its specifications, by `keyOf` their names. */
export function cellsOf(part: LivePart): ReadonlyMap<string, string> {
  const cells = new Map<string, string>();
  for (const { name, value, unit } of part.content?.data.specifications ?? []) {
    const text = unit === "" ? value : `${value}\u00a0${unit}`;
    const before = cells.get(keyOf(name));
    cells.set(keyOf(name), before === undefined ? text : `${before}, ${text}`);
  }
  return cells;
}

export function keyOf(name: string): string {
  return name.toLowerCase();
}

export type Direction = "ascending" | "descending" | "none";

/** @param by a sort of the API without its sign. */
export function directionOf(sort: string, by: string): Direction {
  if (keyOf(sort) === keyOf(by)) return "ascending";
  return keyOf(sort) === keyOf(`-${by}`) ? "descending" : "none";
}

/** @returns the sort that a press on a column's header asks for. */
export function pressed<By extends string>(sort: string, by: By): By | `-${By}` {
  return directionOf(sort, by) === "ascending" ? `-${by}` : by;
}
