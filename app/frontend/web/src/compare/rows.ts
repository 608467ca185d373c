/** What a comparison says, row by row, from what is known of its parts. */
import type { LivePart } from "@lockstep/shared/live/state.ts";

export interface Row {
  key: string;
  name: string;
  group: string;
  /** By part, in their order; null where a part has no such property. */
  values: (string | null)[];
  differs: boolean;
}

/** What is asked of every part. */
export type Property = readonly [key: string, name: string, of: (part: LivePart) => string | null];

/** @param parts null for those of which nothing is known: they take no part in what differs. */
export function comparison(parts: readonly (LivePart | null)[], properties: readonly Property[], categoryName: (part: LivePart) => string | null, categoryLabel: string): Row[] {
  const general = [...properties, ["category", categoryLabel, categoryName] as const].map(([key, name, of]) =>
    rowOf(`.${key}`, name, "", parts.map((part) => (part ? of(part) : null)), parts));
  const specified = new Map<string, { name: string; group: string; values: (string | null)[] }>();
  for (const [place, part] of parts.entries()) {
    for (const { name, group, value, unit } of part?.content?.data.detail?.specifications ?? []) {
      const key = `${group}/${name.toLowerCase()}`;
      const row = specified.get(key) ?? { name, group, values: parts.map(() => null) };
      const said = unit ? `${value}\u00a0${unit}` : value;
      // A name may stand in one group only once, but for its case.
      row.values[place] = row.values[place] ? `${row.values[place]}, ${said}` : said;
      specified.set(key, row);
    }
  }
  return [...general.filter(({ values }) => values.some((value) => value !== null)), ...[...specified].map(([key, { name, group, values }]) => rowOf(key, name, group, values, parts))];
}

function rowOf(key: string, name: string, group: string, values: (string | null)[], parts: readonly (LivePart | null)[]): Row {
  const compared = values.filter((_, place) => parts[place]);
  return { key, name, group, values, differs: new Set(compared.map((value) => value?.toLowerCase() ?? null)).size > 1 };
}

/** @returns the ids in an address, each once, and whether there were more than can be shown. */
export function readIds(query: unknown, most: number): { ids: number[]; isTooMany: boolean } {
  const asked = typeof query === "string" ? query.split(/[,\s]+/).filter((id) => /^[1-9]\d{0,9}$/.test(id)).map(Number) : [];
  const ids = [...new Set(asked)];
  return { ids: ids.slice(0, most), isTooMany: ids.length > most };
}
