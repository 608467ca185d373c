import { FakeSocket } from "@lockstep/shared/live/fake-socket.ts";
import { deletedEvent, listItem, priceEvent, stockEvent } from "@lockstep/shared/live/fixtures.ts";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { defineElement } from "./element.ts";
import { Page } from "./page.ts";
import { Shop } from "./shop.ts";

const asked: string[] = [];
const read = (async (address: string) => {
  const skus = new URL(address).searchParams.getAll("sku");
  asked.push(...skus);
  const items = skus.filter((sku) => sku.startsWith("SKU-")).map((sku) => listItem(Number(sku.slice(4)), { stock: 7, price: sku === "SKU-6" ? 6 : 1234 }));
  return Response.json({ items, missing: [] });
}) as typeof fetch;

let socket: FakeSocket;
let page: Page;
let end: () => void;

const inDollars = (async () => Response.json({ items: [{ ...listItem(1), price: { amount: "9.00", currency: "USD", version: 1 } }], missing: [] })) as unknown as typeof fetch;
const dollars = new Shop({ origin: "https://shop.example", socket: new FakeSocket(), currency: "USD", fetch: inDollars });

/** The element can be defined once, so all tests have one page. */
beforeAll(() => {
  socket = new FakeSocket();
  const shops = { "": new Shop({ origin: "https://shop.example", socket, fetch: read }), "USD": dollars };
  page = new Page((currency) => shops[currency as keyof typeof shops]);
  defineElement(page);
});
beforeEach(() => {
  document.documentElement.lang = "en";
  end = page.observe(document);
});
afterEach(() => {
  document.body.replaceChildren();
  end();
});

async function shown(html: string): Promise<HTMLElement> {
  document.body.innerHTML = html;
  await vi.waitFor(() => expect(document.querySelector("[data-lockstep-availability]")).not.toBeNull());
  return document.body;
}

const texts = (root: ParentNode, selector: string): string[] => [...root.querySelectorAll(selector)].map((element) => element.textContent ?? "");

describe("an element with a field", () => {
  it("shows it, and every change of it", async () => {
    const body = await shown(`
      <span data-lockstep-part="SKU-1" data-lockstep-field="stock"></span>
      <span data-lockstep-part="SKU-1" data-lockstep-field="price">1 EUR</span>
      <span data-lockstep-part="SKU-1" data-lockstep-field="availability"></span>
      <span data-lockstep-part="SKU-1" data-lockstep-field="name"></span>`);
    expect(texts(body, "span")).toEqual(["7", "€1,234.00", "In stock", "Name 1"]);
    socket.receive("stock.updated", stockEvent(1, 12_345));
    socket.receive("price.updated", priceEvent(1, 2_000));
    expect(texts(body, "span").slice(0, 2)).toEqual(["12,345", "€2,000.00"]);
  });

  it("shows the price in the currency that is named on it or around it, and follows that", async () => {
    const price = '<b data-lockstep-part="SKU-1" data-lockstep-field="price"></b>';
    const body = await shown(`${price}<div data-lockstep-currency="usd">${price}</div><lockstep-part sku="SKU-1" data-lockstep-currency="USD" field="price"></lockstep-part>`);
    await vi.waitFor(() => expect(texts(body, "b,lockstep-part")).toEqual(["€1,234.00", "$9.00", "$9.00"]));
    body.querySelector("div")?.removeAttribute("data-lockstep-currency");
    await vi.waitFor(() => expect(texts(body, "b")).toEqual(["€1,234.00", "€1,234.00"]));
  });

  it("shows the price in the currency that is named around its shadow root, and follows that", async () => {
    const body = await shown('<b data-lockstep-part="SKU-1" data-lockstep-field="price"></b><div data-lockstep-currency="USD"><i></i></div>');
    const root = body.querySelector("i")?.attachShadow({ mode: "open" }) as ShadowRoot;
    root.innerHTML = '<lockstep-part sku="SKU-1" field="price"></lockstep-part>';
    await vi.waitFor(() => expect(texts(root, "lockstep-part")).toEqual(["$9.00"]));
    body.querySelector("div")?.removeAttribute("data-lockstep-currency");
    await vi.waitFor(() => expect(texts(root, "lockstep-part")).toEqual(texts(body, "b")));
  });

  it("keeps its text node, which a framework may know", async () => {
    document.body.innerHTML = '<span data-lockstep-part="SKU-2" data-lockstep-field="stock">?</span>';
    const node = document.querySelector("span")?.firstChild;
    await vi.waitFor(() => expect(node?.textContent).toBe("7"));
    expect(document.querySelector("span")?.firstChild).toBe(node);
  });

  it("speaks the page's language", async () => {
    document.documentElement.lang = "de-AT";
    const body = await shown('<span data-lockstep-part="SKU-3" data-lockstep-field="availability"></span><i data-lockstep-part="none" data-lockstep-field="availability"></i>');
    expect(texts(body, "span, i")).toEqual(["Auf Lager", "Nicht erhältlich"]);
  });

  it("says when its part is gone, and shows neither price nor stock", async () => {
    const body = await shown('<span data-lockstep-part="SKU-4" data-lockstep-field="stock"></span><span data-lockstep-part="SKU-4" data-lockstep-field="price"></span>');
    socket.receive("part.deleted", deletedEvent(4, 9));
    expect(texts(body, "span")).toEqual(["", ""]);
    expect(body.querySelector("span")?.getAttribute("data-lockstep-availability")).toBe("gone");
  });

  it("is left as it is by a field that nobody knows", async () => {
    const body = await shown('<span data-lockstep-part="SKU-1" data-lockstep-field="weight">2 kg</span>');
    expect(texts(body, "span")).toEqual(["2 kg"]);
  });
});

