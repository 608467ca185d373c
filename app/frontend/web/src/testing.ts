/** For tests: runs a page's setup against a live feed and a server that the test controls. */
import { Dispatcher } from "@lockstep/shared/live/dispatcher.ts";
import { flushPromises, mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { vi } from "vitest";
import { defineComponent, h } from "vue";
import { liveKey, type Live } from "./live.ts";
import { usePartsStore } from "./stores/parts.ts";

interface Asked {
  path: string;
  query: Record<string, string>;
  aborted: boolean;
  answer(body: unknown, status?: number): Promise<unknown>;
  /** The request gets no response. */
  fail(): Promise<unknown>;
}

/** Replaces `fetch`; requests are answered when the test says so. */
export function fakeServer() {
  const asked: Asked[] = [];
  vi.stubGlobal("fetch", (address: string, { signal }: RequestInit) => {
    const url = new URL(address, "http://shop");
    return new Promise<Response>((resolve, reject) => {
      const one: Asked = {
        path: url.pathname.replace("/api/v1", ""),
        query: Object.fromEntries(url.searchParams),
        aborted: false,
        answer(body, status = 200) {
          resolve(Response.json(body, { status }));
          return flushPromises();
        },
        fail() {
          reject(new TypeError("no network"));
          return flushPromises();
        },
      };
      signal?.addEventListener("abort", () => {
        one.aborted = true;
        reject(signal.reason as Error);
      });
      asked.push(one);
    });
  });
  return {
    /** @returns the requests under a path, in order. */
    asked: (path: string): Asked[] => asked.filter((one) => one.path === path),
    last(path: string): Asked {
      const found = this.asked(path).at(-1);
      if (!found) throw new Error(`Nobody has asked for ${path}.`);
      return found;
    },
  };
}

/** Runs `setup` in a component, as pages do. */
export function setUpPage<T>(setup: (live: Live) => T) {
  const pinia = createPinia();
  setActivePinia(pinia);
  const store = usePartsStore(pinia);
  const watched = new Map<number, number>();
  const listeners = new Set<(token: string) => void>();
  const ofCategories = new Set<(token: string) => void>();
  const live: Live = {
    dispatcher: new Dispatcher(store),
    feed: {
      watch(ids) {
        const all = [...ids];
        for (const id of all) watched.set(id, (watched.get(id) ?? 0) + 1);
        return () => all.forEach((id) => (watched.get(id) === 1 ? watched.delete(id) : watched.set(id, (watched.get(id) ?? 0) - 1)));
      },
      watchCatalog: () => () => undefined,
    },
    onCatalog(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onCategories(listener) {
      ofCategories.add(listener);
      return () => ofCategories.delete(listener);
    },
  };
  let result: T | undefined;
  const page = mount(
    defineComponent({
      setup() {
        result = setup(live);
        return () => h("div");
      },
    }),
    { global: { plugins: [pinia], provide: { [liveKey as symbol]: live } } },
  );
  return {
    result: result as T,
    live,
    store,
    /** How often each part is watched. */
    watched,
    say: (token: string) => listeners.forEach((listener) => listener(token)),
    sayOfCategories: (token: string) => ofCategories.forEach((listener) => listener(token)),
    unmount: () => page.unmount(),
  };
}
