/** A fake socket: the test drives it, and it records what was sent. */
import type { SocketLike } from "./connection.ts";

type Listener = (...args: unknown[]) => void;

export class FakeSocket implements SocketLike {
  connected = false;
  active = true;
  connects = 0;
  dropped = 0;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #sent: { event: string; body: unknown }[] = [];
  readonly #waiting: { resolve: (answer: unknown) => void; reject: (error: Error) => void }[] = [];

  get listenerCount(): number {
    return [...this.#listeners.values()].reduce((sum, set) => sum + set.size, 0);
  }

  connect(): void {
    this.connects += 1;
  }

  disconnect(): void {
    this.connected = false;
  }

  dropTransport(): void {
    this.dropped += 1;
    this.disconnectNow();
  }

  on(event: string, listener: (...args: never[]) => void): void {
    const set = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, set.add(listener as Listener));
  }

  off(event: string, listener?: (...args: never[]) => void): void {
    this.#listeners.get(event)?.delete(listener as Listener);
  }

  emit(event: string, body: unknown): void {
    this.#sent.push({ event, body });
  }

  timeout() {
    return {
      emitWithAck: (event: string, body: unknown): Promise<unknown> => {
        this.emit(event, body);
        return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
      },
    };
  }

  // ------------------------------------------------- driven by the test

  get events(): string[] {
    return this.#sent.map((sent) => sent.event);
  }

  calls(event: string): unknown[] {
    return this.#sent.filter((sent) => sent.event === event).map((sent) => sent.body);
  }

  receive(event: string, body?: unknown): void {
    for (const listener of [...(this.#listeners.get(event) ?? [])]) listener(body);
  }

  connectNow(): void {
    this.connected = true;
    this.active = true;
    this.receive("connect");
  }

  disconnectNow(): void {
    this.connected = false;
    for (const { reject } of this.#waiting.splice(0)) reject(new Error("disconnected"));
    this.receive("disconnect");
  }

  answer(body: unknown): void {
    this.#waiting.shift()?.resolve(body);
  }

  failToAnswer(): void {
    this.#waiting.shift()?.reject(new Error("timeout"));
  }
}
