import { formatClock, formatNumber } from "@lockstep/shared/format.ts";
import type { buyer as english } from "./buyer.en.ts";

const lines = (count: number): string => (count === 1 ? "1 Zeile" : `${formatNumber(count)} Zeilen`);

export const buyer = {
  youPay: (total: string) => `Sie zahlen ${total}`,
  soldFrom: (quantity: number) => `Verkauf ab ${formatNumber(quantity)} Stück`,
  wrongQuantity: "Bitte eine ganze Zahl ab 1 eingeben",
  moreThanThere: (available: number) => `Nur ${formatNumber(available)} auf Lager`,
  checked: (age: string) => `Geprüft ${age}`,
  checkedAt: (time: number) => `Geprüft um ${formatClock(time)}`,
  codeHint: "Mit diesem Code kann unser Personal diese Seite so öffnen, wie Sie sie jetzt sehen.",
  copyCode: (code: string) => `Code ${code} kopieren`,
  copied: "Kopiert",
  notCopied: "Konnte nicht kopiert werden",
  stockChanged: (status: string) => `Bestand: ${status}`,
  textChanged: "Die Beschreibung wurde geändert",
  specificationsChanged: "Die technischen Daten wurden geändert",
  nameChanged: "Der Name wurde geändert",
  picturesChanged: "Die Bilder wurden geändert",
  nothingInstead: "Zurzeit ist nichts Vergleichbares auf Lager.",
  enlarge: "Bild vergrößern",

  compareThis: (name: string) => `${name} vergleichen`,

  listCount: (count: number) => `Liste ${lines(count)}`,
  addThisToList: (name: string) => `Auf die Liste: ${name}`,
  added: (quantity: number) => `${formatNumber(quantity)} auf der Liste`,
  listFull: (most: number) => `Eine Liste hat bis zu ${formatNumber(most)} Zeilen. Entfernen Sie zuerst einige.`,
} satisfies typeof english;
