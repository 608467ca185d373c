import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { WireSocket } from "./wire.ts";

/** A WebSocket of which the test is the server. */
class Wire {
  static readonly OPEN = 1;
  static readonly opened: Wire[] = [];
  static isForbidden = false;
  readonly sent: string[] = [];
  readyState = 0;
  onmessage: (event: { data: unknown }) => void = () => undefined;
  onclose: () => void = () => undefined;

  constructor(readonly address: string) {
    if (Wire.isForbidden) throw new Error("forbidden");
    Wire.opened.push(this);
  }

  static get last(): Wire {
    return Wire.opened.at(-1) ?? expect.fail("no WebSocket was opened");
  }

  send(data: string): void {
    this.sent.push(data);
  }

  close(): void {
    this.readyState = 3;
  }

  say(data: unknown): void {
    this.readyState = Wire.OPEN;
    this.onmessage({ data });
  }

  accept(): void {
    this.say('0{"sid":"a","upgrades":[],"pingInterval":25000,"pingTimeout":20000}');
    this.say('40/customers,{"sid":"b"}');
  }

  fail(): void {
    this.readyState = 3;
    this.onclose();
  }
}

function opened(): { socket: WireSocket; heard: string[] } {
  const socket = new WireSocket("https://shop.example", "/customers", () => 0.5);
  const heard: string[] = [];
  for (const event of ["connect", "disconnect", "connect_error"]) socket.on(event, () => heard.push(event));
  socket.connect();
  return { socket, heard };
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Wire);
  Wire.opened.length = 0;
  Wire.isForbidden = false;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("a socket", () => {
  it("joins the namespace once the server has opened, and is connected when that is confirmed", () => {
    const { socket, heard } = opened();
    expect(Wire.last.address).toBe("wss://shop.example/socket.io/?EIO=4&transport=websocket");
    Wire.last.say('0{"sid":"a","pingInterval":25000,"pingTimeout":20000}');
    expect(Wire.last.sent).toEqual(["40/customers,"]);
    expect(socket.connected).toBe(false);
    Wire.last.say('40/customers,{"sid":"b"}');
    expect([socket.connected, heard]).toEqual([true, ["connect"]]);
  });

  it("answers pings, hears events of its namespace, and is deaf to others and to binary", () => {
    const { socket } = opened();
    Wire.last.accept();
    const heard: unknown[] = [];
    socket.on("stock.updated", ((body: unknown) => heard.push(body)) as never);
    Wire.last.say("2");
    expect(Wire.last.sent.at(-1)).toBe("3");
    Wire.last.say('42/customers,["stock.updated",{"text":"a, [b] \\n c"}]');
    Wire.last.say('42/admin,["stock.updated",1]');
    Wire.last.say('42["stock.updated",2]');
    Wire.last.say(new ArrayBuffer(1));
    expect(heard).toEqual([{ text: "a, [b] \n c" }]);
  });

  it("gives each question its own answer", async () => {
    const { socket } = opened();
    Wire.last.accept();
    const one = socket.timeout(1_000).emitWithAck("watch", { parts: {} });
    const two = socket.timeout(1_000).emitWithAck("watch", { parts: { 1: null } });
    expect(Wire.last.sent.slice(-2)).toEqual(['42/customers,1["watch",{"parts":{}}]', '42/customers,2["watch",{"parts":{"1":null}}]']);
    Wire.last.say('43/customers,2[{"gone":[1]}]');
    Wire.last.say('43/customers,1[{"gone":[]}]');
    expect(await Promise.all([one, two])).toEqual([{ gone: [] }, { gone: [1] }]);
  });

  it("waits for an answer only so long, and not beyond the connection", async () => {
    const { socket } = opened();
    Wire.last.accept();
    const late = expect(socket.timeout(1_000).emitWithAck("watch", {})).rejects.toThrow("no answer");
    await vi.advanceTimersByTimeAsync(1_000);
    await late;
    Wire.last.say('43/customers,1[{}]');
    const cut = expect(socket.timeout(1_000).emitWithAck("watch", {})).rejects.toThrow("disconnected");
    Wire.last.fail();
    await cut;
  });

  it("sends nothing while it is not open", () => {
    const { socket } = opened();
    socket.emit("seen", { id: "x" });
    expect(Wire.last.sent).toEqual([]);
  });
});

describe("after a disconnect", () => {
  it("comes back after pauses that grow and have an end", async () => {
    const { heard } = opened();
    Wire.last.accept();
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1) {
      Wire.last.fail();
      const before = Date.now();
      const count = Wire.opened.length;
      while (Wire.opened.length === count) await vi.advanceTimersByTimeAsync(50);
      pauses.push(Date.now() - before);
    }
    expect(pauses.slice(0, 4)).toEqual([500, 1_000, 1_300, 1_300]);
    expect(pauses.every((pause, at) => at === 0 || pause >= (pauses[at - 1] ?? 0))).toBe(true);
    expect(Math.max(...pauses)).toBe(8_000);
    Wire.last.accept();
    expect(heard).toEqual(["connect", "disconnect", "connect"]);
    Wire.last.fail();
    await vi.advanceTimersByTimeAsync(500);
    expect(Wire.opened).toHaveLength(14);
  });

  it("gives an attempt up that nobody answers, and a connection on which nothing is heard", async () => {
    const { heard } = opened();
    await vi.advanceTimersByTimeAsync(2_500 + 500);
    expect(Wire.opened).toHaveLength(2);
    Wire.last.accept();
    await vi.advanceTimersByTimeAsync(44_000);
    Wire.last.say("2");
    await vi.advanceTimersByTimeAsync(44_000);
    expect(heard).toEqual(["connect"]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(heard).toEqual(["connect", "disconnect"]);
  });

  it("leaves it to others when to come back if the server has sent it away, or refuses it", async () => {
    const { socket, heard } = opened();
    Wire.last.accept();
    Wire.last.say("41/customers,");
    expect([socket.active, socket.connected, heard]).toEqual([false, false, ["connect", "disconnect"]]);
    socket.connect();
    Wire.last.say('0{"sid":"a"}');
    Wire.last.say('44/customers,{"message":"full"}');
    expect([socket.active, heard.at(-1)]).toEqual([false, "connect_error"]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(Wire.opened).toHaveLength(2);
  });

  it("goes on trying where the page's policy forbids WebSockets, and hears nothing of one that it has left", async () => {
    const { socket, heard } = opened();
    const left = Wire.last;
    socket.disconnect();
    left.accept();
    left.fail();
    expect(heard).toEqual([]);
    Wire.isForbidden = true;
    socket.connect();
    Wire.isForbidden = false;
    await vi.advanceTimersByTimeAsync(500);
    expect(Wire.opened).toHaveLength(2);
    expect(Wire.last).not.toBe(left);
  });
});
