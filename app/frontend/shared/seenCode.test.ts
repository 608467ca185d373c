import { expect, it } from "vitest";
import { readSeenCode, seenCode } from "./seenCode.ts";

it("a code says which part was seen, and when, to the end of the second", () => {
  expect(seenCode(1234, Date.parse("2026-11-26T14:03:11.250Z"))).toBe("LS-1234-20261126T140312Z");
  expect(seenCode(1234, Date.parse("2026-11-26T14:03:12Z"))).toBe("LS-1234-20261126T140312Z");
});

it.each(["LS-1234-20261126T140312Z", " ls-1234-20261126t140312z\n", "LS - 1234 - 20261126 T 140312 Z"])("%j is read", (text) => {
  expect(readSeenCode(text)).toEqual({ partId: 1234, at: "2026-11-26T14:03:12Z" });
});

it.each(["", "LS-0-20261126T140312Z", "LS-1-20260231T140312Z", "LS-1-20261126T250312Z", "XLS-1-20261126T140312Z", "LS-1-20261126T140312"])("%j is none", (text) => {
  expect(readSeenCode(text)).toBeNull();
});
