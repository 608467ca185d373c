/**
 * What a page knows of its parts, and the only rules by which that may change.
 *
 * Pure: no clock, no socket, no Vue. Each part has three aspects (content, stock,
 * price), each with a version of its own. Three things bring news:
 *
 * - an **event** applies only if its version is higher than the one held;
 * - a **reading** (an HTTP answer) applies unless it is older than what is held;
 * - a **watch acknowledgement** is authoritative: it may even lower a version (the
 *   server's database may have been restored from a backup). What arrived after that
 *   watch was sent is replayed on top of it, so that it cannot undo newer news.
 */
import type {
  AspectVersions,
  ContentState,
  ContentSummary,
  PartEvent,
  PartImage,
  PriceState,
  PublicListItem,
  PublicPart,
  StockState,
  WatchAck,
} from "../types.ts";

export interface Held<T> {
  readonly version: number;
  readonly data: T;
}

/** Content as held: a list brings the summary, or with the specifications; the part's own page needs the rest. */
export interface HeldContent extends Omit<ContentSummary, "specifications"> {
  /** null while only the summary is held. */
  readonly detail: {
    readonly description: string;
    readonly manufacturer: string | null;
    readonly manufacturer_number: string | null;
    readonly images: readonly PartImage[];
  } | null;
  /** Also a list may bring them; null while they are unknown. */
  readonly specifications: ContentState["specifications"] | null;
}

/** A part without a price is held too: its `data` is null, its version still counts. */
export interface LivePart {
  readonly id: number;
  readonly content: Held<HeldContent> | null;
  readonly stock: Held<StockState> | null;
  readonly price: Held<PriceState | null> | null;
  readonly updated_at: string | null;
  /** Not null: the part is archived, or not published any more, for all that we know. */
  readonly gone: { readonly at: number } | null;
}

export type PartsState = ReadonlyMap<number, LivePart>;

/** What an observation did, or what it asks the client to do. */
export type Outcome = "applied" | "stale" | "watch";

export interface Step {
  readonly part: LivePart;
  readonly outcome: Outcome;
}

/** Something learned since a watch was sent, to be replayed over its acknowledgement. */
export type Observation =
  | { readonly kind: "event"; readonly event: PartEvent }
  | { readonly kind: "reading"; readonly part: PublicPart | PublicListItem; readonly asOf: number };

export function unknownPart(id: number): LivePart {
  return { id, content: null, stock: null, price: null, updated_at: null, gone: null };
}

/** True if events alone can keep this part current. */
export function isHeld(part: LivePart | undefined): part is LivePart & {
  content: Held<HeldContent>;
  stock: Held<StockState>;
  price: Held<PriceState | null>;
} {
  return !!part && part.content !== null && part.stock !== null && part.price !== null;
}

/** The versions to state in a watch; null asks the server for everything. */
export function versionsOf(part: LivePart | undefined, needsDetail = false): AspectVersions | null {
  if (!isHeld(part) || part.gone) return null;
  if (needsDetail && part.content.data.detail === null) return null;
  return { content: part.content.version, stock: part.stock.version, price: part.price.version };
}

/** @param now a counter that grows with everything the client learns, never a wall clock. */
export function applyEvent(part: LivePart, event: PartEvent, now: number): Step {
  switch (event.type) {
    case "part.restored":
      return { part, outcome: "watch" };
    case "part.deleted":
      if (part.gone) return { part, outcome: "stale" };
      // A deletion no newer than the content held may be late news about a part that
      // has since been restored: only the server can tell.
      if (part.content && event.version <= part.content.version) return { part, outcome: "watch" };
      return { part: { ...part, gone: { at: now } }, outcome: "applied" };
    default:
      if (part.gone || !isHeld(part)) return { part, outcome: "watch" };
      return applyAspect(part, event);
  }
}

function applyAspect(
  part: LivePart,
  event: Exclude<PartEvent, { type: "part.deleted" | "part.restored" }>,
): Step {
  const updated_at = event.timestamp;
  switch (event.type) {
    case "stock.updated":
      if (!isNewer(event.version, part.stock)) return { part, outcome: "stale" };
      return { part: { ...part, updated_at, stock: { version: event.version, data: stockOf(event.data) } }, outcome: "applied" };
    case "price.updated":
      if (!isNewer(event.version, part.price)) return { part, outcome: "stale" };
      return {
        part: { ...part, updated_at, price: { version: event.version, data: priceOf(inCurrencyOf(part.price, event.data.price)) } },
        outcome: "applied",
      };
    case "content.updated":
      if (!isNewer(event.version, part.content)) return { part, outcome: "stale" };
      return { part: { ...part, updated_at, content: { version: event.version, data: contentOf(event.data) } }, outcome: "applied" };
  }
}

/**
 * Takes an HTTP answer in. A list item never takes away the detail that is held.
 * @param asOf the counter when the request was begun: an answer to a question asked
 *   after the part was found gone brings it back, an older one does not.
 */
