/** What the propagation was while the panel has been open, for its chart; kept while one looks at other screens. */
import { shallowRef } from "vue";

export interface Sample {
  /** Seconds since 1970. */
  at: number;
  p50: number | null;
  p95: number | null;
}

const WINDOW_SECONDS = 900;
/** Two reads of one moment are one sample. */
const APART_SECONDS = 5;

/** @returns the samples of the last quarter of an hour, with the new one. */
export function withSample(samples: readonly Sample[], next: Sample): Sample[] {
  const recent = samples.filter(({ at }) => at > next.at - WINDOW_SECONDS);
  const last = recent.at(-1);
  return last && next.at - last.at < APART_SECONDS ? [...recent.slice(0, -1), { ...next, at: last.at }] : [...recent, next];
}

export const samples = shallowRef<readonly Sample[]>([]);

export function take(propagation: { p50_ms: number | null; p95_ms: number | null }, now: number): void {
  samples.value = withSample(samples.value, { at: now / 1_000, p50: propagation.p50_ms, p95: propagation.p95_ms });
}
