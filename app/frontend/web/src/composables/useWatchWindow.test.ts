import { expect, it } from "vitest";
import { windowAround } from "./useWatchWindow.ts";

const ids = Array.from({ length: 10 }, (_, i) => i);

it("a short list is watched whole, a long one around what is on screen, never beyond its ends", () => {
  expect(windowAround(ids, 5, 10)).toEqual(ids);
  expect(windowAround(ids, 5, 4)).toEqual([3, 4, 5, 6]);
  expect(windowAround(ids, 0, 4)).toEqual([0, 1, 2, 3]);
  expect(windowAround(ids, 9, 4)).toEqual([6, 7, 8, 9]);
});