describe("elements inside a part", () => {
  it("are filled, shown and hidden, but not those of another part", async () => {
    const body = await shown(`<div data-lockstep-part="SKU-5">
      <b data-lockstep-field="price"></b><i data-lockstep-show="in low">here</i><i data-lockstep-show="out gone">away</i>
      <u data-lockstep-part="SKU-6"><s data-lockstep-field="price"></s></u></div>`);
    await vi.waitFor(() => expect(texts(body, "b, s")).toEqual(["€1,234.00", "€6.00"]));
    const hidden = (): boolean[] => [...body.querySelectorAll("i")].map((element) => element.hidden);
    expect(hidden()).toEqual([false, true]);
    socket.receive("stock.updated", stockEvent(5, 8));
    expect(texts(body, "b, s")).toEqual(["€1,234.00", "€6.00"]);
    socket.receive("part.deleted", deletedEvent(5, 9));
    expect(hidden()).toEqual([true, false]);
  });

  it("come from a template once the part is known", async () => {
    const body = await shown('<p data-lockstep-part="SKU-7"><template><b data-lockstep-field="stock"></b> left</template></p>');
    socket.receive("stock.updated", stockEvent(7, 8));
    await vi.waitFor(() => expect(body.querySelector("p")?.textContent).toBe("8 left"));
  });
});

describe("what a page does later", () => {
  it("an element that is added is filled, and one that is removed or renamed is not watched on", async () => {
    const body = await shown('<span data-lockstep-part="SKU-8" data-lockstep-field="stock"></span>');
    const added = document.createElement("div");
    added.innerHTML = '<b data-lockstep-part="SKU-9" data-lockstep-field="stock"></b>';
    body.append(added);
    await vi.waitFor(() => expect(texts(body, "b")).toEqual(["7"]));
    const span = body.querySelector("span");
    span?.setAttribute("data-lockstep-part", "SKU-10");
    await vi.waitFor(() => expect(asked).toContain("SKU-10"));
    socket.receive("stock.updated", stockEvent(8, 99));
    expect(texts(body, "span")).toEqual(["7"]);
    const removed = body.querySelector("b");
    removed?.remove();
    await vi.waitFor(() => expect(removed?.hasAttribute("data-lockstep-availability")).toBe(false));
    socket.receive("stock.updated", stockEvent(9, 99));
    expect(removed?.textContent).toBe("7");
  });

  it("a change is an event of the element", async () => {
    const heard: unknown[] = [];
    document.body.addEventListener("lockstep:change", (event) => heard.push((event as CustomEvent).detail));
    await shown('<span data-lockstep-part="SKU-11" data-lockstep-field="stock"></span>');
    socket.receive("stock.updated", stockEvent(11, 8));
    expect(heard).toMatchObject([{ sku: "SKU-11", stock: 7 }, { sku: "SKU-11", stock: 8 }]);
  });
});

describe("the custom element", () => {
  it("shows price and availability by itself, one field, or what is in it", async () => {
    const body = await shown('<lockstep-part sku="SKU-12"></lockstep-part><lockstep-part sku="SKU-12" field="stock"></lockstep-part><lockstep-part sku="SKU-12"><b data-lockstep-field="name"></b></lockstep-part>');
    await vi.waitFor(() => expect(texts(body, "lockstep-part")).toEqual(["€1,234.00 In stock", "7", "Name 1"]));
  });

  it("works in a shadow root, and shows another part when it names one", async () => {
    const host = document.createElement("div");
    document.body.append(host);
    const root = host.attachShadow({ mode: "open" });
    root.innerHTML = '<lockstep-part sku="SKU-13" field="stock"></lockstep-part>';
    await vi.waitFor(() => expect(texts(root, "lockstep-part")).toEqual(["7"]));
    socket.receive("stock.updated", stockEvent(13, 8));
    expect(texts(root, "lockstep-part")).toEqual(["8"]);
    root.querySelector("lockstep-part")?.setAttribute("sku", "none");
    await vi.waitFor(() => expect(root.querySelector("lockstep-part")?.getAttribute("data-lockstep-availability")).toBe("gone"));
    host.remove();
    await vi.waitFor(() => expect(root.querySelector("lockstep-part")?.hasAttribute("data-lockstep-availability")).toBe(false));
  });

  it("is not needed in a shadow root that the page tells of", async () => {
    const host = document.createElement("div");
    document.body.append(host);
    const root = host.attachShadow({ mode: "open" });
    root.innerHTML = '<span data-lockstep-part="SKU-14" data-lockstep-field="stock"></span>';
    const endShadow = page.observe(root);
    await vi.waitFor(() => expect(texts(root, "span")).toEqual(["7"]));
    endShadow();
    socket.receive("stock.updated", stockEvent(14, 8));
    expect(texts(root, "span")).toEqual(["7"]);
  });
});
