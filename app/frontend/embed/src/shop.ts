/**
 * What a page of another origin knows of the shop's parts, by SKU, and how it stays current.
 *
 * The first values come from `GET /parts/by-sku`; from then on the parts are watched over the socket, as in the shop's own pages
 * (`shared/live`), which also decides which of two updates is newer. Without a socket, and for parts beyond the number that may be
 * watched, the page asks every half minute instead.
 */
import type { ConnectionStatus, SocketLike } from "@lockstep/shared/live/connection.ts";
import { CustomerFeed } from "@lockstep/shared/live/customer-feed.ts";
import { MAX_WATCHED_PARTS } from "@lockstep/shared/live/limits.ts";
import { Dispatcher, type PartsKeeper } from "@lockstep/shared/live/dispatcher.ts";
import { isHeld, type LivePart } from "@lockstep/shared/live/state.ts";
import type { PublicListItem } from "@lockstep/shared/types.ts";

export type Availability = "in" | "low" | "out" | "gone";
export type Status = "connecting" | "live" | "polling";

/** A part as a page is told of it. With `gone`, the rest is null: no part that customers may see has this SKU. */
export interface Part {
  readonly sku: string;
  readonly availability: Availability;
  readonly id: number | null;
  readonly name: string | null;
  readonly url: string | null;
  readonly stock: number | null;
  readonly price: { readonly amount: string; readonly currency: string } | null;
}

export type Callback = (part: Part) => void;

interface Watcher {
  readonly callback: Callback;
}

interface Interest {
  /** Each call of `watch`; one callback may be in several. */
  readonly watchers: Set<Watcher>;
  id: number | null;
  /** The last that was told; null until something is known. */
  told: Part | null;
  endWatch: (() => void) | null;
}

export interface ShopOptions {
  origin: string;
  socket: SocketLike;
  /** Of the prices: no other one will do. By default the shop's, or the part's own. */
  currency?: string;
  fetch?: typeof fetch;
  random?: () => number;
}

export const POLL_MS = 30_000;
/** How long a page waits that may not read the shop: somebody has to change its settings first. */
const REFUSED_MS = 60_000;
const MAX_AT_ONCE = 50;
const LONGEST_SKU = 100;
const TIMEOUT_MS = 15_000;

/** The form in which the server compares SKUs; null if no part can have it. */
export function normalSku(sku: string): string | null {
  const text = sku.trim().normalize("NFC");
  return text && text.length <= LONGEST_SKU ? text : null;
}

export class Shop {
  readonly #origin: string;
  readonly #currency: string;
  readonly #fetch: typeof fetch;
  readonly #random: () => number;
  readonly #parts = new Map<number, LivePart>();
  readonly #interests = new Map<string, Interest>();
  readonly #dispatcher: Dispatcher;
  readonly #feed: CustomerFeed;
  readonly #due = new Set<string>();
  /** When each part was last heard of, by the dispatcher's clock. */
  readonly #heardAt = new Map<number, number>();
  #status: ConnectionStatus = "connecting";
  #isOpen = false;
  #isAsking = false;
  #isScheduled = false;
  #failures = 0;
  #hasComplained = false;
  #later: ReturnType<typeof setTimeout> | undefined;

