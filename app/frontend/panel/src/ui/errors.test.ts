import { ApiError } from "@lockstep/shared/http.ts";
import { expect, it } from "vitest";
import { errorText } from "./errors.ts";

it("who asks too often is told for how long to wait, as far as anybody says so", () => {
  const detail = "Too many calls at once. Try again in 1 s.";
  expect(errorText(new ApiError({ status: 429, code: "too_many_requests", detail }))).toBe(detail);
  expect(errorText(new ApiError({ status: 429 }))).toBe("The server is busy. Try again in a moment.");
});
