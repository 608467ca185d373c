/** What may be wrong with a list of specifications. */
import type { Fields } from "./merge.ts";
import { rowsOf, type SpecificationRow } from "./rows.ts";

/** @returns the key of what is wrong with each row, by the row's key. */
export function specificationFaults(values: Fields): Record<string, string> {
  const faults: Record<string, string> = {};
  const seen = new Set<string>();
  for (const { key, group, name, value } of rowsOf<SpecificationRow>(values)) {
    const named = JSON.stringify([group.trim(), name.trim()]);
    if (name.trim() === "") faults[key] = "part.specifications.noName";
    else if (value.trim() === "") faults[key] = "part.specifications.noValue";
    else if (seen.has(named)) faults[key] = "part.specifications.twice";
    seen.add(named);
  }
  return faults;
}
