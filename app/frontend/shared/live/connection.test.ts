import { describe, expect, it } from "vitest";
import { longestPause, opensWithin } from "./connection.ts";
import { openSocket } from "./socket.ts";

/** What the library waits for after so many attempts to reconnect have failed, in many pages. */
function pausesAfter(attempts: number): number[] {
  return Array.from({ length: 50 }, () => {
    const manager = Reflect.get(openSocket("/customers"), "io") as { backoff: { duration(): number }; emit(event: string, attempt: number): void };
    for (let attempt = 1; attempt <= attempts; attempt += 1) {
      manager.backoff.duration();
      manager.emit("reconnect_attempt", attempt);
    }
    return manager.backoff.duration();
  });
}

describe("pages that have all lost their connection", () => {
  it.each([0, 1, 2, 3, 4, 6, 20])("do not come back at the same time after %i attempts", (attempts) => {
    const pauses = pausesAfter(attempts);
    expect(new Set(pauses).size).toBeGreaterThan(25);
    expect(Math.max(...pauses)).toBeGreaterThan(1.4 * Math.min(...pauses));
  });

  it("come back soon at first, and more and more rarely if the server does not take them", () => {
    const average = (attempts: number) => pausesAfter(attempts).reduce((sum, pause) => sum + pause, 0) / 50;
    expect(Math.max(...pausesAfter(0))).toBeLessThanOrEqual(750);
    expect(Math.max(...pausesAfter(4))).toBeLessThanOrEqual(1_950);
    expect(average(6)).toBeGreaterThan(2 * average(4));
    expect(longestPause(1_000, () => 1)).toBe(12_000);
  });

  it("give an attempt more time once the first ones have failed", () => {
    const manager = Reflect.get(openSocket("/customers"), "io") as { timeout(): number; emit(event: string, attempt: number): void };
    expect(manager.timeout()).toBe(2_500);
    manager.emit("reconnect_attempt", 4);
    expect(manager.timeout()).toBe(2_500);
    manager.emit("reconnect_attempt", 6);
    expect(manager.timeout()).toBe(10_000);
    expect(opensWithin(1_000)).toBe(20_000);
  });
});
