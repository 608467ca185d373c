/** What differs between two content versions: field by field, specifications by name, pictures by id. Plain data. */
import type { components } from "@lockstep/shared/api.gen.ts";
import { same } from "../../audit/rows.ts";

export type Picture = components["schemas"]["Image"];
export type Specification = components["schemas"]["ShownSpecification"];

/** A version's content; one of an older release has fewer fields. */
export interface Snapshot {
  sku?: string;
  slug?: string;
  part_name?: string;
  description?: string;
  status?: string;
  archived?: boolean;
  manufacturer?: string | null;
  manufacturer_number?: string | null;
  category_id?: number | null;
  category?: { path: { name: string }[] } | null;
  specifications?: Specification[];
  images?: Picture[];
}

/** In the order of the editor. */
export const SCALARS = ["part_name", "sku", "slug", "status", "category", "manufacturer", "manufacturer_number"] as const;
export type Scalar = (typeof SCALARS)[number];

export interface ScalarPair {
  readonly field: Scalar;
  readonly old: string;
  readonly new: string;
  readonly differs: boolean;
}

export type Way = "same" | "added" | "removed" | "changed" | "moved";

/** One item of a list: `old` or `new` is missing where it was added or removed. */
export interface ItemPair<T> {
  readonly key: string;
  readonly old: T | null;
  readonly new: T | null;
  readonly way: Way;
}

export interface Comparison {
  readonly scalars: readonly ScalarPair[];
  /** Rich text, as HTML. */
  readonly description: { readonly old: string; readonly new: string; readonly differs: boolean };
  readonly specifications: readonly ItemPair<Specification>[];
  readonly images: readonly ItemPair<Picture>[];
  readonly differs: boolean;
}

function textOf(snapshot: Snapshot, field: Scalar): string {
  if (field === "category") return (snapshot.category?.path ?? []).map(({ name }) => name).join(" / ");
  if (field === "status" && snapshot.archived) return "archived";
  return snapshot[field] ?? "";
}

export function compare(old: Snapshot, next: Snapshot): Comparison {
  const scalars = SCALARS.map((field) => {
    const [before, after] = [textOf(old, field), textOf(next, field)];
    return { field, old: before, new: after, differs: before !== after };
  });
  const description = { old: old.description ?? "", new: next.description ?? "", differs: (old.description ?? "") !== (next.description ?? "") };
  const specifications = items(old.specifications ?? [], next.specifications ?? [], ({ group, name }) => `${group}\n${name}`);
  const images = items(old.images ?? [], next.images ?? [], ({ id }) => String(id));
  const differs = description.differs || [...scalars].some((one) => one.differs) || [...specifications, ...images].some(({ way }) => way !== "same");
  return { scalars, description, specifications, images, differs };
}

/** Pairs by identity; of two that are called the same, the second goes with the second. In the new order, what is gone where it was. */
export function items<T>(old: readonly T[], next: readonly T[], identity: (item: T) => string): ItemPair<T>[] {
  const [before, after] = [keyed(old, identity), keyed(next, identity)];
  const stays = [...before.keys()].filter((key) => after.has(key));
  const stayed = longestCommon(stays, [...after.keys()].filter((key) => before.has(key)));
  const pairs: ItemPair<T>[] = [...after].map(([key, item]) => {
    const known = before.get(key);
    if (known === undefined) return { key, old: null, new: item, way: "added" };
    return { key, old: known, new: item, way: !same(known, item) ? "changed" : stayed.has(key) ? "same" : "moved" };
  });
  const order = [...before.keys()];
  for (const [at, key] of order.entries()) {
    if (after.has(key)) continue;
    // Behind what it stood behind.
    const place = pairs.findIndex((pair) => pair.key === order[at - 1]) + 1;
    pairs.splice(place, 0, { key, old: before.get(key) ?? null, new: null, way: "removed" });
  }
  return pairs;
}

function keyed<T>(list: readonly T[], identity: (item: T) => string): Map<string, T> {
  const found = new Map<string, T>();
  for (const item of list) {
    let key = identity(item);
    while (found.has(key)) key += "\n+";
    found.set(key, item);
  }
  return found;
}

/** The keys that keep their order: the longest rising run of old positions (patience, with back-links). */
function longestCommon(old: readonly string[], next: readonly string[]): Set<string> {
  const at = new Map(old.map((key, position) => [key, position]));
  const nodes: { key: string; position: number; before: number | null }[] = [];
  const ends: number[] = [];
  for (const key of next) {
    const position = at.get(key) ?? 0;
    let length = ends.findIndex((node) => (nodes[node]?.position ?? 0) > position);
    if (length < 0) length = ends.length;
    nodes.push({ key, position, before: ends[length - 1] ?? null });
    ends[length] = nodes.length - 1;
  }
  const kept = new Set<string>();
  for (let node: number | null | undefined = ends.at(-1); node != null; node = nodes[node]?.before) kept.add(nodes[node]?.key ?? "");
  return kept;
}

/** Rich text as plain text, a line for each block, to be compared by words. */
export function plain(html: string): string {
  const body = new DOMParser().parseFromString(html.replace(/<(\/?(p|li|h[1-6]|ul|ol|table|tr|blockquote|pre|div)\b[^>]*|br[^>]*)>/gi, "\n$&"), "text/html").body;
  return (body.textContent ?? "").replace(/[ \t]*\n\s*/g, "\n").trim();
}

/** Which version stands beside another if none is named: the one before it that is kept. */
export function partner(numbers: readonly number[], version: number): number | null {
  return numbers.filter((number) => number < version).reduce<number | null>((best, number) => Math.max(best ?? number, number), null);
}
