import { expect, it } from "vitest";
import { formatMilliseconds, formatSeconds } from "./durations.ts";

it("a duration is in the unit that suits it", () => {
  expect([null, 0, 8.23, 31.6, 999, 1_000, 9_545.08].map(formatMilliseconds)).toEqual(["–", "0 ms", "8.2 ms", "32 ms", "999 ms", "1 sec", "9.5 sec"]);
  expect([0, 59, 60, 3_599, 7_200, 86_400, 200_000].map(formatSeconds)).toEqual(["0 sec", "59 sec", "1 min", "59 min", "2 hr", "24 hr", "2 days"]);
});
