import { expect, it } from "vitest";
import { withSample, type Sample } from "./samples.ts";

function sample(at: number, p50 = 5): Sample {
  return { at, p50, p95: 9 };
}

it("samples of the last quarter of an hour are kept, in their order", () => {
  expect(withSample([sample(50), sample(200), sample(940)], sample(1_000)).map(({ at }) => at)).toEqual([200, 940, 1_000]);
});

it("a second read of the same moment replaces the first", () => {
  expect(withSample([sample(985), sample(1_000)], sample(1_002, 7))).toEqual([sample(985), sample(1_000, 7)]);
});
