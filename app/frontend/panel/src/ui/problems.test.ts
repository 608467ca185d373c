import { ApiError } from "@lockstep/shared/http.ts";
import { expect, it } from "vitest";
import { fieldErrors, whoWasFaster } from "./problems.ts";

it("a message stands at its field, that of a list's element at the list", () => {
  const errors = { sku: ["Too long.", "Odd."], prices: { 0: { amount: ["Not a number."] } } } as unknown as Record<string, string[]>;
  expect(fieldErrors(new ApiError({ status: 422, errors }))).toEqual({ sku: "Too long.", prices: "Not a number." });
  expect(fieldErrors(new Error("bug"))).toEqual({});
});

it("somebody faster is named, and nobody else's refusal is taken for one", () => {
  const current = { version: 2, changed_by: { id: 2, name: "Ana" } };
  expect(whoWasFaster(new ApiError({ status: 409, code: "concurrent_modification", current }))).toBe("Ana");
  expect(whoWasFaster(new ApiError({ status: 409, code: "concurrent_modification" }))).toBe("");
  expect(whoWasFaster(new ApiError({ status: 409, code: "duplicate" }))).toBeNull();
});
