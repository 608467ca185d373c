/**
 * The texts that the server's pages show as well (`app/templates/site/texts/*.json`), as the application uses them: numbers are
 * written in the page's language, and one thing is not called many.
 */
import { formatMoney, formatNumber, formatPrice } from "@lockstep/shared/format.ts";
import type * as english from "../../../../templates/site/texts/en.json";

/** The sections that a page needs; the server's own ("server") is not among them. */
export type Texts = Omit<typeof english, "default" | "server">;

interface Plural {
  one: string;
  other: string;
}

/** Puts each value in the place of its name: `fill("Only {count} left", { count: "3" })`. */
export function fill(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\{(\w+)\}/g, (placeholder, name: string) => values[name] ?? placeholder);
}

/** A text with a number in it, for one thing or for several: English and German know no other forms. */
export function counted({ one, other }: Plural, count: number): string {
  return fill(count === 1 ? one : other, { count: formatNumber(count) });
}

export function sections({ shop, live, stock, price, catalog, table, part, error, notFound, header, suggest, home, buy }: Texts) {
  return {
    shopName: shop.name,
    skipToContent: shop.skipToContent,

    live: { ...live, lastChecked: (time: string) => fill(live.lastChecked, { time }) },

    stock: {
      ...stock,
      low: (count: number) => fill(stock.low, { count: formatNumber(count) }),
      announce: (name: string, status: string) => fill(stock.announce, { name, status }),
    },

    price: {
      ...price,
      updated: (from: string, to: string) => fill(price.updated, { from, to }),
      tierRange: (from: number, to: number | null) => {
        if (to === null) return fill(price.orMore, { count: formatNumber(from) });
        return from === to ? formatNumber(from) : fill(price.between, { from: formatNumber(from), to: formatNumber(to) });
      },
      saving: (percent: number) => fill(price.saving, { percent: formatNumber(percent) }),
      show: formatMoney,
      ofOne: formatPrice,
    },

    catalog: {
      ...catalog,
      counted: (label: string, count: number | undefined) => (count === undefined ? label : `${label} (${formatNumber(count)})`),
      shown: (count: number, more: boolean) =>
        more ? fill(catalog.shownFirst, { count: formatNumber(count) }) : counted(catalog.shown, count),
      inCategory: (count: number) => counted(catalog.shown, count),
      continued: (count: number) => counted(catalog.continued, count),
      ofTotal: (count: number) => fill(catalog.ofTotal, { count: formatNumber(count) }),
      ignored: (kind: keyof typeof catalog.ignored, value: string) => fill(catalog.ignored[kind], { value }),
      similar: (q: string) => fill(catalog.similar, { q }),
      emptySearch: (q: string) => fill(catalog.emptySearch, { q }),
      emptyFilteredSearch: (q: string) => fill(catalog.emptyFilteredSearch, { q }),
    },

    table: {
      ...table,
      sorted: (name: string) => fill(table.sorted, { name }),
      sortedDown: (name: string) => fill(table.sortedDown, { name }),
      chosen: (count: number) => fill(table.chosen, { count: formatNumber(count) }),
      showAllValues: (count: number) => fill(table.showAllValues, { count: formatNumber(count) }),
      least: (name: string) => fill(table.least, { name }),
      most: (name: string) => fill(table.most, { name }),
      remove: (filter: string) => fill(table.remove, { filter }),
      is: (name: string, value: string) => fill(table.is, { name, value }),
      between: (name: string, min: string, max: string) => fill(min && max ? table.between : min ? table.atLeast : table.atMost, { name, min, max }),
    },

    part: {
      ...part,
      manufacturer: (name: string | null, number: string | null) => [name, number].filter(Boolean).join(" · "),
      showPicture: (n: number, total: number) => fill(part.showPicture, { n: formatNumber(n), total: formatNumber(total) }),
      /** @param name that of the part, if it is known. */
      gone: (name: string | undefined) => (name === undefined ? part.goneTitle : fill(part.goneNamed, { name })),
      goneMore: (category: string) => fill(part.goneMore, { category }),
    },

    error: { ...error, reference: (id: string) => fill(error.reference, { id }) },

    notFound,
    header,

    suggest: {
      ...suggest,
      found: (count: number) => counted(suggest.found, count),
    },

    home,

    buy,
  };
}
