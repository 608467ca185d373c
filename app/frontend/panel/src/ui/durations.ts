/** How long something took, or has been waiting, in the unit that suits it. */
import { i18n } from "../i18n.ts";

/** "8 ms", "9.5 s"; a dash if nobody knows. */
export function formatMilliseconds(ms: number | null): string {
  if (ms === null) return "–";
  if (ms < 1_000) return inUnit(ms, "millisecond", ms < 10 ? 1 : 0);
  return formatSeconds(ms / 1_000);
}

/** "0 s", "9.5 s", "3 min", "24 hr", "4 days". */
export function formatSeconds(seconds: number): string {
  if (seconds < 60) return inUnit(seconds, "second", seconds < 10 ? 1 : 0);
  if (seconds < 3_600) return inUnit(Math.floor(seconds / 60), "minute", 0);
  if (seconds < 2 * 86_400) return inUnit(Math.floor(seconds / 3_600), "hour", 0);
  return inUnit(Math.floor(seconds / 86_400), "day", 0);
}

function inUnit(value: number, unit: string, maximumFractionDigits: number): string {
  return new Intl.NumberFormat(i18n.global.locale.value, { style: "unit", unit, unitDisplay: "short", maximumFractionDigits }).format(value);
}
