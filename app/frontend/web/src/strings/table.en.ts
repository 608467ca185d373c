/** What only the application says about the filters by specifications. */
import { formatNumber } from "@lockstep/shared/format.ts";

export const tableEnglish = {
  filtersChosen: (count: number) => `Specifications (${formatNumber(count)})`,
  close: "Close",
  findValue: (name: string) => `Find in ${name}`,
  noValue: "Nothing of this name.",
  showFewer: "Show fewer",
  showParts: (count: number | null) => (count === null ? "Show parts" : count === 1 ? "Show 1 part" : `Show ${formatNumber(count)} parts`),
};
