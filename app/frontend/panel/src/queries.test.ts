import { ApiError } from "@lockstep/shared/http.ts";
import { effectScope, ref } from "vue";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { queryClient, useFollowing } from "./queries.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function following(version: { value: number }, shown: { value: number }) {
  const asked = vi.spyOn(queryClient, "invalidateQueries").mockResolvedValue();
  const scope = effectScope();
  scope.run(() => useFollowing(() => "/admin/parts/7/versions", () => version.value, () => shown.value >= version.value));
  return { asked, scope };
}

it("asks again until a version is shown that was kept after its event was sent", async () => {
  const shown = { value: 1 };
  const { asked, scope } = following({ value: 4 }, shown);
  await vi.advanceTimersByTimeAsync(20_000);
  const times = asked.mock.calls.length;
  expect(times).toBeGreaterThan(3);
  shown.value = 4;
  await vi.advanceTimersByTimeAsync(200_000);
  expect(asked).toHaveBeenCalledTimes(times);
  scope.stop();
});

it("asks no more when the screen is gone, nor for ever", async () => {
  const { asked, scope } = following({ value: 4 }, { value: 1 });
  scope.stop();
  await vi.advanceTimersByTimeAsync(200_000);
  expect(asked).not.toHaveBeenCalled();
  const other = following({ value: 4 }, { value: 1 });
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(other.asked.mock.calls.length).toBeLessThan(10);
  other.scope.stop();
});

it("begins anew with each version", async () => {
  const version = ref(1);
  const { asked, scope } = following(version, { value: 1 });
  await vi.advanceTimersByTimeAsync(200_000);
  expect(asked).not.toHaveBeenCalled();
  version.value = 2;
  await vi.advanceTimersByTimeAsync(700);
  expect(asked).toHaveBeenCalledTimes(2);
  scope.stop();
});

it("what was refused for a moment is read again a few times, and what is refused for good is not", () => {
  const { retry } = queryClient.getDefaultOptions().queries ?? {};
  if (typeof retry !== "function") throw new Error("no rule");
  expect([0, 429, 500, 503].map((status) => retry(1, new ApiError({ status })))).toEqual([true, true, true, true]);
  expect([401, 403, 404, 422].map((status) => retry(0, new ApiError({ status })))).toEqual([false, false, false, false]);
  expect(retry(2, new ApiError({ status: 429 }))).toBe(false);
});
