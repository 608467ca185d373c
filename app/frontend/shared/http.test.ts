import { afterEach, describe, expect, it, vi } from "vitest";
import { ApiError, request, retryAfter, withQuery } from "./http.ts";

afterEach(() => vi.unstubAllGlobals());

function answer(status: number, body: unknown, headers: Record<string, string> = {}): void {
  vi.stubGlobal("fetch", vi.fn(async () => new Response(body === undefined ? null : JSON.stringify(body), { status, headers })));
}

async function failure(): Promise<ApiError> {
  return await request("/x").then(
    () => expect.unreachable(),
    (error: unknown) => error as ApiError,
  );
}

it("what is empty or off is left out of the query", () => {
  expect(withQuery("/parts", { q: "", in_stock: false, limit: 24, cursor: null, category: "a b" })).toBe("/parts?limit=24&category=a+b");
});

it("a name with several values stands there once for each of them", () => {
  expect(withQuery("/parts", { "spec.Bore": ["20 mm", "", "25 mm"], "limit": 24 })).toBe("/parts?spec.Bore=20+mm&spec.Bore=25+mm&limit=24");
});

it("a problem becomes an error with its code, request id, fields and current state", async () => {
  answer(409, { code: "concurrent_modification", detail: "Changed", request_id: "r1", errors: { a: ["b"] }, current: { version: 4 } });
  const error = await failure();
  expect(error).toMatchObject({ status: 409, code: "concurrent_modification", message: "Changed", requestId: "r1", current: { version: 4 }, errors: { a: ["b"] } });
});

it("an error that is no problem document keeps its status and the header's request id", async () => {
  vi.stubGlobal("fetch", async () => new Response("<html>", { status: 502, headers: { "X-Request-ID": "r2" } }));
  expect(await failure()).toMatchObject({ status: 502, code: "http_502", requestId: "r2" });
});

it("no answer is an error with status 0", async () => {
  vi.stubGlobal("fetch", async () => Promise.reject(new TypeError("Failed to fetch")));
  expect((await failure()).isNetwork).toBe(true);
});

it("whoever asks for them gets the headers of an answer, and not those of a failure", async () => {
  const heads = vi.fn<(headers: Headers) => void>();
  answer(200, {}, { "X-Event-IDs": "a,b" });
  await request("/x", { method: "PUT", heads });
  expect(heads.mock.calls.map(([headers]) => headers.get("X-Event-IDs"))).toEqual(["a,b"]);
  answer(409, {}, { "X-Event-IDs": "c" });
  await request("/x", { method: "PUT", heads }).catch(() => undefined);
  expect(heads).toHaveBeenCalledTimes(1);
});

it("explanations are asked for in the language of the page", async () => {
  answer(204, undefined);
  document.documentElement.lang = "de";
  await request("/x");
  document.documentElement.lang = "";
  await request("/x");
  expect(vi.mocked(fetch).mock.calls.map(([, options]) => new Headers(options?.headers).get("Accept-Language"))).toEqual(["de", null]);
});

it("an empty answer is nothing", async () => {
  answer(204, undefined);
  expect(await request("/auth/logout")).toBeUndefined();
});

describe("Retry-After", () => {
  it("is a number of seconds or a date", () => {
    expect(retryAfter("42")).toBe(42);
    expect(retryAfter("Sun, 06 Nov 1994 08:49:37 GMT", Date.parse("1994-11-06T08:49:07Z"))).toBe(30);
    expect(retryAfter("soon")).toBeNull();
    expect(retryAfter(null)).toBeNull();
  });
});
