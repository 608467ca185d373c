/**
 * What the panel hears of everybody's changes. It only listens: after each connection, and
 * on `resync`, the page that is open is to be fetched again, since something may have been missed.
 */
import { ADMIN_EVENT_TYPES, type AdminEvent } from "../types.ts";
import { Connection, type ConnectionStatus, type SocketLike } from "./connection.ts";

const RESYNC_JITTER_MS = 2_000;

export interface AdminFeedOptions {
  socket: SocketLike;
  onEvent: (event: AdminEvent) => void;
  /** Something may have been missed. */
  onGap: () => void;
  onStatus: (status: ConnectionStatus) => void;
  /** The server will not have us, or no longer: not logged in any more, say. */
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
    socket.off("resync", this.#onResync);
    socket.off("session.ended", this.#onEnded);
    this.#connection.close();
  }

  readonly #onEvent = (event: AdminEvent): void => this.#options.onEvent(event);

  readonly #onEnded = (): void => this.#options.onRefused?.();

  readonly #onResync = (): void => {
    clearTimeout(this.#jitter);
    this.#jitter = setTimeout(this.#options.onGap, (this.#options.random ?? Math.random)() * RESYNC_JITTER_MS);
  };
}
