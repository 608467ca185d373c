/** Durations as they are shown. */
import { formatNumber } from "@lockstep/shared/format.ts";
import { t } from "../i18n.ts";

/** @param ms milliseconds. @returns "12 ms", or in seconds from ten of them on. */
export function duration(ms: number): string {
  return ms < 10_000 ? t("journey.ms", { n: formatNumber(Math.max(1, Math.round(ms))) }) : t("journey.seconds", { n: formatNumber(Math.round(ms / 1000)) });
}
