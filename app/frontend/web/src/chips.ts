/** What a list is filtered by, in words, and what is left to ask when one of these filters is taken away. */
import { formatAmount } from "@lockstep/shared/format.ts";
import type { SpecificationFacet } from "@lockstep/shared/types.ts";
import { readQuery } from "./composables/useCatalogQuery.ts";
import { asRead, asTyped } from "./numbers.ts";
import { chosenRange, chosenValues, filteredNames, sameName, withRange, withValue } from "./specifications.ts";
import type { CatalogQuery } from "./stores/catalog.ts";
import { strings } from "./strings.ts";

export interface Chip {
  label: string;
  without: Partial<CatalogQuery>;
}

/**
 * Without the category, which is the page's heading.
 * @param known what is known of the specifications: which of them are measures.
 */
export function chipsOf({ manufacturer, inStock, minPrice, maxPrice, specifications }: CatalogQuery, known: readonly Pick<SpecificationFacet, "name" | "kind">[]): Chip[] {
  const { is, between } = strings.table;
  const amount = (typed: string): string => (typed === "" ? "" : formatAmount(typed));
  const chips: Chip[] = [];
  if (manufacturer) chips.push({ label: is(strings.catalog.manufacturer, manufacturer), without: { manufacturer: "" } });
  if (minPrice || maxPrice) chips.push({ label: between(strings.catalog.price, amount(minPrice), amount(maxPrice)), without: { minPrice: "", maxPrice: "" } });
  if (inStock) chips.push({ label: strings.catalog.inStock, without: { inStock: false } });
  for (const name of filteredNames(specifications)) {
    const isMeasured = known.some((one) => one.kind === "range" && sameName(one.name, name));
    const { min, max } = chosenRange(specifications, name);
    for (const value of chosenValues(specifications, name)) {
      chips.push({ label: is(name, isMeasured ? asRead(value) : value), without: { specifications: withValue(specifications, name, value, false) } });
    }
    if (min || max) chips.push({ label: between(name, asTyped(min), asTyped(max)), without: { specifications: withRange(specifications, name, { min: "", max: "" }) } });
  }
  return chips;
}

/** @returns what is left to ask when all of these filters are taken away. */
export function cleared(query: CatalogQuery): CatalogQuery {
  return readQuery({ q: query.q, category: query.category }, query.view);
}
