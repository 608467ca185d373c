/** What was searched for last, latest first: kept in this browser alone, and as long as it lets us. */
import { shallowRef } from "vue";

const KEY = "lockstep.searches";
const MAX_KEPT = 6;
const searches = shallowRef(read());

function read(): readonly string[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one): one is string => typeof one === "string").slice(0, MAX_KEPT) : [];
  } catch {
    return [];
  }
}

function keep(now: readonly string[]): void {
  searches.value = now;
  try {
    localStorage.setItem(KEY, JSON.stringify(now));
  } catch {
    // Storage may be full or forbidden; then they last as long as the page.
  }
}

export function recentSearches() {
  return {
    searches,
    remember: (q: string) => keep([q, ...read().filter((one) => one !== q)].slice(0, MAX_KEPT)),
    clear: () => keep([]),
  };
}
