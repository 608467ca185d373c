/**
 * Keeps the parts on a customer's page current, whatever happens to the connection.
 *
 * Pages register what they show (`watch`, `watchCatalog`) and unregister it again; the feed
 * tells the server while connected: on every connection, on `resync` after a jitter, when
 * the page becomes visible, and every 20 s. Only one watch is in flight at a time, because
 * acknowledgements are authoritative and must not overtake each other.
 */
import { PART_EVENT_TYPES, type AnswersToCustomers, type FromCustomers, type PartEvent, type ToCustomers, type WatchRequest } from "../types.ts";
import { Connection, type ConnectionStatus, type SocketLike } from "./connection.ts";
import type { Dispatcher, PartsKeeper } from "./dispatcher.ts";
import { MAX_WATCHED_PARTS } from "./limits.ts";
import { versionsOf } from "./state.ts";

export const WATCH_AGAIN_MS = 20_000;
const ACK_TIMEOUT_MS = 10_000;
const RESYNC_JITTER_MS = 2_000;
const SEEN_SHARE = 0.1;
/** How long to wait for a busy server that does not say for how long. */
const BUSY_MS = 1_000;
const LONGEST_BUSY_MS = 60_000;

export interface CustomerFeedOptions {
  socket: SocketLike;
  keeper: PartsKeeper;
  dispatcher: Dispatcher;
  onStatus?: (status: ConnectionStatus) => void;
  /** The server has confirmed everything that is watched. */
  onChecked?: () => void;
  onCatalog?: (token: string) => void;
  /** Told with every acknowledgement, too: the tree has no versions that parts could tell of. */
  onCategories?: (token: string) => void;
  random?: () => number;
}

interface Interest {
  viewers: number;
  detailViewers: number;
}

export class CustomerFeed {
  readonly #options: CustomerFeedOptions;
  readonly #connection: Connection;
  readonly #random: () => number;
  readonly #interests = new Map<number, Interest>();
  /** Parts to send as null (nothing held) in the next watch, whatever is actually held. */
  readonly #ignorant = new Set<number>();
  readonly #leaving = new Set<number>();
  #leave: ReturnType<typeof setTimeout> | undefined;
  #catalogViewers = 0;
  /** A server of an earlier release refuses to be asked for the category tree: it is not, on this connection. */
  #asksForCategories = true;
  #due: Set<number> | "all" = new Set();
  #underWay = false;
  #scheduled = false;
  #interval: ReturnType<typeof setInterval> | undefined;
  #jitter: ReturnType<typeof setTimeout> | undefined;
  /** While this timer runs, a busy server has asked us to wait. */
  #busy: ReturnType<typeof setTimeout> | undefined;

