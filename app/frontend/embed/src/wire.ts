/**
 * A Socket.IO client of one namespace over a WebSocket: Engine.IO protocol 4, Socket.IO protocol 5, texts only.
 *
 * It is what `Connection` and `CustomerFeed` use of socket.io-client, which alone would be larger than all of this. It reconnects
 * by itself after the same pauses as the two apps, except when the server sent it away: then `Connection` decides when to return.
 */
import { FIRST_PAUSE_MS, longestPause, opensWithin, type SocketLike } from "@lockstep/shared/live/connection.ts";

type Listener = (...args: never[]) => void;
interface Waiting {
  resolve: (answer: unknown) => void;
  reject: (error: Error) => void;
}

/** How long the server may be silent, in milliseconds, before it says how often it pings. */
const SILENCE_MS = 45_000;
// Engine.IO's packets, and Socket.IO's within a message.
const OPEN = "0", CLOSE = "1", PING = "2", PONG = "3", MESSAGE = "4";
const CONNECT = "0", DISCONNECT = "1", EVENT = "2", ACK = "3", CONNECT_ERROR = "4";

export class WireSocket implements SocketLike {
  connected = false;
  active = false;
  readonly #address: string;
  readonly #namespace: string;
  readonly #random: () => number;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #waiting = new Map<number, Waiting>();
  #transport: WebSocket | null = null;
  #attempt = 0;
  #asked = 0;
  #silence = SILENCE_MS;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #watchdog: ReturnType<typeof setTimeout> | undefined;

  /** @param origin where the server is, such as https://shop.example. */
  constructor(origin: string, namespace: string, random: () => number = Math.random) {
    this.#address = `${origin.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`;
    this.#namespace = namespace;
    this.#random = random;
  }

  connect(): void {
    if (this.#transport) return;
    clearTimeout(this.#retry);
    this.active = true;
    let transport: WebSocket;
    try {
      transport = this.#transport = new WebSocket(this.#address);
    } catch {
      // The page's own policy forbids it; a later attempt costs nothing.
      this.#connectLater();
      return;
    }
    this.#expect(opensWithin(this.#attempt));
    transport.onmessage = ({ data }) => {
      if (transport === this.#transport && typeof data === "string") this.#received(data);
    };
    transport.onclose = () => {
      if (transport === this.#transport) this.dropTransport();
    };
  }

  disconnect(): void {
    clearTimeout(this.#retry);
    this.active = false;
    this.#leave();
  }

  dropTransport(): void {
    this.#leave();
    if (this.active) this.#connectLater();
  }

  on(event: string, listener: Listener): void {
    this.#listeners.set(event, (this.#listeners.get(event) ?? new Set()).add(listener));
  }

  off(event: string, listener?: Listener): void {
    if (listener) this.#listeners.get(event)?.delete(listener);
  }

  emit(event: string, body: unknown): void {
    this.#send(EVENT, JSON.stringify([event, body]));
  }

  timeout(milliseconds: number): { emitWithAck(event: string, body: unknown): Promise<unknown> } {
    return {
      emitWithAck: (event, body) =>
        new Promise((resolve, reject) => {
          const id = ++this.#asked;
          const timer = setTimeout(() => this.#settle(id)?.reject(new Error("no answer")), milliseconds);
          const done = (then: () => void) => {
            clearTimeout(timer);
            then();
          };
          this.#waiting.set(id, { resolve: (answer) => done(() => resolve(answer)), reject: (error) => done(() => reject(error)) });
          this.#send(EVENT, id + JSON.stringify([event, body]));
        }),
    };
  }

  #send(kind: string, text = ""): void {
    if (this.#transport?.readyState === WebSocket.OPEN) this.#transport.send(`${MESSAGE}${kind}${this.#namespace},${text}`);
  }

  #received(data: string): void {
    if (this.connected) this.#expect(this.#silence);
    switch (data[0]) {
      case OPEN: {
        const { pingInterval = 25_000, pingTimeout = 20_000 } = JSON.parse(data.slice(1)) as { pingInterval?: number; pingTimeout?: number };
        this.#silence = pingInterval + pingTimeout;
        this.#send(CONNECT);
        break;
      }
      case CLOSE:
        this.dropTransport();
        break;
      case PING:
        this.#transport?.send(PONG);
        break;
      case MESSAGE:
        this.#understand(data[1], data.slice(2));
    }
  }

  /** @param kind the packet's; @param rest its namespace, and behind a comma perhaps an id and JSON. */
  #understand(kind: string | undefined, rest: string): void {
    const [, namespace, id, json] = /^([^,]+),?(\d*)([^]*)$/.exec(rest) ?? [];
    if (namespace !== this.#namespace) return;
    const body: unknown = json ? JSON.parse(json) : undefined;
    switch (kind) {
      case CONNECT:
        this.connected = true;
        this.#attempt = 0;
        this.#expect(this.#silence);
        this.#tell("connect");
        break;
      case EVENT: {
        const [event, ...args] = body as [string, ...unknown[]];
        this.#tell(event, ...args);
        break;
      }
      case ACK:
        this.#settle(Number(id))?.resolve((body as unknown[])[0]);
        break;
      case DISCONNECT:
        this.disconnect();
        break;
      case CONNECT_ERROR:
        this.disconnect();
        this.#tell("connect_error", new Error((body as { message?: string } | undefined)?.message ?? "refused"));
    }
  }

  #leave(): void {
    clearTimeout(this.#watchdog);
    const transport = this.#transport;
    this.#transport = null;
    transport?.close();
    for (const id of [...this.#waiting.keys()]) this.#settle(id)?.reject(new Error("disconnected"));
    if (!this.connected) return;
    this.connected = false;
    this.#tell("disconnect");
  }

  #connectLater(): void {
    this.#attempt += 1;
    const pause = FIRST_PAUSE_MS * 2 ** Math.min(this.#attempt - 1, 10) * (0.5 + this.#random());
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.connect(), Math.min(pause, longestPause(this.#attempt, this.#random)));
  }

  /** Takes the connection for lost unless something arrives within this time. */
  #expect(milliseconds: number): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = setTimeout(() => this.dropTransport(), milliseconds);
  }

  #settle(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  #tell(event: string, ...args: unknown[]): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(...(args as never[]));
  }
}
