/**
 * The texts of what is loaded late: comparing, the shopping list and the enlarged picture. Both languages come with it, since
 * nobody waits for it; import it only in components that are loaded late.
 */
import { later as english } from "./later.en.ts";
import { later as german } from "./later.de.ts";

export const later: typeof english = /^de\b/.test(document.documentElement.lang) ? german : english;