export function applyReading(part: LivePart, reading: PublicPart | PublicListItem, asOf: number): LivePart {
  const gone = part.gone && asOf < part.gone.at ? part.gone : null;
  const content = heldContent(reading);
  const stock = { version: reading.versions.stock, data: stockOf(reading.stock) };
  const price = { version: reading.versions.price, data: priceOf(reading.price) };
  return {
    id: part.id,
    content: newestContent(part.content, content),
    stock: newest(part.stock, stock),
    price: newestPrice(part.price, price),
    updated_at: later(part.updated_at, reading.updated_at),
    gone,
  };
}

/** An HTTP 404. @param asOf the counter when the request was begun. */
export function applyAbsence(part: LivePart, asOf: number, now: number, learnedAt: number): LivePart {
  // Something newer than the question was heard since: the answer is out of date.
  if (learnedAt > asOf) return part;
  return part.gone ? part : { ...part, gone: { at: now } };
}

/**
 * Takes a watch acknowledgement in: the present state of every part that differed from
 * what the watch stated, then whatever was observed since the watch was sent.
 *
 * @returns the parts that changed, and those that must be watched again.
 */
export function applyAck(
  state: PartsState,
  ack: WatchAck,
  since: readonly Observation[],
  now: number,
): { changed: Map<number, LivePart>; watchAgain: Set<number> } {
  const changed = new Map<number, LivePart>();
  const watchAgain = new Set<number>();
  for (const part of ack.parts) changed.set(part.id, fromPublicPart(part));
  for (const id of ack.gone) {
    changed.set(id, { ...(state.get(id) ?? unknownPart(id)), gone: { at: now } });
  }
  for (const seen of since) {
    const id = seen.kind === "event" ? seen.event.part_id : seen.part.id;
    const part = changed.get(id);
    if (!part) continue;
    if (seen.kind === "reading") {
      // The absence in the acknowledgement was read after the watch was sent, as was
      // this: neither is surely the newer, so the server is asked once more.
      if (part.gone) watchAgain.add(id);
      else changed.set(id, applyReading(part, seen.part, seen.asOf));
      continue;
    }
    const step = applyEvent(part, seen.event, now);
    if (step.outcome === "applied") changed.set(id, step.part);
    if (step.outcome === "watch") watchAgain.add(id);
  }
  return { changed, watchAgain };
}

/** A whole part from the server, as held. */
export function fromPublicPart(part: PublicPart | PublicListItem): LivePart {
  return {
    id: part.id,
    content: heldContent(part),
    stock: { version: part.versions.stock, data: stockOf(part.stock) },
    price: { version: part.versions.price, data: priceOf(part.price) },
    updated_at: part.updated_at,
    gone: null,
  };
}

function isNewer(version: number, held: Held<unknown> | null): boolean {
  return held === null || version > held.version;
}

function newest<T>(held: Held<T> | null, read: Held<T>): Held<T> {
  return held !== null && held.version >= read.version ? held : read;
}

/** At equal versions the fuller of the two wins, since a list item has no tiers; and the one in the currency that was asked for last. */
function newestPrice(held: Held<PriceState | null> | null, read: Held<PriceState | null>): Held<PriceState | null> {
  if (held?.version === read.version && held.data?.currency !== read.data?.currency) return read;
  if (held?.version === read.version && held.data && !held.data.tiers && read.data?.tiers) return read;
  return newest(held, read);
}

function newestContent(held: Held<HeldContent> | null, read: Held<HeldContent>): Held<HeldContent> {
  if (held?.version === read.version && fullness(read.data) > fullness(held.data)) return read;
  return newest(held, read);
}

/** The detail never comes without the specifications. */
function fullness({ detail, specifications }: HeldContent): number {
  return detail ? 2 : specifications ? 1 : 0;
}

function heldContent(part: PublicPart | PublicListItem): Held<HeldContent> {
  return { version: part.versions.content, data: contentOf(part) };
}

function contentOf(content: ContentState | ContentSummary): HeldContent {
  const { id, sku, slug, part_name, category } = content;
  const summary = { id, sku, slug, part_name, category };
  if (!("images" in content)) return { ...summary, image: content.image, detail: null, specifications: content.specifications ?? null };
  const { description, manufacturer, manufacturer_number, images, specifications } = content;
  return { ...summary, image: images[0] ?? null, detail: { description, manufacturer, manufacturer_number, images }, specifications };
}

function stockOf({ current_stock, available_stock, is_in_stock, is_low_stock }: StockState): StockState {
  return { current_stock, available_stock, is_in_stock, is_low_stock };
}

/** An event has the price in every currency: the page goes on with the one that it shows. */
function inCurrencyOf(held: Held<PriceState | null> | null, price: PriceState | null): PriceState | null {
  return price?.others?.find((other) => other.currency === held?.data?.currency) ?? price;
}

function priceOf(price: PriceState | null): PriceState | null {
  if (!price) return null;
  return price.tiers ? { amount: price.amount, currency: price.currency, tiers: price.tiers } : { amount: price.amount, currency: price.currency };
}

/** Both in UTC, RFC 3339; compared as times, since fractions may differ in length. */
function later(a: string | null, b: string): string {
  return a !== null && Date.parse(a) > Date.parse(b) ? a : b;
}