  constructor({ origin, socket, currency = "", fetch: read = (...args) => fetch(...args), random = Math.random }: ShopOptions) {
    this.#origin = origin;
    this.#currency = currency;
    this.#fetch = read;
    this.#random = random;
    const keeper: PartsKeeper = { parts: this.#parts, put: (part) => this.#put(part) };
    this.#dispatcher = new Dispatcher(keeper);
    this.#feed = new CustomerFeed({
      socket, keeper, dispatcher: this.#dispatcher, random,
      onStatus: (status) => this.#became(status),
    });
    document.addEventListener("visibilitychange", this.#askAgain);
    window.addEventListener("online", this.#askAgain);
    setInterval(this.#askAgain, POLL_MS * (0.9 + random() / 5));
  }

  get status(): Status {
    return this.#status === "paused" ? "polling" : this.#status;
  }

  /** Tells `callback` of the part with each SKU, as soon as it is known and whenever it changes. @returns what ends that. */
  watch(skus: Iterable<string>, callback: Callback): () => void {
    const watched = new Set<string>();
    const watcher: Watcher = { callback };
    for (const given of skus) {
      const sku = normalSku(given);
      if (sku === null || watched.has(sku)) continue;
      watched.add(sku);
      const interest = this.#interests.get(sku) ?? { watchers: new Set(), id: null, told: null, endWatch: null };
      interest.watchers.add(watcher);
      this.#interests.set(sku, interest);
      if (interest.told) queueMicrotask(() => interest.told && interest.watchers.has(watcher) && tell(watcher, interest.told));
      else this.#need(sku);
    }
    return () => {
      for (const sku of watched) this.#unwatch(sku, watcher);
      watched.clear();
    };
  }

  #unwatch(sku: string, watcher: Watcher): void {
    const interest = this.#interests.get(sku);
    if (!interest?.watchers.delete(watcher) || interest.watchers.size > 0) return;
    interest.endWatch?.();
    this.#interests.delete(sku);
    this.#due.delete(sku);
    if (interest.id !== null && ![...this.#interests.values()].some(({ id }) => id === interest.id)) this.#parts.delete(interest.id);
    this.#balance();
  }

  // ------------------------------------------------------------ asking by SKU

  #need(sku: string): void {
    this.#due.add(sku);
    this.#schedule();
  }

  /** Waits for the end of the current turn, so that a page's many elements ask together. */
  #schedule(): void {
    if (this.#isScheduled || this.#isAsking || this.#later !== undefined) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.#isAsking) void this.#ask();
    });
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    let wait: number | null = null;
    while (this.#due.size > 0 && wait === null) {
      const skus = [...this.#due].slice(0, MAX_AT_ONCE);
      for (const sku of skus) this.#due.delete(sku);
      wait = await this.#askFor(skus);
      if (wait !== null) for (const sku of skus) if (this.#interests.has(sku)) this.#due.add(sku);
    }
    this.#isAsking = false;
    if (wait !== null) this.#askLater(wait);
  }

  /** Asks for some SKUs. @returns null, or for how long to wait before asking again, in milliseconds. */
  async #askFor(skus: string[]): Promise<number | null> {
    if (skus.length === 0) return null;
    const asOf = this.#dispatcher.begin();
    const query = [...skus.map((sku) => ["sku", sku]), ...(this.#currency ? [["currency", this.#currency]] : [])];
    let response: Response;
    try {
      response = await this.#fetch(`${this.#origin}/api/v1/parts/by-sku?${new URLSearchParams(query)}`, { credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS) });
      if (response.ok) {
        const { items } = (await response.json()) as { items: PublicListItem[] };
        this.#failures = 0;
        this.#answered(skus, items, asOf);
        return null;
      }
    } catch {
      return (await this.#isRefused()) ? REFUSED_MS : this.#pause();
    }
    if (response.status === 422) {
      // Some that no part can have: the others are asked for again without them.
      const { sku, currency } = await errorsOf(response);
      if (currency) return this.#complain(`there are no prices in ${this.#currency}: name a currency by its ISO 4217 code, such as USD.`);
      const refused = numbersIn(sku).flatMap((place) => skus[place] ?? []);
      for (const sku of refused) this.#missing(sku, asOf);
      if (refused.length > 0) return this.#askFor(skus.filter((sku) => !refused.includes(sku)));
    }
    return Math.max(1_000 * (Number(response.headers.get("Retry-After")) || 0), this.#pause());
  }

  #pause(): number {
    this.#failures += 1;
    return Math.min(POLL_MS, 500 * 2 ** Math.min(this.#failures, 10)) * (0.5 + this.#random());
  }

  #askLater(milliseconds: number): void {
    clearTimeout(this.#later);
    this.#later = setTimeout(() => {
      this.#later = undefined;
      this.#schedule();
    }, milliseconds);
  }

  /** A browser does not tell a page why it may not read an answer: that the shop answers at all, if not to this page, says it. */
  async #isRefused(): Promise<boolean> {
    // A shop that has just come back did not refuse what was asked before.
    if (this.#isOpen || this.#failures === 0) return false;
    try {
      await this.#fetch(`${this.#origin}/healthz`, { mode: "no-cors", credentials: "omit", signal: AbortSignal.timeout(TIMEOUT_MS) });
    } catch {
      return false;
    }
    this.#complain(`pages of ${location.origin} may not read ${this.#origin}. Add ${location.origin} to LOCKSTEP_ALLOWED_ORIGINS there.`);
    return true;
  }

  /** Says what somebody has to change first, once. @returns for how long to wait for that. */
  #complain(what: string): number {
    if (!this.#hasComplained) console.error(`Lockstep: ${what}`);
    this.#hasComplained = true;
    return REFUSED_MS;
  }

  #answered(skus: string[], items: PublicListItem[], asOf: number): void {
    const found = new Map(items.map((item) => [item.sku, item]));
    for (const sku of skus) {
      const interest = this.#interests.get(sku);
      const item = found.get(sku);
      if (!interest) continue;
      if (!item) {
        this.#missing(sku, asOf);
        continue;
      }
      if (interest.id !== item.id) this.#follow(interest, item.id);
      this.#dispatcher.reading(item, asOf);
      this.#tell(sku);
    }
    this.#balance();
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.#feed.open();
  }

  #follow(interest: Interest, id: number | null): void {
    interest.endWatch?.();
    interest.endWatch = null;
    interest.id = id;
  }

  /** No part had this SKU when it was asked for. One that is gone is watched on, since it may come back. */
  #missing(sku: string, asOf: number): void {
    const interest = this.#interests.get(sku);
    if (!interest) return;
    const { id } = interest;
    if (id !== null && (this.#heardAt.get(id) ?? 0) > asOf) {
      this.#need(sku);
      return;
    }
    if (id !== null && !this.#parts.get(id)?.gone) this.#follow(interest, null);
    this.#tell(sku);
  }

  /** Watches as many parts as one connection may; the rest are asked for by SKU. */
  #balance(): void {
    const watched = new Set([...this.#interests.values()].filter(({ endWatch }) => endWatch).map(({ id }) => id));
    for (const interest of this.#interests.values()) {
      if (interest.endWatch || interest.id === null) continue;
      if (!watched.has(interest.id) && watched.size >= MAX_WATCHED_PARTS) continue;
      watched.add(interest.id);
      interest.endWatch = this.#feed.watch([interest.id]);
    }
  }

  // ------------------------------------------------------------ staying current

  #became(status: ConnectionStatus): void {
    this.#status = status;
    // Back after a pause, or without the socket from now on.
    if (status !== "connecting") this.#askAgain();
  }

  /** Asks for whatever the socket does not keep current, unless nobody looks at the page. */
  readonly #askAgain = (): void => {
    if (document.visibilityState !== "visible") return;
    for (const [sku, { endWatch, told }] of this.#interests) {
      if (this.#status !== "live" || !endWatch || told?.availability === "gone") this.#due.add(sku);
    }
    if (this.#due.size > 0) this.#schedule();
  };

  #put(part: LivePart): void {
    this.#parts.set(part.id, part);
    this.#heardAt.set(part.id, this.#dispatcher.begin());
    for (const [sku, interest] of this.#interests) if (interest.id === part.id) this.#tell(sku);
  }

  #tell(sku: string): void {
    const interest = this.#interests.get(sku);
    if (!interest) return;
    let part = interest.id === null ? undefined : this.#parts.get(interest.id);
    if (part?.content && part.content.data.sku !== sku) {
      // The part has another SKU now, and perhaps another part has this one.
      this.#follow(interest, null);
      this.#need(sku);
      part = undefined;
    }
    let shown = shownAs(sku, part, this.#origin);
    if (this.#currency && shown.price && shown.price.currency !== this.#currency) {
      // The socket tells of the shop's own currency first, and does not say whether there is a price in this one.
      shown = { ...shown, price: interest.told?.price ?? null };
      this.#need(sku);
    }
    if (interest.told && JSON.stringify(interest.told) === JSON.stringify(shown)) return;
    interest.told = shown;
    for (const watcher of [...interest.watchers]) tell(watcher, shown);
  }
}

function shownAs(sku: string, part: LivePart | undefined, origin: string): Part {
  if (!isHeld(part) || part.gone) return { sku, availability: "gone", id: null, name: null, url: null, stock: null, price: null };
  const { data: stock } = part.stock;
  const price = part.price.data;
  return {
    sku,
    availability: !stock.is_in_stock ? "out" : stock.is_low_stock ? "low" : "in",
    id: part.id,
    name: part.content.data.part_name,
    url: `${origin}/parts/${part.id}/${part.content.data.slug}`,
    stock: stock.available_stock,
    price: price && { amount: price.amount, currency: price.currency },
  };
}

/** A callback that fails is the page's own fault, and must not keep the others from being told. */
function tell({ callback }: Watcher, part: Part): void {
  try {
    callback(part);
  } catch (error) {
    reportError(error);
  }
}

/** What the server says is wrong, by field, from its problem document. */
async function errorsOf(response: Response): Promise<{ sku?: unknown; currency?: unknown }> {
  const problem = (await response.json().catch(() => ({}))) as { errors?: { sku?: unknown; currency?: unknown } };
  return problem.errors ?? {};
}

/** The numbers of the SKUs that the server refuses. */
function numbersIn(sku: unknown): number[] {
  return sku && typeof sku === "object" && !Array.isArray(sku) ? Object.keys(sku).map(Number).filter(Number.isInteger) : [];
}

