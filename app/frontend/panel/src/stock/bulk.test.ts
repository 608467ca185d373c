import { ApiError } from "@lockstep/shared/http.ts";
import type { Session } from "@lockstep/shared/types.ts";
import { flushPromises } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { adminPart, ME } from "../fixtures.ts";
import { useSessionStore } from "../session/session.ts";
import { useToastsStore } from "../ui/toasts.ts";
import { bound, changeOf, inverseOf, matchPasted, useBulkStore, type BulkAnswer, type BulkRow } from "./bulk.ts";
import { copyText, readPasted } from "./clipboard.ts";
import { COLUMNS } from "./columns.ts";
import { csvLine, csvOf } from "./csv.ts";
import { parseInput } from "./input.ts";
import { useUndoStore } from "./undo.ts";

function figures(current_stock: number, version: number) {
  return { current_stock, version, reserved_quantity: 0, min_stock_level: 0, available_stock: current_stock, is_in_stock: true, is_low_stock: false };
}

function row(part_id: number, before: number, after: number, outcome: BulkRow["outcome"] = "changed"): BulkRow {
  return { index: part_id - 1, part_id, sku: `SKU-${part_id}`, outcome, detail: null, changed_by: null, changed_at: null, before: figures(before, 4), after: figures(after, 5) };
}

function answer(...rows: BulkRow[]): BulkAnswer {
  const count = (wanted: BulkRow["outcome"]) => rows.filter(({ outcome }) => outcome === wanted).length;
  return { dry_run: true, changed: count("changed"), unchanged: count("unchanged"), refused: rows.length - count("changed") - count("unchanged"), open_pages: 3, rows };
}

describe("what is pasted", () => {
  it("is a column of counts for the rows from here on", () => {
    expect(matchPasted(readPasted("12\r\n+5\r\n\r\n"), [7, 8, 9])).toEqual({ changes: [{ part_id: 7, current_stock: 12 }, { part_id: 8, delta: 5 }], faults: [] });
  });

  it("or two columns, SKU and count; a heading is left out", () => {
    expect(matchPasted(readPasted("SKU\tOn hand\nA-1\t3\nA-2\t-4"), [])).toEqual({ changes: [{ sku: "A-1", current_stock: 3 }, { sku: "A-2", delta: -4 }], faults: [] });
  });

  it("says of each line why it cannot be used, and uses the others", () => {
    const { changes, faults } = matchPasted(readPasted("A-1\t3\nA-1\t4\nA-2\t1.000"), []);
    expect(changes).toEqual([{ sku: "A-1", current_stock: 3 }]);
    expect(faults.map(({ line }) => line)).toEqual([2, 3]);
    expect(matchPasted(readPasted("1\n2"), [7, -3]).faults).toMatchObject([{ line: 2 }]);
  });

  it("of more than two columns is used in no way, since any may be the counts; empty ones at the end are none", () => {
    const { changes, faults } = matchPasted(readPasted("A-1\t3\t9\nA-2\tWasher\t4\n6205\t\t\nA-3\t5\t\t"), [7, 8, 9, 10]);
    expect(changes).toEqual([{ sku: "A-3", current_stock: 5 }]);
    expect(faults).toMatchObject([{ line: 1, text: "A-1 3 9", problem: expect.stringContaining("two: SKU") }, { line: 2 }, { line: 3 }]);
  });

  it("is a heading only if it holds no digit: a count that was mistyped is not lost silently", () => {
    expect(matchPasted(readPasted("1o\n2"), [7, 8]).faults).toHaveLength(1);
  });
});

it("what is copied is one line for each row", () => {
  expect(copyText([adminPart(1), adminPart(2)], "current_stock")).toBe("5\n5");
  expect(copyText([adminPart(1)], "select")).toBe("SKU-1");
});

it("a count is sent with the version that the preview showed, an adjustment without", () => {
  expect(bound([{ part_id: 1, current_stock: 9 }, { part_id: 2, delta: 1 }], answer(row(1, 5, 9), row(2, 5, 6)))).toEqual([{ part_id: 1, current_stock: 9, version: 4 }, { part_id: 2, delta: 1 }]);
});

it("other figures are set, and go back only if nobody has changed the stock since", () => {
  expect(changeOf({ part_id: 1 }, parseInput("min_stock_level", "12"), "min_stock_level")).toEqual({ part_id: 1, min_stock_level: 12 });
  expect(changeOf({ part_id: 1 }, parseInput("reserved_quantity", "+3"), "reserved_quantity")).toBeNull();
  expect(bound([{ part_id: 1, min_stock_level: 12 }], answer(row(1, 5, 5)))).toEqual([{ part_id: 1, min_stock_level: 12, version: 4 }]);
  const raised = row(1, 5, 5);
  expect(inverseOf([{ ...raised, after: { ...figures(5, 5), min_stock_level: 12 } }])).toEqual([{ part_id: 1, version: 5, reserved_quantity: 0, min_stock_level: 0 }]);
});

it("the inverse takes back the differences of what was changed, and nothing else", () => {
  expect(inverseOf([row(1, 5, 9), row(2, 5, 5, "unchanged"), row(3, 5, 5, "part_archived")])).toEqual([{ part_id: 1, delta: -4 }]);
});

