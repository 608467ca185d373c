import { expect, test, vi } from "vitest";
import { fakeServer } from "./testing.ts";

const PART_PAGE = { items: [], next_cursor: null, match: "exact" };

/** Loads the module anew, as a page does that the server has sent. */
async function pageWith(first: unknown): Promise<typeof import("./first.ts")> {
  document.body.innerHTML = "";
  if (first) {
    const script = Object.assign(document.createElement("script"), { id: "first", type: "application/json" });
    script.textContent = JSON.stringify(first);
    document.body.append(script);
  }
  vi.resetModules();
  return import("./first.ts");
}

test("what came with the page answers the first request for it, and no other", async () => {
  const server = fakeServer();
  const { useFirst } = await pageWith({ answers: [{ path: "/parts", query: { q: "a b", sort: "name", limit: "24" }, body: PART_PAGE, status: 200 }] });
  const { request: fresh } = await import("@lockstep/shared/http.ts");
  useFirst();
  const query = { q: "a b", category: "", in_stock: false, sort: "name", limit: 24, cursor: null };
  await expect(fresh("/parts", { query })).resolves.toEqual(PART_PAGE);
  expect(server.asked("/parts")).toHaveLength(0);
  void fresh("/parts", { query });
  void fresh("/parts", { query: { ...query, q: "a" } });
  expect(server.asked("/parts")).toHaveLength(2);
});

test("a refusal that came with the page is one", async () => {
  const server = fakeServer();
  const { useFirst } = await pageWith({ answers: [{ path: "/pdp/1", query: {}, body: { withdrawn: { related: [] } }, status: 404 }] });
  const { request: fresh } = await import("@lockstep/shared/http.ts");
  useFirst();
  await expect(fresh("/pdp/1")).rejects.toMatchObject({ status: 404, withdrawn: { related: [] } });
  expect(server.asked("/pdp/1")).toHaveLength(0);
});

test("what nobody has asked for at first is forgotten", async () => {
  const server = fakeServer();
  const { useFirst } = await pageWith({ answers: [{ path: "/categories", query: {}, body: { items: [] }, status: 200 }] });
  const { request: fresh } = await import("@lockstep/shared/http.ts");
  useFirst()();
  void fresh("/categories");
  expect(server.asked("/categories")).toHaveLength(1);
});

test("a write is never answered by what came with the page", async () => {
  const server = fakeServer();
  const { useFirst } = await pageWith({ answers: [{ path: "/parts", query: {}, body: PART_PAGE, status: 200 }] });
  const { request: fresh } = await import("@lockstep/shared/http.ts");
  useFirst();
  void fresh("/parts", { method: "POST" });
  expect(server.asked("/parts")).toHaveLength(1);
});

test("a page without anything asks for all of it", async () => {
  const server = fakeServer();
  const { useFirst } = await pageWith(null);
  const { request: fresh } = await import("@lockstep/shared/http.ts");
  useFirst();
  void fresh("/parts");
  expect(server.asked("/parts")).toHaveLength(1);
});
