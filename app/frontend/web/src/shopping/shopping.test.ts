import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, it, vi } from "vitest";
import { useCompareStore } from "../stores/compare.ts";
import { useShoppingStore } from "../stores/shopping.ts";
import { csvOf } from "./csv.ts";
import { MAX_LINES, readLines, withFound } from "./lines.ts";
import { fragmentOf, hasList, linesOf } from "./share.ts";

const PLACE = "lockstep.list.1";

beforeEach(() => {
  vi.unstubAllGlobals();
  localStorage.clear();
  setActivePinia(createPinia());
});

function shop() {
  const store = useShoppingStore();
  return { store, said: () => store.lines.map(({ asked, sku, quantity }) => `${quantity} of ${sku ?? asked}`) };
}

/** As a browser tells a tab that another one has written. */
function heard(key: string | null): void {
  window.dispatchEvent(new StorageEvent("storage", { key }));
}

it("what is asked for again goes to its line, whatever its case", () => {
  const { store, said } = shop();
  expect(store.add([{ asked: "a-1", quantity: 2 }, { asked: "B", quantity: 1 }, { asked: "A-1", quantity: 3 }])).toMatchObject({ added: 2, together: 1, over: 0 });
  expect(said()).toEqual(["5 of a-1", "1 of B"]);
});

it("lines that turn out to mean the same part become one", () => {
  const { store, said } = shop();
  store.add([{ asked: "6204 2RS", quantity: 2 }, { asked: "B", quantity: 1 }, { asked: "6204-2RS", quantity: 3 }]);
  const [first, , last] = store.lines;
  expect(store.find(new Map([[first?.key ?? "", "6204-2RS"], [last?.key ?? "", "6204-2RS"]]))).toBe(1);
  expect(said()).toEqual(["5 of 6204-2RS", "1 of B"]);
  expect(withFound(store.lines, new Map()).lines).toEqual(store.lines);
});

it("a list has an end", () => {
  const { store } = shop();
  const many = Array.from({ length: MAX_LINES + 3 }, (_, n) => ({ asked: `A-${n}`, quantity: 1 }));
  expect(store.add(many)).toMatchObject({ added: MAX_LINES, over: 3 });
  expect(store.add([{ asked: "A-1", quantity: 2_147_483_647 }])).toMatchObject({ together: 1, over: 0 });
  expect(store.lines[1]?.quantity).toBe(2_147_483_647);
});

it("it is there on the next visit", () => {
  const { store, said } = shop();
  store.add([{ asked: "A", quantity: 2, sku: "A-1" }]);
  const before = said();
  setActivePinia(createPinia());
  expect(shop().said()).toEqual(before);
});

it.each(["", "{", "null", '"list"', "[1, null, {}]", '[{"key":"k","asked":"A","quantity":0}]', '[{"key":"k","asked":"","quantity":1}]', '[{"key":5,"asked":"A","quantity":1}]'])(
  "what is no list (%s) is an empty one, and is replaced",
  (found) => {
    localStorage.setItem(PLACE, found);
    const { store, said } = shop();
    expect(said()).toEqual([]);
    store.add([{ asked: "A", quantity: 1 }]);
    expect(readLines(JSON.parse(localStorage.getItem(PLACE) ?? ""))).toHaveLength(1);
  },
);

it("what another tab writes is here at once, and what is written here loses nothing of it", () => {
  const { store, said } = shop();
  store.add([{ asked: "A", quantity: 1 }]);
  const others = [...store.lines, { key: "other", asked: "B", sku: null, quantity: 2 }];
  localStorage.setItem(PLACE, JSON.stringify(others));
  // Its event is still on the way.
  store.setQuantity("other", 7);
  expect(said()).toEqual(["1 of A", "7 of B"]);
  localStorage.setItem(PLACE, "[]");
  heard("another place");
  expect(said()).toHaveLength(2);
  heard(PLACE);
  expect(said()).toEqual([]);
  store.add([{ asked: "C", quantity: 1 }]);
  localStorage.clear();
  heard(null);
  expect(said()).toEqual([]);
});