  constructor(options: CustomerFeedOptions) {
    this.#options = options;
    this.#random = options.random ?? Math.random;
    const { socket } = options;
    this.#connection = new Connection({
      socket,
      random: this.#random,
      onStatus: (status) => options.onStatus?.(status),
      onConnect: () => {
        this.#asksForCategories = options.onCategories !== undefined;
        this.#watchAll();
      },
    });
    for (const type of PART_EVENT_TYPES) socket.on(type, this.#onEvent);
    socket.on("catalog.changed", this.#onCatalogChanged);
    socket.on("categories.changed", this.#onCategoriesChanged);
    socket.on("resync", this.#onResync);
    document.addEventListener("visibilitychange", this.#onVisibility);
  }

  open(): void {
    this.#interval = setInterval(() => this.#watchAll(), WATCH_AGAIN_MS);
    this.#connection.open();
  }

  close(): void {
    clearInterval(this.#interval);
    clearTimeout(this.#jitter);
    clearTimeout(this.#leave);
    clearTimeout(this.#busy);
    document.removeEventListener("visibilitychange", this.#onVisibility);
    const { socket } = this.#options;
    for (const type of PART_EVENT_TYPES) socket.off(type, this.#onEvent);
    socket.off("catalog.changed", this.#onCatalogChanged);
    socket.off("categories.changed", this.#onCategoriesChanged);
    socket.off("resync", this.#onResync);
    this.#connection.close();
  }

  /**
   * @param detail whether the page shows more than a list does.
   * @returns a function that ends the interest.
   */
  watch(ids: Iterable<number>, { detail = false } = {}): () => void {
    const watched = [...new Set(ids)];
    for (const id of watched) {
      const interest = this.#interests.get(id) ?? { viewers: 0, detailViewers: 0 };
      interest.viewers += 1;
      if (detail) interest.detailViewers += 1;
      this.#interests.set(id, interest);
      this.#need(id);
    }
    let given = false;
    return () => {
      if (given) return;
      given = true;
      this.#giveUp(watched, detail);
    };
  }

  watchCatalog(): () => void {
    this.#catalogViewers += 1;
    this.#schedule();
    return () => {
      this.#catalogViewers -= 1;
    };
  }

  #giveUp(ids: number[], detail: boolean): void {
    for (const id of ids) {
      const interest = this.#interests.get(id);
      if (!interest) continue;
      interest.viewers -= 1;
      if (detail) interest.detailViewers -= 1;
      if (interest.viewers === 0) this.#leaving.add(id);
    }
    // The next page may want the same parts: wait until it has registered them.
    this.#leave ??= setTimeout(() => this.#unwatch(), 0);
  }

  #unwatch(): void {
    clearTimeout(this.#leave);
    this.#leave = undefined;
    const left = [...this.#leaving].filter((id) => this.#interests.get(id)?.viewers === 0);
    this.#leaving.clear();
    for (const id of left) {
      this.#interests.delete(id);
      this.#ignorant.delete(id);
    }
    if (left.length > 0 && this.#options.socket.connected) this.#say("unwatch", { parts: left });
  }

  readonly #onEvent = (event: PartEvent): void => {
    if (!this.#interests.has(event.part_id)) return;
    const outcome = this.#options.dispatcher.event(event);
    if (outcome === "watch") {
      this.#ignorant.add(event.part_id);
      this.#need(event.part_id);
    }
    if (outcome === "applied" && this.#random() < SEEN_SHARE) {
      // Vue has rendered by the next frame, so this is when the change is seen.
      requestAnimationFrame(() => this.#say("seen", { id: event.id }));
    }
  };

  readonly #onCatalogChanged = (news: ToCustomers["catalog.changed"]): void => {
    if (this.#catalogViewers > 0) this.#options.onCatalog?.(news.catalog);
  };

  readonly #onCategoriesChanged = (news: ToCustomers["categories.changed"]): void => this.#options.onCategories?.(news.categories);

  readonly #onResync = (): void => {
    clearTimeout(this.#jitter);
    this.#jitter = setTimeout(() => this.#watchAll(), this.#random() * RESYNC_JITTER_MS);
  };

  readonly #onVisibility = (): void => {
    if (document.visibilityState === "visible") this.#watchAll();
  };

  #watchAll(): void {
    this.#due = "all";
    this.#schedule();
  }

  #need(id: number): void {
    this.#mark(id);
    this.#schedule();
  }

  #mark(id: number): void {
    if (this.#due !== "all") this.#due.add(id);
  }

  /** Waits for the end of the current turn, so that a page's many requests make one watch. */
  #schedule(): void {
    if (this.#scheduled || this.#underWay || this.#busy !== undefined || !this.#options.socket.connected) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (!this.#underWay && this.#options.socket.connected) void this.#send();
    });
  }

  async #send(): Promise<void> {
    const { dispatcher, socket, onChecked, onCatalog, onCategories } = this.#options;
    // A list that jumps drops as many parts as it adds: both at once would exceed the server's limit.
    this.#unwatch();
    const everything = this.#due === "all";
    const request = this.#request();
    this.#due = new Set();
    if (Object.keys(request).length === 0 && this.#catalogViewers === 0) return;
    this.#underWay = true;
    dispatcher.watchSent();
    try {
      const catalog = this.#catalogViewers > 0;
      const answer = await this.#ask("watch", { parts: request, catalog, ...(this.#asksForCategories && { categories: true }) });
      if ("error" in answer) {
        dispatcher.watchFailed();
        if (answer.error.code === "invalid" && this.#asksForCategories) {
          this.#asksForCategories = false;
          this.#due = "all";
        } else if (answer.error.code === "busy") this.#askAgain(request, everything, answer.error.retry_after);
        else console.warn(`The server refused to watch: ${answer.error.code}`);
      } else {
        for (const id of dispatcher.acknowledged(answer)) {
          if (!this.#interests.has(id)) continue;
          this.#ignorant.add(id);
          this.#mark(id);
        }
        if (everything) onChecked?.();
        if (answer.catalog && this.#catalogViewers > 0) onCatalog?.(answer.catalog);
        if (answer.categories) onCategories?.(answer.categories);
      }
    } catch {
      // No answer: the connection is half open, or was cut. Everything is due again.
      dispatcher.watchFailed();
      this.#due = "all";
      if (socket.connected) socket.dropTransport();
    } finally {
      this.#underWay = false;
      if (this.#due === "all" || this.#due.size > 0) this.#schedule();
    }
  }

  #say<Name extends keyof FromCustomers>(name: Name, body: FromCustomers[Name]): void {
    this.#options.socket.emit(name, body);
  }

  async #ask<Name extends keyof AnswersToCustomers>(name: Name, body: FromCustomers[Name]): Promise<AnswersToCustomers[Name]> {
    return (await this.#options.socket.timeout(ACK_TIMEOUT_MS).emitWithAck(name, body)) as AnswersToCustomers[Name];
  }

  /** The request is due again once the server has time; with jitter, so that pages do not all come back together. */
  #askAgain(asked: WatchRequest, everything: boolean, retryAfter: number | undefined): void {
    if (everything) this.#due = "all";
    for (const [id, held] of Object.entries(asked)) {
      this.#mark(Number(id));
      if (held === null) this.#ignorant.add(Number(id));
    }
    const wait = Math.min(retryAfter === undefined ? BUSY_MS : retryAfter * 1_000, LONGEST_BUSY_MS);
    this.#busy = setTimeout(() => {
      this.#busy = undefined;
      this.#schedule();
    }, wait * (1 + this.#random() / 2));
  }

  #request(): WatchRequest {
    const wanted = this.#due === "all" ? [...this.#interests.keys()] : [...this.#due];
    const request: WatchRequest = {};
    for (const id of wanted.slice(0, MAX_WATCHED_PARTS)) {
      const interest = this.#interests.get(id);
      if (!interest) continue;
      const held = this.#options.keeper.parts.get(id);
      request[String(id)] = this.#ignorant.delete(id) ? null : versionsOf(held, interest.detailViewers > 0);
    }
    return request;
  }
}
