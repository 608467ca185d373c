/**
 * One Socket.IO namespace, kept connected. Nothing else in the two apps imports socket.io-client.
 *
 * `live`: connected. `connecting`: disconnected for less than the grace period, so
 * there is no need to tell anybody yet. `paused`: disconnected for longer than that.
 */
import { io, type Socket } from "socket.io-client";

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

export function openSocket(namespace: "/customers" | "/admin"): SocketLike {
  const socket: Socket = io(namespace, {
    transports: ["websocket"],
    autoConnect: false,
    // With jitter a page is back between 0.65 and 1.95 s after the server is, since it must show the current state within two
    // seconds. Spread out like that, a few hundred pages per instance reconnect at a rate that it can serve.
    reconnectionDelay: 500,
    reconnectionDelayMax: 1_300,
    randomizationFactor: 0.5,
    // An attempt that began while the network was dropping packets must not outlive the outage by much.
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