it("a browser that keeps nothing still has a list, for as long as the page is open", () => {
  vi.stubGlobal("localStorage", {
    getItem: () => null,
    setItem: () => {
      throw new DOMException("full", "QuotaExceededError");
    },
  });
  const { store, said } = shop();
  store.add([{ asked: "A", quantity: 1 }]);
  store.add([{ asked: "B", quantity: 1 }]);
  expect([said(), store.isKept]).toEqual([["1 of A", "1 of B"], false]);
});

it("a link carries a list to another browser", async () => {
  const lines = [{ asked: "6204-2RS", quantity: 3 }, { asked: "Łożysko 50% & #1* ,;", quantity: 2_147_483_647 }];
  const short = await fragmentOf(lines);
  expect(hasList(short ?? "")).toBe(true);
  expect(await linesOf(short ?? "")).toEqual(lines);
  const many = Array.from({ length: 400 }, (_, n) => ({ asked: `HM8x${n}-A2`, quantity: n + 1 }));
  const packed = await fragmentOf(many);
  expect(packed?.startsWith("#list.z=")).toBe(true);
  expect(await linesOf(packed ?? "")).toEqual(many);
});

it("a list that makes no usable link has none", async () => {
  const random = Array.from({ length: 200 }, () => ({ asked: Array.from({ length: 6 }, () => Math.random().toString(36)).join(""), quantity: 1 }));
  expect(await fragmentOf(random)).toBeNull();
});

it.each(["#list=", "#list=%", "#list=abc", "#list=0*A", "#list=99999999999*A", "#list.z=", "#list.z=!!", "#list.z=AAAA", "#other"])("%s is no list", async (fragment) => {
  expect(await linesOf(fragment)).toBeNull();
});

it("a link that would unpack to far more than a list is not unpacked", async () => {
  const bomb = new Blob([new Uint8Array(3_000_000)]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(bomb).arrayBuffer());
  const base64 = btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")).replaceAll("+", "-").replaceAll("/", "_");
  expect(await linesOf(`#list.z=${base64}`)).toBeNull();
});

it.each([
  ["=1+1", "'=1+1"], ["+49", "'+49"], ["-A", "'-A"], ["@x", "'@x"], ["'=x", "''=x"], ["4.00638E+12", "'4.00638E+12"], ["1-Mar", "'1-Mar"],
  ["MAR-01", "MAR-01"], ["1E5", "1E5"], ["6204-2RS", "6204-2RS"], ['a "b", c', '"a ""b"", c"'], ["=\n", '"\'=\n"'],
])("a spreadsheet leaves %j as it is", (cell, written) => expect(csvOf([[cell]])).toBe(`\uFEFF${written}\r\n`));

it("a list for spreadsheets that part cells by semicolons has them, and one for others may have them in a cell", () => {
  expect(csvOf([["A;B", "1,50", 2]], ";")).toBe('\uFEFF"A;B";"1,50";2\r\n');
  expect(csvOf([["A;B", "1.50", 2]])).toBe('\uFEFF"A;B",1.50,2\r\n');
});

it("four parts are compared and no more; another tab's choice counts", () => {
  const compare = useCompareStore();
  for (const id of [1, 2, 3, 4, 5]) compare.toggle({ id, name: `Part ${id}` });
  expect([compare.ids, compare.isTooMany]).toEqual([[1, 2, 3, 4], true]);
  compare.toggle({ id: 2, name: "Part 2" });
  expect([compare.ids, compare.isTooMany]).toEqual([[1, 3, 4], false]);
  localStorage.setItem("lockstep.compare.1", '[{"id":7,"name":"Seven"},{"id":"8"},null,{"id":7,"name":"Seven"}]');
  heard("lockstep.compare.1");
  expect(compare.ids).toEqual([7]);
});
