/**
 * One Socket.IO namespace, kept connected: over whatever speaks Socket.IO (`socket.ts` in the two apps).
 *
 * `live`: connected. `connecting`: disconnected for less than the grace period, so
 * there is no need to tell anybody yet. `paused`: disconnected for longer than that.
 */
export type ConnectionStatus = "connecting" | "live" | "paused";

/** The part of a Socket.IO client that is used here; tests supply a fake. */
export interface SocketLike {
  readonly connected: boolean;
  readonly active: boolean;
  connect(): unknown;
  disconnect(): unknown;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener?: (...args: never[]) => void): unknown;
  emit(event: string, ...args: unknown[]): unknown;
  timeout(milliseconds: number): { emitWithAck(event: string, ...args: unknown[]): Promise<unknown> };
  /** Drops the transport, so that the client reconnects by itself. */
  dropTransport(): void;
}

export interface ConnectionOptions {
  socket: SocketLike;
  graceMs?: number;
  random?: () => number;
  onStatus: (status: ConnectionStatus) => void;
  onConnect: () => void;
  /** The server refuses us, perhaps because the session has ended. */
  onRefused?: (error: Error) => void;
}

export const GRACE_MS = 5_000;
export const FIRST_PAUSE_MS = 500;
/** What pauses grow to while the server may just be restarting, and until which attempt. */
export const SHORT_PAUSE_MS = 1_300;
const SHORT_ATTEMPTS = 4;
const LONG_PAUSE_MS = 8_000;
/** How long an attempt may take: briefly at first, for one that began while the network dropped packets must not outlive the outage
 *  by much; longer once it seems that the server has more to open than it can at once. */
const OPENS_WITHIN_MS = 2_500;
const OPENS_WITHIN_AT_MOST_MS = 20_000;

/**
 * The longest pause after an attempt to reconnect, in milliseconds, if it fails: at random between half and one and a half times
 * what it is on average. A server that is back after a few seconds has its pages back within two. One that is not may have more
 * pages than it can serve at once, so they come ever more rarely.
 * @param attempt 1 for the first.
 */
export function longestPause(attempt: number, random: () => number): number {
  const average = Math.min(LONG_PAUSE_MS, SHORT_PAUSE_MS * 2 ** Math.max(0, attempt - SHORT_ATTEMPTS));
  return average * (0.5 + random());
}

/**
 * How long an attempt to reconnect may take, in milliseconds.
 * @param attempt 1 for the first.
 */
export function opensWithin(attempt: number): number {
  return Math.min(OPENS_WITHIN_AT_MOST_MS, OPENS_WITHIN_MS * 2 ** Math.max(0, attempt - SHORT_ATTEMPTS));
}

export class Connection {
  readonly socket: SocketLike;
  readonly #options: ConnectionOptions;
  readonly #random: () => number;
  #status: ConnectionStatus = "connecting";
  #grace: ReturnType<typeof setTimeout> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #refusals = 0;

  constructor(options: ConnectionOptions) {
    this.socket = options.socket;
    this.#options = options;
    this.#random = options.random ?? Math.random;
    this.socket.on("connect", this.#connected);
    this.socket.on("disconnect", this.#disconnected);
    this.socket.on("connect_error", this.#failed);
    document.addEventListener("visibilitychange", this.#visibility);
    window.addEventListener("online", this.#hurry);
  }

  get status(): ConnectionStatus {
    return this.#status;
  }

  open(): void {
    this.#waitQuietly();
    this.socket.connect();
  }

  close(): void {
    clearTimeout(this.#grace);
    clearTimeout(this.#retry);
    document.removeEventListener("visibilitychange", this.#visibility);
    window.removeEventListener("online", this.#hurry);
    this.socket.off("connect", this.#connected);
    this.socket.off("disconnect", this.#disconnected);
    this.socket.off("connect_error", this.#failed);
    this.socket.disconnect();
  }

  readonly #connected = (): void => {
    clearTimeout(this.#grace);
    clearTimeout(this.#retry);
    this.#refusals = 0;
    this.#become("live");
    this.#options.onConnect();
  };

  readonly #disconnected = (): void => {
    this.#waitQuietly();
    // Disconnected by the server, the client would never reconnect by itself.
    if (!this.socket.active) this.#connectLater(500 + this.#random() * 2_500);
  };

  readonly #failed = (error: Error): void => {
    if (this.socket.active) return;
    // Refused rather than unreachable: Socket.IO leaves retrying to us.
    this.#options.onRefused?.(error);
    this.#refusals += 1;
    this.#connectLater(Math.min(30_000, 2_000 * 2 ** this.#refusals) * (0.5 + this.#random()));
  };

  readonly #visibility = (): void => {
    if (document.visibilityState === "visible") this.#hurry();
  };

  /** A user who returns to the page should neither wait for a backoff to expire nor see a banner at once. */
  readonly #hurry = (): void => {
    if (this.socket.connected) return;
    this.#waitQuietly();
    this.socket.disconnect();
    this.socket.connect();
  };

  #connectLater(milliseconds: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.socket.connect(), milliseconds);
  }

  #waitQuietly(): void {
    clearTimeout(this.#grace);
    this.#become("connecting");
    this.#grace = setTimeout(() => this.#become("paused"), this.#options.graceMs ?? GRACE_MS);
  }

  #become(status: ConnectionStatus): void {
    if (this.#status === status) return;
    this.#status = status;
    this.#options.onStatus(status);
  }
}
