import { formatNumber } from "@lockstep/shared/format.ts";
import type { tableEnglish } from "./table.en.ts";

export const tableGerman = {
  filtersChosen: (count: number) => `Technische Daten (${formatNumber(count)})`,
  close: "Schließen",
  findValue: (name: string) => `In „${name}“ suchen`,
  noValue: "Kein Wert heißt so.",
  showFewer: "Weniger anzeigen",
  showParts: (count: number | null) => (count === null ? "Teile anzeigen" : count === 1 ? "1 Teil anzeigen" : `${formatNumber(count)} Teile anzeigen`),
} satisfies typeof tableEnglish;
