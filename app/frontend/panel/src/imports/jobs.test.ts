import { expect, it } from "vitest";
import { canBeUndone, changesAnything, heard, isOver, kindOf, progressOf, toneOf, undoingOf, type JobDetail } from "./jobs.ts";

function job(more: Partial<JobDetail> = {}): JobDetail {
  return {
    id: 3, state: "importing", file_name: "parts.csv", dry_run: false, rows_total: 100, rows_done: 40, created: 0, changed: 0, unchanged: 0,
    errors: [], error_count: 0, notices: [], notice_count: 0, failure: null, undoes: null, undone_by: null, conflicts: [], conflict_count: 0,
    created_by: { id: 1, name: "Ana" }, created_at: "2026-01-01T00:00:00Z", finished_at: null,
    columns: [{ name: "SKU", became: "sku", detail: "" }], ...more,
  };
}

it("a job is one of four kinds", () => {
  expect([job(), job({ dry_run: true }), job({ undoes: 2 }), job({ undoes: 2, dry_run: true })].map(kindOf)).toEqual(["import", "check", "undo", "undoCheck"]);
});

it("progress is unknown until the rows are counted, and never more than all", () => {
  expect(progressOf(job())).toBe(0.4);
  expect(progressOf(job({ rows_total: null }))).toBeNull();
  expect(progressOf(job({ rows_total: 0 }))).toBeNull();
  expect(progressOf(job({ rows_done: 101 }))).toBe(1);
});

it("only a real import that is over and changed something can be undone", () => {
  expect(canBeUndone(job({ state: "done", created: 1 }))).toBe(true);
  expect(canBeUndone(job({ state: "cancelled", changed: 1 }))).toBe(true);
  expect(canBeUndone(job({ state: "done", unchanged: 9 }))).toBe(false);
  expect(canBeUndone(job({ created: 1 }))).toBe(false);
  expect(canBeUndone(job({ state: "done", created: 1, dry_run: true }))).toBe(false);
  expect(canBeUndone(job({ state: "done", changed: 1, undoes: 2 }))).toBe(false);
});

it("a dry run that found nothing to change needs no import", () => {
  expect(changesAnything(job({ state: "done", dry_run: true, unchanged: 5 }))).toBe(false);
  expect(changesAnything(job({ state: "done", dry_run: true, changed: 1 }))).toBe(true);
  expect(changesAnything(job({ state: "refused", dry_run: true, changed: 1 }))).toBe(false);
});

it("what is heard moves a job on, and never back", () => {
  const { columns: _, ...told } = job({ rows_done: 60 });
  expect(heard(job(), told)).toEqual(job({ rows_done: 60 }));
  const old = { ...told, rows_done: 20 };
  expect(heard(job(), old)).toEqual(job());
  const over = job({ state: "done", rows_done: 100 });
  expect(heard(over, told)).toBe(over);
  // A job that was cancelled says how far it came, which may be less than it said before.
  expect(heard(job(), { ...told, state: "cancelled", rows_done: 30 })).toMatchObject({ state: "cancelled", rows_done: 30 });
});

it("a job whose columns have become known must be read", () => {
  const { columns: _, ...told } = job();
  expect(heard(job({ columns: [], rows_total: null }), told)).toBeNull();
  expect(heard(job({ columns: [], rows_total: null }), { ...told, rows_total: null, state: "checking" })).toMatchObject({ state: "checking" });
  expect(heard(job({ columns: [] }), { ...told, rows_total: null, state: "refused" })).toBeNull();
  // An undo reads no file.
  expect(heard(job({ columns: [], undoes: 2 }), { ...told, undoes: 2 })).not.toBeNull();
});

it("what a job explains stays in the reader's language, and is read when there is more of it", () => {
  const { columns: _, ...told } = job({ rows_done: 60, notice_count: 1, notices: [{ line: 2, field: "description", reason: "dropped" }] });
  const held = job({ notice_count: 1, notices: [{ line: 2, field: "description", reason: "weggelassen" }] });
  expect(heard(held, told)).toMatchObject({ rows_done: 60, notices: held.notices });
  expect(heard(job(), told)).toBeNull();
  expect(heard(job(), { ...told, notice_count: 0, notices: [], state: "failed", failure: "gone" })).toBeNull();
});

it("conflicts make a result a warning, refusals a fault", () => {
  expect([job({ state: "done" }), job({ state: "done", conflict_count: 1 }), job({ state: "refused" }), job()].map(toneOf)).toEqual(["good", "warn", "bad", "neutral"]);
  expect(isOver(job({ state: "undoing" }))).toBe(false);
});

it("an import that is being undone is told from one that was, and from one whose undo came to no end", () => {
  const states = ["undoing", "done", "failed", "cancelled"] as const;
  expect(states.map((state) => undoingOf({ id: 2, state, finished_at: null }))).toEqual(["running", "done", "broken", "broken"]);
});
