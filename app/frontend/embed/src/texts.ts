/** What elements say by themselves, in the page's language if it is one of these, else in English. */
import type { Availability } from "./shop.ts";

type Texts = Record<Availability, string>;

const ENGLISH: Texts = { in: "In stock", low: "Low stock", out: "Out of stock", gone: "Not available" };
const GERMAN: Texts = { in: "Auf Lager", low: "Wenige auf Lager", out: "Nicht auf Lager", gone: "Nicht erhältlich" };

export function textsIn(language: string): Texts {
  return /^de\b/i.test(language) ? GERMAN : ENGLISH;
}
