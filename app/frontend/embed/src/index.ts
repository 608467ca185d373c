/**
 * Live stock and prices of a Lockstep shop on any page: docs/embed.md says how to use it.
 *
 * The shop is where this script was loaded from. A page may load it any number of times; the first copy does the work.
 */
import { defineElement } from "./element.ts";
import { Page } from "./page.ts";
import { Shop, type Callback, type Status } from "./shop.ts";
import { WireSocket } from "./wire.ts";

interface Lockstep {
  readonly version: 1;
  readonly origin: string;
  readonly status: Status;
  watch(skus: string | Iterable<string>, callback: Callback, options?: { currency?: string }): () => void;
  observe(root: ShadowRoot | Element): () => void;
}

declare global {
  interface Window {
    lockstep?: Lockstep;
  }
}

function start(origin: string): Lockstep {
  // One for each currency that the page shows: a connection tells of prices in one.
  const shops = new Map<string, Shop>();
  function shopIn(currency: string): Shop {
    const shop = shops.get(currency) ?? new Shop({ origin, currency, socket: new WireSocket(origin, "/customers") });
    shops.set(currency, shop);
    return shop;
  }
  const page = new Page(shopIn);
  page.observe(document);
  defineElement(page);
  return Object.freeze({
    version: 1,
    origin,
    get status() {
      const all = [...shops.values()].map(({ status }) => status);
      return all.length === 0 || all.includes("connecting") ? "connecting" : all.includes("polling") ? "polling" : "live";
    },
    watch: (skus, callback, { currency = "" } = {}) => shopIn(currency).watch(typeof skus === "string" ? [skus] : skus, callback),
    observe: (root) => page.observe(root),
  } satisfies Lockstep);
}

const script = document.currentScript;
if (!(script instanceof HTMLScriptElement) || !script.src) {
  console.error("Lockstep: load embed.js by the src of a script element that is no module; its address says where the shop is.");
} else {
  const { origin } = new URL(script.src);
  window.lockstep ??= start(origin);
  if (window.lockstep.origin !== origin) console.error(`Lockstep: this page shows parts of ${window.lockstep.origin} already; those of ${origin} are left out.`);
}
