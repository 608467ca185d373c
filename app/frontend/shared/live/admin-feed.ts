/**
 * The panel's feed of everybody's changes. It only listens: after each connection, and on `resync`,
 * the open page must be fetched again, since events may have been missed.
 */
import { ADMIN_EVENT_TYPES, CATEGORY_EVENT_TYPES, type AdminEvent } from "../types.ts";
import { Connection, type ConnectionStatus, type SocketLike } from "./connection.ts";

const RESYNC_JITTER_MS = 2_000;

export interface AdminFeedOptions {
  socket: SocketLike;
  onEvent: (event: AdminEvent) => void;
  /** The category tree has changed, and with it what parts' categories are called. */
  onTree?: () => void;
  /** Events may have been missed. */
  onGap: () => void;
  onStatus: (status: ConnectionStatus) => void;
  /** The server refuses us, perhaps because the session has ended. */
  onRefused?: () => void;
  random?: () => number;
}

export class AdminFeed {
  readonly #options: AdminFeedOptions;
  readonly #connection: Connection;
  #jitter: ReturnType<typeof setTimeout> | undefined;

  constructor(options: AdminFeedOptions) {
    this.#options = options;
    const { socket } = options;
    this.#connection = new Connection({
      socket,
      onStatus: options.onStatus,
      onConnect: options.onGap,
      onRefused: () => options.onRefused?.(),
    });
    for (const type of ADMIN_EVENT_TYPES) socket.on(type, this.#onEvent);
    for (const type of CATEGORY_EVENT_TYPES) socket.on(type, this.#onTree);
    socket.on("resync", this.#onResync);
    socket.on("session.ended", this.#onEnded);
  }

  open(): void {
    this.#connection.open();
  }

  close(): void {
    clearTimeout(this.#jitter);
    const { socket } = this.#options;
    for (const type of ADMIN_EVENT_TYPES) socket.off(type, this.#onEvent);
    for (const type of CATEGORY_EVENT_TYPES) socket.off(type, this.#onTree);
    socket.off("resync", this.#onResync);
    socket.off("session.ended", this.#onEnded);
    this.#connection.close();
  }

  readonly #onEvent = (event: AdminEvent): void => this.#options.onEvent(event);

  readonly #onTree = (): void => this.#options.onTree?.();

  readonly #onEnded = (): void => this.#options.onRefused?.();

  readonly #onResync = (): void => {
    clearTimeout(this.#jitter);
    this.#jitter = setTimeout(this.#options.onGap, (this.#options.random ?? Math.random)() * RESYNC_JITTER_MS);
  };
}
