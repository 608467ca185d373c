/** The shopping list itself: pure rules of what becomes of its lines. */
import type { Asked } from "./parse.ts";
import { MAX_QUANTITY } from "./quantity.ts";

export interface Line extends Asked {
  /** Its own, in every tab and on every visit. */
  key: string;
  /** The part that was found for it, or chosen; null while that is open. */
  sku: string | null;
}

/** As many as `POST /parts/lookup` takes. */
export const MAX_LINES = 500;
const MAX_TEXT = 200;

export interface Addition {
  lines: Line[];
  added: number;
  /** How many went to a line that there was already. */
  together: number;
  /** How many were too many. */
  over: number;
}

/** @param makeKey gives each new line its key. */
export function withAdded(lines: readonly Line[], more: readonly (Asked & { sku?: string | null })[], makeKey: () => string): Addition {
  const result = { lines: [...lines], added: 0, together: 0, over: 0 };
  const places = new Map<string, number>();
  for (const [place, line] of lines.entries()) for (const name of namesOf(line)) if (!places.has(name)) places.set(name, place);
  for (const { asked, quantity, sku = null } of more) {
    const place = places.get(nameOf(sku ?? asked));
    const there = place === undefined ? undefined : result.lines[place];
    if (place !== undefined && there) {
      result.lines[place] = { ...there, quantity: Math.min(MAX_QUANTITY, there.quantity + quantity) };
      result.together += 1;
    } else if (result.lines.length >= MAX_LINES) {
      result.over += 1;
    } else {
      for (const name of namesOf({ asked, sku })) places.set(name, result.lines.length);
      result.lines.push({ key: makeKey(), asked, sku, quantity });
      result.added += 1;
    }
  }
  return result;
}

/** Says which part each of these lines means. Two lines of one part become one, at the place of the first. */
export function withFound(lines: readonly Line[], found: ReadonlyMap<string, string>): { lines: Line[]; together: number } {
  const named = lines.map((line) => ({ ...line, sku: found.get(line.key) ?? line.sku }));
  const first = new Map<string, Line>();
  const result: Line[] = [];
  for (const line of named) {
    const there = line.sku === null ? undefined : first.get(line.sku);
    if (there) there.quantity = Math.min(MAX_QUANTITY, there.quantity + line.quantity);
    else result.push(line);
    if (line.sku !== null && !there) first.set(line.sku, line);
  }
  return { lines: result, together: lines.length - result.length };
}

/** What was kept, or came with a link, made into lines; whatever is no line is left out. @returns null if it is no list. */
export function readLines(found: unknown): Line[] | null {
  if (!Array.isArray(found)) return null;
  const keys = new Set<string>();
  const lines: Line[] = [];
  for (const one of found as Partial<Record<keyof Line, unknown> | null>[]) {
    const { key, asked, sku, quantity } = one ?? {};
    if (!isText(key) || !isText(asked) || keys.has(key) || !isQuantity(quantity) || lines.length >= MAX_LINES) continue;
    keys.add(key);
    lines.push({ key, asked, sku: isText(sku) ? sku : null, quantity });
  }
  return lines;
}

export function isQuantity(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_QUANTITY;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "" && value.length <= MAX_TEXT;
}

function namesOf({ asked, sku }: Pick<Line, "asked" | "sku">): string[] {
  return [nameOf(sku ?? asked), nameOf(asked)];
}

function nameOf(text: string): string {
  return text.trim().toLowerCase();
}
