/**
 * Puts what is known of parts into a page's elements, and follows elements that come, go and change.
 *
 * `data-lockstep-part="SKU"` names a part; `data-lockstep-field` on it, or on elements inside it, is filled; a `<template>` that is
 * a child of it is put behind itself once the part is known. `data-lockstep-currency` on it, or around it, names the currency of its
 * price. Only texts, the attributes below and `hidden` are ever written.
 */
import { formatNumber, formatPrice, setLocale } from "@lockstep/shared/format.ts";
import { normalSku, type Availability, type Part, type Shop } from "./shop.ts";
import { textsIn } from "./texts.ts";

export const PART = "data-lockstep-part";
export const FIELD = "data-lockstep-field";
export const CURRENCY = "data-lockstep-currency";
/** Written on the part's element: in, low, out or gone. Until the part is known it is absent. */
export const AVAILABILITY = "data-lockstep-availability";
/** On an element inside a part: the availabilities in which it is shown; otherwise it is hidden. */
export const SHOW = "data-lockstep-show";
const TAG = "lockstep-part";
const PARTS = `[${PART}],${TAG}[sku]`;
const EXPANDED = new WeakSet<HTMLTemplateElement>();

let spoken = "";

function fields(part: Part, field: string): string | null {
  switch (field) {
    case "stock":
      return part.stock === null ? "" : formatNumber(part.stock);
    case "price":
      return part.price === null ? "" : formatPrice(part.price.amount, part.price.currency);
    case "availability":
      return textsIn(spoken)[part.availability];
    case "name":
      return part.name ?? "";
    default:
      return null;
  }
}

/** Speaks the page's language from now on: the one that it says, else the browser's. */
function listen(): void {
  const language = document.documentElement.lang || navigator.language;
  if (language !== spoken) setLocale((spoken = language), navigator.languages);
}

function write(element: Element, text: string): void {
  const { firstChild } = element;
  // A text node that stays is one that the page's framework still knows.
  if (firstChild instanceof Text && element.childNodes.length === 1) {
    if (firstChild.data !== text) firstChild.data = text;
  } else if (element.textContent !== text) element.textContent = text;
}

/** The SKU that an element names, if it does. */
export function skuOf(element: Element): string | null {
  return element.getAttribute(PART) ?? (element.localName === TAG ? element.getAttribute("sku") : null);
}

/** The currency that an element, or what is around it, names; "" if none does. */
function currencyOf(element: Element): string {
  const named = element.closest(`[${CURRENCY}]`)?.getAttribute(CURRENCY);
  const root = element.getRootNode();
  return named?.trim().toUpperCase() ?? (root instanceof ShadowRoot ? currencyOf(root.host) : "");
}

/** Fills what belongs to a part's element, and not to another part inside it. */
export function show(owner: Element, part: Part): void {
  listen();
  if (owner.getAttribute(AVAILABILITY) !== part.availability) owner.setAttribute(AVAILABILITY, part.availability);
  for (const child of [...owner.children]) {
    if (!(child instanceof HTMLTemplateElement) || EXPANDED.has(child)) continue;
    EXPANDED.add(child);
    child.after(child.content.cloneNode(true));
  }
  const own = owner.localName === TAG ? (owner.getAttribute("field") ?? owner.getAttribute(FIELD)) : owner.getAttribute(FIELD);
  const text = own === null ? null : fields(part, own);
  if (text !== null) write(owner, text);
  for (const element of owner.querySelectorAll<HTMLElement>(`[${FIELD}],[${SHOW}]`)) {
    if (element.closest(PARTS) !== owner) continue;
    const states = element.getAttribute(SHOW)?.split(/\s+/) as Availability[] | undefined;
    if (states) element.hidden = !states.includes(part.availability);
    const inner = fields(part, element.getAttribute(FIELD) ?? "");
    if (inner !== null) write(element, inner);
  }
}

interface Bound {
  sku: string;
  currency: string;
  end: () => void;
  part: Part | null;
}

export class Page {
  readonly #shopIn: (currency: string) => Shop;
  readonly #bound = new Map<Element, Bound>();
  readonly #observers = new Map<Node, MutationObserver>();

  /** @param shopIn the shop with its prices in a currency; "" for its own. */
  constructor(shopIn: (currency: string) => Shop) {
    this.#shopIn = shopIn;
  }

  /** Follows the parts in a document, a shadow root or an element. @returns what ends that. */
  observe(root: Document | ShadowRoot | Element): () => void {
    if (!this.#observers.has(root)) {
      const observer = new MutationObserver(() => this.#scan());
      observer.observe(root, { subtree: true, childList: true, attributes: true, attributeFilter: [PART, FIELD, SHOW, CURRENCY, "sku", "field"] });
      this.#observers.set(root, observer);
      this.#scan();
    }
    return () => {
      this.#observers.get(root)?.disconnect();
      this.#observers.delete(root);
      this.#scan();
    };
  }

  /** Binds one element, wherever it is: a custom element tells of itself. */
  bind(element: Element): void {
    const sku = normalSku(skuOf(element) ?? "");
    const currency = currencyOf(element);
    const bound = this.#bound.get(element);
    if (bound && bound.sku === sku && bound.currency === currency) {
      if (bound.part) show(element, bound.part);
      return;
    }
    this.release(element);
    if (sku === null) return;
    const made: Bound = { sku, currency, part: null, end: () => undefined };
    this.#bound.set(element, made);
    made.end = this.#shopIn(currency).watch([sku], (part) => {
      made.part = part;
      show(element, part);
      element.dispatchEvent(new CustomEvent("lockstep:change", { detail: part, bubbles: true, composed: true }));
    });
  }

  release(element: Element): void {
    const bound = this.#bound.get(element);
    if (!bound) return;
    bound.end();
    this.#bound.delete(element);
    element.removeAttribute(AVAILABILITY);
  }

  #scan(): void {
    const roots = [...this.#observers.keys()] as (Document | ShadowRoot | Element)[];
    for (const root of roots) {
      if (root instanceof Element && root.matches(`[${PART}]`)) this.bind(root);
      for (const element of root.querySelectorAll(PARTS)) this.bind(element);
    }
    for (const [element, { currency }] of [...this.#bound]) {
      const isHere = element.isConnected && (element.localName === TAG ? skuOf(element) : roots.some((root) => root.contains(element)) && element.hasAttribute(PART));
      if (!isHere) this.release(element);
      else if (currency !== currencyOf(element)) this.bind(element);
    }
  }
}