describe("a bulk change", () => {
  const session: Session = { user: { ...ME, email: "kim@example.com", role: "stock" }, csrf_token: "token" };
  let sent: { dry: boolean; body: Record<string, unknown>; key: string | null }[];
  let answers: (() => Response)[];

  beforeEach(async () => {
    setActivePinia(createPinia());
    sent = [];
    answers = [];
    vi.stubGlobal("fetch", async (url: string, options: RequestInit) => {
      if (url.endsWith("/auth/me")) return Response.json(session);
      sent.push({ dry: url.includes("dry_run=true"), body: JSON.parse(String(options.body)), key: new Headers(options.headers).get("Idempotency-Key") });
      const next = answers.shift();
      if (!next) throw new TypeError("Failed to fetch");
      return next();
    });
    await useSessionStore().load();
  });

  afterEach(() => vi.unstubAllGlobals());

  async function previewed(...rows: BulkRow[]) {
    const bulk = useBulkStore();
    answers = [() => Response.json(answer(...rows))];
    bulk.openFor(rows.map(({ part_id }) => part_id ?? 0), "9");
    await flushPromises();
    return bulk;
  }

  it("is shown first, made in one call, and taken back in one", async () => {
    const bulk = await previewed(row(1, 5, 9), row(2, 7, 9));
    expect([bulk.willChange, bulk.mayApply]).toEqual([2, true]);
    bulk.reason = " counted ";
    answers = [() => Response.json(answer(row(1, 5, 9), row(2, 7, 9))), () => Response.json(answer(row(1, 9, 5), row(2, 9, 7)))];
    await bulk.apply();
    expect([bulk.isOpen, useToastsStore().toasts[0]?.text]).toEqual([false, "2 parts were changed."]);
    expect(useUndoStore().take()).toBe(true);
    await flushPromises();
    expect(sent.map(({ dry }) => dry)).toEqual([true, false, false]);
    expect(sent[1]?.body).toEqual({ changes: [{ part_id: 1, current_stock: 9, version: 4 }, { part_id: 2, current_stock: 9, version: 4 }], on_conflict: "fail", reason: "counted" });
    expect(sent[2]?.body).toMatchObject({ changes: [{ part_id: 1, delta: -4 }, { part_id: 2, delta: -2 }], on_conflict: "skip" });
    expect(useUndoStore().take()).toBe(false);
  });

  it("with parts that cannot be changed waits until it is decided to leave them out", async () => {
    const bulk = await previewed(row(1, 5, 9), row(2, 7, 7, "part_archived"));
    expect(bulk.mayApply).toBe(false);
    bulk.skips = true;
    answers = [() => Response.json(answer(row(1, 5, 9), row(2, 7, 7, "part_archived")))];
    await bulk.apply();
    expect(sent[1]?.body).toMatchObject({ on_conflict: "skip" });
    expect(useToastsStore().toasts[0]?.text).toBe("1 part was changed. 1 part was left out.");
  });

  it("that somebody was faster than is shown again, with what is true now", async () => {
    const bulk = await previewed(row(1, 5, 9));
    answers = [() => Response.json({ code: "concurrent_modification" }, { status: 409 }), () => Response.json(answer(row(1, 6, 9)))];
    await bulk.apply();
    expect([bulk.isOpen, bulk.preview?.rows[0]?.before?.current_stock]).toEqual([true, 6]);
    expect(bulk.problem).toContain("look again");
  });

  it("whose answer was lost is sent again as the same call; so is its undo", async () => {
    const bulk = await previewed(row(1, 5, 9));
    await bulk.apply();
    expect(bulk.problem).not.toBe("");
    answers = [() => Response.json(answer(row(1, 5, 9)))];
    await bulk.apply();
    expect(sent[1]?.key).toBe(sent[2]?.key);
    useUndoStore().take();
    await flushPromises();
    answers = [() => Response.json(answer(row(1, 9, 5)))];
    expect(useUndoStore().take()).toBe(true);
    await flushPromises();
    expect(sent[3]?.key).toBe(sent[4]?.key);
    expect(useUndoStore().steps).toEqual([]);
  });

  it("says at once what is not understood, and sends nothing", async () => {
    useBulkStore().openFor([1], "five");
    await flushPromises();
    expect([useBulkStore().problem !== "", sent]).toEqual([true, []]);
  });
});

describe("a view as a file", () => {
  const columns = COLUMNS.filter(({ key }) => key === "sku" || key === "part_name" || key === "current_stock");

  it("quotes what has commas, quotes and line ends, and keeps spreadsheets from running names", () => {
    expect(csvLine(adminPart(1, undefined, { part_name: 'Seal 1/2", NBR' }), columns)).toBe('SKU-1,"Seal 1/2"", NBR",5');
    expect(csvLine(adminPart(1, undefined, { part_name: "=1+1" }), columns)).toBe("SKU-1,'=1+1,5");
  });

  it("is read page after page, begins with a byte order mark, and can be stopped", async () => {
    const read = async (cursor: string | null) => ({ items: [adminPart(cursor ? 2 : 1)], next_cursor: cursor ? null : "c" });
    const made = await csvOf(columns, ["SKU", "Name", "On hand"], read, () => true);
    expect(made).toEqual({ text: "\ufeffSKU,Name,On hand\r\nSKU-1,Part 1,5\r\nSKU-2,Part 2,5\r\n", isWhole: true });
    expect(await csvOf(columns, [], read, (count) => count < 1)).toBeNull();
    await expect(csvOf(columns, [], () => Promise.reject(new ApiError({ status: 503 })), () => true)).rejects.toBeInstanceOf(ApiError);
  });
});
