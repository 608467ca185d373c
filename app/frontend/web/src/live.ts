/** Connects the one customer feed to this app's stores. Created once, in main.ts. */
import type { CustomerFeed } from "@lockstep/shared/live/customer-feed.ts";
import { Dispatcher } from "@lockstep/shared/live/dispatcher.ts";
import { inject, type InjectionKey } from "vue";
import { LateFeed } from "./lateFeed.ts";
import { useConnectionStore } from "./stores/connection.ts";
import { usePartsStore } from "./stores/parts.ts";

export interface Live {
  feed: Pick<CustomerFeed, "watch" | "watchCatalog">;
  dispatcher: Dispatcher;
  /** @returns a function that removes the listener. */
  onCatalog(listener: (token: string) => void): () => void;
  /** @returns a function that removes the listener. */
  onCategories(listener: (token: string) => void): () => void;
}

export const liveKey: InjectionKey<Live> = Symbol("live");

export function createLive(): Live & { open(): void } {
  const keeper = usePartsStore();
  const connection = useConnectionStore();
  const dispatcher = new Dispatcher(keeper);
  const catalog = new Set<(token: string) => void>();
  const categories = new Set<(token: string) => void>();
  const options: Parameters<typeof import("./feed.ts").createFeed>[0] = {
    keeper,
    dispatcher,
    onStatus: (status) => {
      connection.status = status;
    },
    onChecked: () => connection.checked(),
    onCatalog: (token) => catalog.forEach((listener) => listener(token)),
    onCategories: (token) => categories.forEach((listener) => listener(token)),
  };
  const feed = new LateFeed(
    async () => (await import("./feed.ts")).createFeed(options),
    // Then the pages poll.
    () => (connection.status = "paused"),
  );
  return {
    feed,
    dispatcher,
    onCatalog: (listener) => listenTo(catalog, listener),
    onCategories: (listener) => listenTo(categories, listener),
    open: () => feed.open(),
  };
}

function listenTo<Listener>(listeners: Set<Listener>, listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useLive(): Live {
  const live = inject(liveKey);
  if (!live) throw new Error("createLive() was not provided.");
  return live;
}
