/** The list's query lives in the address, so that it can be shared, and "back" works. */
import type { PublicSort } from "@lockstep/shared/types.ts";
import { computed } from "vue";
import { useRoute, useRouter, type LocationQuery, type LocationQueryRaw, type RouteLocationNamedRaw } from "vue-router";
import { FILTERING } from "../router.ts";
import { meant } from "../numbers.ts";
import { isSpecificationSort, readFilters } from "../specifications.ts";
import type { CatalogQuery, View } from "../stores/catalog.ts";
import { strings } from "../strings.ts";
import { rememberedView } from "../views.ts";

/** More digits than the API takes. */
const TOO_MUCH = 10_000_000_000;
const AMOUNT = /^\d{1,10}(\.\d{1,6})?$/;
/** Values that choose nothing. */
const NO_CHOICE = new Set(["false", "relevance"]);

export function useCatalogQuery() {
  const route = useRoute();
  const router = useRouter();

  const query = computed(() =>
    readQuery({ ...route.query, ...("category" in route.params && { category: String(route.params["category"]) }) }, rememberedView.value),
  );

  const ignored = computed(() => ignoredIn(route.query, query.value));

  function change(part: Partial<CatalogQuery>): void {
    // Typing on in the search is one step for "back", not one a letter.
    const typing = part.q !== undefined && query.value.q !== "" && part.q !== "";
    void router[typing ? "replace" : "push"]({ ...addressOf(changed(query.value, part)), state: FILTERING });
  }

  return { query, ignored, change };
}

/** Whoever searches wants the best first; without a search there is nothing to be relevant to. */
export function defaultSort(q: string): PublicSort {
  return q ? "relevance" : "name";
}

/** @param view how the list is shown if the address does not say. */
export function readQuery(address: LocationQuery, view: View = "cards"): CatalogQuery {
  const q = text(address["q"], 200);
  const sort = text(address["sort"], 200);
  const cursor = text(address["cursor"], 4_000);
  const known = isSpecificationSort(sort) || (Object.hasOwn(strings.catalog.sorts, sort) && (sort !== "relevance" || q !== ""));
  const [minPrice, maxPrice] = inOrder(priceIn(address["min_price"]), priceIn(address["max_price"]));
  return {
    q,
    category: text(address["category"], 240),
    manufacturer: text(address["manufacturer"], 200),
    inStock: text(address["in_stock"]) === "true",
    minPrice,
    maxPrice,
    currency: /^[A-Z]{3}$/.exec(text(address["currency"]))?.[0] ?? "",
    specifications: readFilters(address, text),
    sort: known ? (sort as PublicSort) : defaultSort(q),
    view: text(address["view"]) === "table" ? "table" : view,
    ...(cursor && { cursor }),
  };
}

/** @returns what is said of that in an address which counts for nothing, with how to write it. */
export function ignoredIn(address: LocationQuery, { minPrice, maxPrice, currency, inStock, sort }: CatalogQuery): string[] {
  const asked = [
    ["price", "min_price", minPrice], ["price", "max_price", maxPrice], ["currency", "currency", currency], ["in_stock", "in_stock", inStock],
    ["sort", "sort", text(address["sort"], 200) === sort],
  ] as const;
  return asked.flatMap(([kind, name, read]) => {
    const value = text(address[name]);
    return value === "" || read || NO_CHOICE.has(value) ? [] : strings.catalog.ignored(kind, value);
  });
}

/** A category has a page of its own. */
export function addressOf(query: CatalogQuery): RouteLocationNamedRaw {
  const { category, ...others } = writeQuery(query);
  return category ? { name: "category", params: { category: String(category) }, query: others } : { name: "catalog", query: others };
}

/** A list of other parts, or in another order, begins at its beginning. */
export function writeQuery({
  q, category, manufacturer, inStock, minPrice, maxPrice, currency, specifications, sort, view,
}: CatalogQuery): LocationQueryRaw {
  const wanted = {
    q,
    category,
    manufacturer,
    in_stock: inStock ? "true" : "",
    min_price: minPrice,
    max_price: maxPrice,
    currency,
    ...specifications,
    sort: sort === defaultSort(q) ? "" : sort,
    view: view === "table" ? view : "",
  };
  return Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== "")) as LocationQueryRaw;
}

/**
 * A sort that nobody chose follows the search: relevance comes with it, and goes with it. Specifications are those of a category: another
 * one has others.
 */
export function changed(query: CatalogQuery, part: Partial<CatalogQuery>): CatalogQuery {
  const next = { ...query, ...part };
  const isOther = next.category !== query.category;
  if (isOther && !part.specifications) next.specifications = {};
  const isGone = isOther && isSpecificationSort(query.sort);
  if (part.sort === undefined && (isGone || query.sort === defaultSort(query.q))) next.sort = defaultSort(next.q);
  return next;
}

/** By more than its category, which has a page of its own. */
export function isFiltered({ manufacturer, inStock, minPrice, maxPrice, specifications }: CatalogQuery): boolean {
  return manufacturer !== "" || inStock || minPrice !== "" || maxPrice !== "" || Object.keys(specifications).length > 0;
}

/** @returns the amount as the API takes it, empty for none, or null if it is no amount of money. */
export function amountOf(typed: string): string | null {
  if (typed.trim() === "") return "";
  const amount = Number(typed);
  if (!(amount >= 0 && amount < TOO_MUCH)) return null;
  // What is written as an amount stays exact.
  const written = /^\d+(\.\d{1,6})?$/.test(typed.trim()) ? typed.trim() : amount.toFixed(6);
  return written.replace(/^0+(?=\d)/, "").replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "");
}

/** @returns a price that is written as the API takes it, or as the page's language types it; empty for any other text. */
function priceIn(value: unknown): string {
  const amount = meant(text(value));
  return AMOUNT.test(amount) ? (amountOf(amount) ?? "") : "";
}

/** Prices from 20 to 10 are prices from 10 to 20. */
function inOrder(lowest: string, highest: string): [string, string] {
  return lowest && highest && Number(lowest) > Number(highest) ? [highest, lowest] : [lowest, highest];
}

/** Without the invisible characters that a text brings along when it is pasted from a data sheet; the API refuses them. */
function text(value: unknown, most = 40): string {
  if (typeof value !== "string") return "";
  return value.slice(0, most).replace(/\p{Cc}/gu, " ").replace(/[\p{Cf}\p{Cs}]/gu, "").trim();
}
