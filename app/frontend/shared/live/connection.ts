/**
 * One Socket.IO namespace, kept connected. Nothing else in the two apps imports socket.io-client.
 *
 * `live`: connected. `connecting`: not connected, for less than the grace period, so
 * nobody need be told. `paused`: not connected for longer than that.
 */
import { io, type Socket } from "socket.io-client";

export type ConnectionStatus = "connecting" | "live" | "paused";

/** The part of a Socket.IO client that is used here; tests bring their own. */
export interface SocketLike {
  readonly connected: boolean;
  readonly active: boolean;
  connect(): unknown;
  disconnect(): unknown;
  on(event: string, listener: (...args: never[]) => void): unknown;
  off(event: string, listener?: (...args: never[]) => void): unknown;
  emit(event: string, ...args: unknown[]): unknown;
  timeout(milliseconds: number): { emitWithAck(event: string, ...args: unknown[]): Promise<unknown> };
  /** Drops the transport, after which the client reconnects by itself. */
  dropTransport(): void;
}

export interface ConnectionOptions {
  socket: SocketLike;
  graceMs?: number;
  random?: () => number;
  onStatus: (status: ConnectionStatus) => void;
  onConnect: () => void;
  /** The server will not have us: not logged in any more, say. */
  onRefused?: (error: Error) => void;
}

export const GRACE_MS = 5_000;

export function openSocket(namespace: "/customers" | "/admin"): SocketLike {
  const socket: Socket = io(namespace, {
    transports: ["websocket"],
    autoConnect: false,
    // With the jitter a page is back between 0.65 and 1.95 s after the server is: it is to show the present state within two
    // seconds. Spread like that, a few hundred pages an instance come back at a rate that it answers.
    reconnectionDelay: 500,
    reconnectionDelayMax: 1_300,
    randomizationFactor: 0.5,
    // An attempt that began while the network swallowed everything must not outlive the outage by long.
    timeout: 2_500,
  });
  return Object.assign(socket as unknown as SocketLike, {
    dropTransport: () => socket.io.engine?.close(),
  });
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
    // Told to go by the server, the client would stay away for ever.
    if (!this.socket.active) this.#connectLater(500 + this.#random() * 2_500);
  };

  readonly #failed = (error: Error): void => {
    if (this.socket.active) return;
    // Refused rather than unreachable: Socket.IO leaves the next try to us.
    this.#options.onRefused?.(error);
    this.#refusals += 1;
    this.#connectLater(Math.min(30_000, 2_000 * 2 ** this.#refusals) * (0.5 + this.#random()));
  };

  readonly #visibility = (): void => {
    if (document.visibilityState === "visible") this.#hurry();
  };

  /** Whoever comes back to the page should not wait for a back-off to run out, nor be shown a banner at once. */
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
