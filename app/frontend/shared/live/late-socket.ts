/**
 * A socket whose library is loaded when it is first to connect: a page is shown before it needs one.
 * Whatever listens to it before that listens to the real one afterwards.
 */
import type { SocketLike } from "./connection.ts";

type Listener = (...args: never[]) => void;

export class LateSocket implements SocketLike {
  readonly #load: () => Promise<SocketLike>;
  readonly #listeners: [event: string, listener: Listener][] = [];
  #real: SocketLike | null = null;
  #isLoading = false;
  #isWanted = false;

  /** @param load may fail, which is like a server that cannot be reached. */
  constructor(load: () => Promise<SocketLike>) {
    this.#load = load;
  }

  get connected(): boolean {
    return this.#real?.connected ?? false;
  }

  get active(): boolean {
    return this.#real?.active ?? this.#isLoading;
  }

  connect(): void {
    this.#isWanted = true;
    if (this.#real) this.#real.connect();
    else if (!this.#isLoading) void this.#attach();
  }

  disconnect(): void {
    this.#isWanted = false;
    this.#real?.disconnect();
  }

  on(event: string, listener: Listener): void {
    if (this.#real) this.#real.on(event, listener);
    else this.#listeners.push([event, listener]);
  }

  off(event: string, listener?: Listener): void {
    if (this.#real) this.#real.off(event, listener);
    else this.#listeners.splice(0, Infinity, ...this.#listeners.filter(([of, other]) => of !== event || (listener && other !== listener)));
  }

  emit(event: string, ...args: unknown[]): void {
    this.#real?.emit(event, ...args);
  }

  timeout(milliseconds: number): ReturnType<SocketLike["timeout"]> {
    return this.#real?.timeout(milliseconds) ?? { emitWithAck: () => Promise.reject(new Error("The socket is not connected.")) };
  }

  dropTransport(): void {
    this.#real?.dropTransport();
  }

  async #attach(): Promise<void> {
    this.#isLoading = true;
    try {
      this.#real = await this.#load();
    } catch (error) {
      this.#isLoading = false;
      for (const [event, listener] of [...this.#listeners]) if (event === "connect_error") (listener as (error: unknown) => void)(error);
      return;
    }
    this.#isLoading = false;
    for (const [event, listener] of this.#listeners) this.#real.on(event, listener);
    if (this.#isWanted) this.#real.connect();
  }
}
