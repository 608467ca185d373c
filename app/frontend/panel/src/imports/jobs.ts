/** What an import is, what may be done with it, and how far it has come. */
import type { components } from "@lockstep/shared/api.gen.ts";

type Schemas = components["schemas"];
export type Job = Schemas["ImportJob"];
export type JobDetail = Schemas["ImportJobDetail"];
export type Column = Schemas["ImportColumn"];
export type Fault = Schemas["ImportFault"];
export type Kind = "check" | "import" | "undoCheck" | "undo";

const OVER: readonly Job["state"][] = ["done", "refused", "failed", "cancelled"];

export function isOver({ state }: Pick<Job, "state">): boolean {
  return OVER.includes(state);
}

export function kindOf({ dry_run, undoes }: Pick<Job, "dry_run" | "undoes">): Kind {
  if (undoes !== null) return dry_run ? "undoCheck" : "undo";
  return dry_run ? "check" : "import";
}

/** @returns from 0 to 1; null while nobody knows how much there is to do. */
export function progressOf({ rows_done, rows_total }: Pick<Job, "rows_done" | "rows_total">): number | null {
  return rows_total ? Math.min(1, rows_done / rows_total) : null;
}

export function toneOf(job: Pick<Job, "state" | "conflict_count">): "good" | "warn" | "bad" | "neutral" {
  if (job.state === "refused" || job.state === "failed") return "bad";
  if (job.state === "cancelled") return "warn";
  if (job.state !== "done") return "neutral";
  return job.conflict_count > 0 ? "warn" : "good";
}

/** How far the job has come that undoes an import. */
export function undoingOf(undone: NonNullable<Job["undone_by"]>): "running" | "done" | "broken" {
  if (!isOver(undone)) return "running";
  return undone.state === "done" ? "done" : "broken";
}

/** An import can be undone once it is over, if it changed anything; the server says the same. */
export function canBeUndone(job: Job): boolean {
  return kindOf(job) === "import" && isOver(job) && job.created + job.changed > 0;
}

/** Whether a finished dry run leaves anything to do. */
export function changesAnything(job: Job): boolean {
  return job.state === "done" && job.created + job.changed > 0;
}

/**
 * What is known of a job after it was heard of: `told` has no columns, explains in English, and may be older than what was read.
 * @returns null if it must be read: its columns are known by now, or there is more that it explains.
 */
export function heard(held: JobDetail, told: Job): JobDetail | null {
  if (isOver(held) && !isOver(told)) return held;
  if (!isOver(told) && told.rows_done < held.rows_done) return held;
  if (held.columns.length === 0 && told.undoes === null && (told.rows_total !== null || isOver(told))) return null;
  const { columns, errors, notices, conflicts, failure } = held;
  if (explanations(told) !== explanations(held)) return null;
  return { ...told, columns, errors, notices, conflicts, failure };
}

function explanations({ error_count, notice_count, conflict_count, failure }: Job): string {
  return [error_count, notice_count, conflict_count, failure === null].join();
}
