/**
 * The files that were checked here, so that what is imported is, byte for byte, what was checked. They are in this tab's memory
 * alone: after a reload the file has to be chosen again, and is checked again.
 */
import { asTheFileSays, type Reading } from "./reading.ts";

export interface KeptFile {
  file: File;
  reading: Reading;
}

/** Files may be large. */
const MAX_KEPT = 3;
const kept = new Map<number, KeptFile>();
const STORED = "lockstep.imports.readings";
const MAX_READINGS = 20;

export function keep(jobId: number, one: KeptFile): void {
  kept.set(jobId, one);
  for (const old of [...kept.keys()].slice(0, -MAX_KEPT)) kept.delete(old);
  const readings = Object.entries({ ...storedReadings(), [jobId]: one.reading }).slice(-MAX_READINGS);
  sessionStorage.setItem(STORED, JSON.stringify(Object.fromEntries(readings)));
}

export function fileOf(jobId: number): File | null {
  return kept.get(jobId)?.file ?? null;
}

/** How a job's file was read; it survives a reload. */
export function readingOf(jobId: number): Reading {
  return kept.get(jobId)?.reading ?? storedReadings()[jobId] ?? asTheFileSays();
}

export function forgetFiles(): void {
  kept.clear();
  sessionStorage.removeItem(STORED);
}

function storedReadings(): Record<number, Reading> {
  return JSON.parse(sessionStorage.getItem(STORED) ?? "{}") as Record<number, Reading>;
}
