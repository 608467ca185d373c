/**
 * The panel's feed of everybody's changes. After each connection, and on `resync`, the open page must be fetched again, since
 * events may have been missed. All that it says is which part is open.
 */
import { ADMIN_EVENT_TYPES, CATEGORY_EVENT_TYPES, STAFF_MESSAGES, type AdminEvent, type AnswersToStaff, type FromStaff, type ToStaff } from "../types.ts";
import { Connection, type ConnectionStatus, type SocketLike } from "./connection.ts";

const RESYNC_JITTER_MS = 2_000;
const ANSWER_MS = 5_000;

/** One message of the feed, by its name. */
export type StaffMessage = { [Name in keyof ToStaff]: { name: Name; body: ToStaff[Name] } }[keyof ToStaff];

export interface AdminFeedOptions {
  socket: SocketLike;
  onEvent: (event: AdminEvent) => void;
  /** The category tree has changed, and with it what parts' categories are called. */
  onTree?: () => void;
  /** Every message, those above too. */
  onMessage?: (message: StaffMessage) => void;
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
  readonly #heard = new Map<string, (body: never) => void>();
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
    for (const name of STAFF_MESSAGES) {
      const listener = (body: never): void => options.onMessage?.({ name, body } as StaffMessage);
      this.#heard.set(name, listener);
      socket.on(name, listener);
    }
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
    for (const [name, listener] of this.#heard) socket.off(name, listener);
    socket.off("resync", this.#onResync);
    socket.off("session.ended", this.#onEnded);
    this.#connection.close();
  }

  /** Says something to the server. @returns its answer. @throws Error if it does not come. */
  async say<Name extends keyof FromStaff>(name: Name, body: FromStaff[Name]): Promise<AnswersToStaff[Name]> {
    return (await this.#options.socket.timeout(ANSWER_MS).emitWithAck(name, body)) as AnswersToStaff[Name];
  }

  readonly #onEvent = (event: AdminEvent): void => this.#options.onEvent(event);

  readonly #onTree = (): void => this.#options.onTree?.();

  readonly #onEnded = (): void => this.#options.onRefused?.();

  readonly #onResync = (): void => {
    clearTimeout(this.#jitter);
    this.#jitter = setTimeout(this.#options.onGap, (this.#options.random ?? Math.random)() * RESYNC_JITTER_MS);
  };
}
