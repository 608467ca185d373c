/** Connects the one customer feed to this app's stores. Created once, in main.ts. */
import { openSocket } from "@lockstep/shared/live/connection.ts";
import { CustomerFeed } from "@lockstep/shared/live/customer-feed.ts";
import { Dispatcher } from "@lockstep/shared/live/dispatcher.ts";
import { inject, type InjectionKey } from "vue";
import { useConnectionStore } from "./stores/connection.ts";
import { usePartsStore } from "./stores/parts.ts";

export interface Live {
  feed: Pick<CustomerFeed, "watch" | "watchCatalog">;
  dispatcher: Dispatcher;
  /** @returns a function that removes the listener. */
  onCatalog(listener: (token: string) => void): () => void;
}

export const liveKey: InjectionKey<Live> = Symbol("live");

export function createLive(): Live & { open(): void } {
  const keeper = usePartsStore();
  const connection = useConnectionStore();
  const dispatcher = new Dispatcher(keeper);
  const listeners = new Set<(token: string) => void>();
  const feed = new CustomerFeed({
    socket: openSocket("/customers"),
    keeper,
    dispatcher,
    onStatus: (status) => {
      connection.status = status;
    },
    onChecked: () => connection.checked(),
    onCatalog: (token) => listeners.forEach((listener) => listener(token)),
  });
  return {
    feed,
    dispatcher,
    onCatalog(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    open: () => feed.open(),
  };
}

export function useLive(): Live {
  const live = inject(liveKey);
  if (!live) throw new Error("createLive() was not provided.");
  return live;
}
