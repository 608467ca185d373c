import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, it, vi } from "vitest";
import { useSessionStore } from "../session/session.ts";
import { useDraftsStore } from "./drafts.ts";
import type { Fields } from "./merge.ts";

const saved: Fields = { part_name: "Bolt" };

function loggedInAs(id: number): ReturnType<typeof useDraftsStore> {
  setActivePinia(createPinia());
  vi.spyOn(useSessionStore(), "user", "get").mockReturnValue({ id, name: "Kim", email: "k@shop.example", role: "editor" } as never);
  return useDraftsStore();
}

function type(store: ReturnType<typeof useDraftsStore>, value: string): void {
  const draft = store.begin(7, "content", 3, saved);
  draft.edited = { ...draft.edited, values: { part_name: value } };
  store.keep(7, "content");
}

beforeEach(() => {
  vi.unstubAllGlobals();
  localStorage.clear();
});

it("offers what was typed to the same person after a reload, and to nobody else", () => {
  type(loggedInAs(1), "Nut");
  const again = loggedInAs(1).begin(7, "content", 4, { part_name: "Bolt", sku: "B" });
  expect(again.edited.values).toEqual({ part_name: "Nut" });
  expect(again.edited.version).toBe(3);
  expect(again.restored).not.toBeNull();
  expect(loggedInAs(2).begin(7, "content", 4, saved)).toMatchObject({ restored: null, edited: { values: saved } });
});

it("forgets what is as it was", () => {
  const store = loggedInAs(1);
  type(store, "Nut");
  expect(store.dirtySides(7)).toEqual(["content"]);
  type(store, "Bolt");
  expect(store.dirtySides(7)).toEqual([]);
  expect(loggedInAs(1).begin(7, "content", 3, saved).restored).toBeNull();
});

it("survives something else in its place", () => {
  localStorage.setItem("lockstep.part-draft.1.7.content", "{broken");
  expect(loggedInAs(1).begin(7, "content", 3, saved).edited.values).toEqual(saved);
});

it("says what the browser could not keep", () => {
  const store = loggedInAs(1);
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => { throw new DOMException("full", "QuotaExceededError"); } });
  type(store, "Nut");
  expect(store.lost).toEqual(["7.content"]);
});
