/** What the figures of the synchronisation mean: which part of the shop is well, and which is not. */
import type { components } from "@lockstep/shared/api.gen.ts";

type Schemas = components["schemas"];
export type Status = Schemas["SyncStatus"];
export type EffectFigures = Schemas["EffectStatus"];
export type Drift = Schemas["Drift"];
export type Report = Schemas["Reconciliation"];
export type LastRun = Report & { started_at: string; finished_at: string | null };
export type Health = "ok" | "degraded" | "away" | "unknown";

/** What a web process says of what it depends on (GET /readyz). */
export interface Ready {
  database: Health;
  cache: Health;
  broker: Health;
}

export interface Component {
  name: "database" | "cache" | "broker" | "worker" | "beat";
  health: Health;
}

/** In the order in which they follow a commit. */
const ORDER = ["invalidate_cache", "broadcast", "purge_edge", "persist_audit", "snapshot_content"];
/** Something that is due is taken up within a second or two. */
const LATE_SECONDS = 15;
const STUCK_SECONDS = 120;
/** Beat has it reconcile every minute, and says every two seconds that it lives. */
const TICK_SECONDS = 60;
const BEAT_SECONDS = 15;
/** What is put into them nobody else does. */
const QUEUES = ["sync.live", "sync.records"];

export function effectsOf({ effects }: Pick<Status, "effects">): (EffectFigures & { name: string })[] {
  const rank = (name: string): number => (ORDER.includes(name) ? ORDER.indexOf(name) : ORDER.length);
  return Object.entries(effects).map(([name, figures]) => ({ name, ...figures })).sort((a, b) => rank(a.name) - rank(b.name) || (a.name < b.name ? -1 : 1));
}

export function lastRun({ last_reconciliation }: { last_reconciliation: unknown }): LastRun | null {
  return last_reconciliation as LastRun | null;
}

/** What is not known stays so: without heartbeats, workers are judged by what waits for them, and beat by the last reconciliation. */
export function componentsOf(status: Status, ready: Ready | null, now: number): Component[] {
  const { database, cache, broker } = status.components;
  return [
    { name: "database", health: ready?.database ?? database },
    { name: "cache", health: cache === "away" ? cache : (ready?.cache ?? cache) },
    { name: "broker", health: ready?.broker ?? broker },
    { name: "worker", health: workerHealth(status) },
    { name: "beat", health: beatHealth(status, now) },
  ];
}

function workerHealth({ effects, workers }: Status): Health {
  const served = new Set(workers?.flatMap(({ queues }) => queues));
  const missing = workers === null ? 0 : QUEUES.filter((queue) => !served.has(queue)).length;
  if (missing > 0) return missing === QUEUES.length ? "away" : "degraded";
  return byAge(Math.max(0, ...Object.values(effects).map(({ oldest_age_seconds }) => oldest_age_seconds)), LATE_SECONDS, STUCK_SECONDS);
}

function beatHealth(status: Status, now: number): Health {
  if (status.workers !== null) return byAge(status.beat_last_tick_seconds ?? Infinity, BEAT_SECONDS, STUCK_SECONDS);
  const ended = lastRun(status)?.finished_at;
  return byAge(ended ? (now - Date.parse(ended)) / 1_000 : Infinity, 3 * TICK_SECONDS, 10 * TICK_SECONDS);
}

function byAge(seconds: number, late: number, away: number): Health {
  return seconds < late ? "ok" : seconds < away ? "degraded" : "away";
}

/** The kinds of drift that a run has found, the most frequent first. */
export function foundIn(report: Pick<Report, "found" | "examples">): { kind: string; count: number; examples: string[] }[] {
  return Object.entries(report.found ?? {})
    .filter(([, count]) => count > 0)
    .map(([kind, count]) => ({ kind, count, examples: examplesOf(report.examples?.[kind]) }))
    .sort((a, b) => b.count - a.count || (a.kind < b.kind ? -1 : 1));
}

export function foundAtAll(report: Pick<Report, "found" | "examples">): number {
  return foundIn(report).reduce((sum, { count }) => sum + count, 0);
}

function examplesOf(listed: unknown): string[] {
  return Array.isArray(listed) ? listed.map(valueText) : [];
}

/** A value of any shape, as short as it can be written. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) return "–";
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** @returns the part that a finding is about, if it is about one. */
export function partOf(subject: string): number | null {
  const found = /^part (\d+)$/.exec(subject);
  return found ? Number(found[1]) : null;
}
