/** Every text of the customer's site, in the page's language. */
import { en, type Strings } from "./strings/en.ts";

/** Filled before anything is shown, and fixed for the page's life: read it where a text is shown, not while modules are loaded. */
export const strings: Strings = { ...en };

/** Loads the texts of a language; English is there. */
export async function loadStrings(locale: string): Promise<void> {
  if (/^de\b/.test(locale)) Object.assign(strings, (await import("./strings/de.ts")).de);
}
