import { expect, it, vi } from "vitest";
import { FakeSocket } from "./fake-socket.ts";
import { LateSocket } from "./late-socket.ts";

const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

it("loads the real one once it is to connect, and hands it who listens", async () => {
  const real = new FakeSocket();
  const load = vi.fn(() => Promise.resolve(real));
  const socket = new LateSocket(load);
  const gone = vi.fn();
  socket.on("stock.updated", vi.fn());
  socket.on("resync", gone);
  socket.off("resync", gone);
  expect([load.mock.calls.length, socket.connected, socket.active]).toEqual([0, false, false]);
  socket.connect();
  socket.connect();
  expect(socket.active).toBe(true);
  await settled();
  expect([load.mock.calls.length, real.connects, real.listenerCount]).toEqual([1, 1, 1]);
  real.connected = true;
  socket.emit("watch", {});
  expect([socket.connected, real.events]).toEqual([true, ["watch"]]);
});

it("does not connect if that is not wanted any more when the real one is there", async () => {
  const real = new FakeSocket();
  const socket = new LateSocket(() => Promise.resolve(real));
  socket.connect();
  socket.disconnect();
  await settled();
  expect(real.connects).toBe(0);
});

it("a library that cannot be loaded is like a server that cannot be reached, and is asked for again", async () => {
  const real = new FakeSocket();
  const load = vi.fn<() => Promise<FakeSocket>>().mockRejectedValueOnce(new Error("no network")).mockResolvedValue(real);
  const socket = new LateSocket(load);
  const failed = vi.fn();
  socket.on("connect_error", failed);
  socket.connect();
  await settled();
  expect([failed.mock.calls.length, socket.active]).toEqual([1, false]);
  await expect(socket.timeout(1).emitWithAck("watch")).rejects.toThrow();
  socket.connect();
  await settled();
  expect([load.mock.calls.length, real.connects]).toEqual([2, 1]);
});
