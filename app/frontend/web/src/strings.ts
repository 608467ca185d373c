/** Every text of the customer's site. */
import { formatMoney, formatNumber, formatPrice } from "@lockstep/shared/format.ts";

export const strings = {
  shopName: "Lockstep Parts",
  skipToContent: "Skip to content",

  live: {
    paused: "Live updates paused, prices may be out of date",
    lastChecked: (time: string) => `Last checked ${time}`,
  },

  stock: {
    inStock: "In stock",
    low: (count: number) => `Only ${formatNumber(count)} left`,
    out: "Out of stock",
    announce: (name: string, status: string) => `${name}: ${status}`,
  },

  price: {
    none: "Price on request",
    each: "each",
    updated: (from: string, to: string) => `Price updated from ${from} to ${to}`,
    tiersUpdated: "Quantity prices were updated",
    dismiss: "Dismiss",
    tiers: "Quantity prices",
    quantity: "Quantity",
    unitPrice: "Price each",
    tierRange: (from: number, to: number | null) =>
      to === null ? `${formatNumber(from)} or more` : from === to ? formatNumber(from) : `${formatNumber(from)} – ${formatNumber(to)}`,
    saving: (percent: number) => `Save ${formatNumber(percent)} %`,
    show: formatMoney,
    ofOne: formatPrice,
  },

  catalog: {
    title: "Parts",
    lead: "Stock and prices on this page are live.",
    search: "Search parts",
    searchPlaceholder: "Name or part number",
    clearSearch: "Clear the search",
    filters: "Filters",
    category: "Category",
    allCategories: "All categories",
    manufacturer: "Manufacturer",
    allManufacturers: "All makers",
    price: "Price",
    lowestPrice: "Lowest price",
    highestPrice: "Highest price",
    inStock: "In stock",
    counted: (label: string, count: number | undefined) => (count === undefined ? label : `${label} (${formatNumber(count)})`),
    sort: "Sort by",
    sorts: {
      "relevance": "Best match",
      "name": "Name, A to Z",
      "-name": "Name, Z to A",
      "price": "Price, low to high",
      "-price": "Price, high to low",
      "newest": "Newest first",
    },
    loading: "Loading parts",
    shown: (count: number, more: boolean) =>
      more ? `First ${formatNumber(count)} parts` : count === 1 ? "1 part" : `${formatNumber(count)} parts`,
    continued: (count: number) => (count === 1 ? "1 more part" : `${formatNumber(count)} more parts`),
    beginning: "From the beginning",
    ofTotal: (count: number) => `of ${formatNumber(count)}`,
    similar: (q: string) => `Nothing matches “${q}” exactly. These parts come close.`,
    more: "Show more parts",
    loadingMore: "Loading…",
    emptyTitle: "No parts found",
    emptySearch: (q: string) => `Nothing matches “${q}”. Fewer words, or a part of the number, may find more.`,
    emptyFilteredSearch: (q: string) => `Nothing matches “${q}” with these filters.`,
    emptyFilters: "Nothing matches these filters.",
    emptyShop: "There are no parts on sale at the moment.",
    clearFilters: "Clear filters",
    showAll: "Show all parts",
    unavailable: "No longer available",
  },

  part: {
    back: "All parts",
    breadcrumb: "You are here",
    home: "Parts",
    sku: "SKU",
    manufacturer: (name: string | null, number: string | null) => [name, number].filter(Boolean).join(" · "),
    description: "Description",
    noDescription: "There is no description of this part yet.",
    specifications: "Specifications",
    generalSpecifications: "General",
    pictures: "Pictures",
    showPicture: (n: number, total: number) => `Show picture ${n} of ${total}`,
    related: "Related parts",
    loading: "Loading the part",
    goneTitle: "This part is not available",
    goneNamed: (name: string) => `${name} is no longer available`,
    goneText: "It may have been withdrawn from sale. Should it come back while this page is open, it will appear here by itself.",
  },

  error: {
    title: "This could not be loaded",
    offline: "The shop did not answer. Check your connection; we will keep trying.",
    server: "Something went wrong on our side. It is not your fault.",
    busy: "The shop is very busy. Please try again in a moment.",
    retry: "Try again",
    reference: (id: string) => `Reference: ${id}`,
    more: "No more parts could be loaded.",
  },

  notFound: {
    title: "Page not found",
    text: "There is nothing at this address. It may have been mistyped, or have moved.",
    action: "See all parts",
  },
} as const;
