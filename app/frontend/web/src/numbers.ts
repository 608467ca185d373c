/** Numbers as the page's language types them. Addresses and the API have a decimal point (`app/api/site/formats.py` does alike). */
function isGerman(): boolean {
  return document.documentElement.lang.startsWith("de");
}

/** @returns a text that may begin with a number, with that number as the API takes it. */
export function meant(typed: string): string {
  if (!isGerman()) return typed;
  return typed.replace(/^(\s*[-+−]?)([\d.]*),(\d)/, (_all, sign: string, whole: string, next: string) => `${sign}${whole.replaceAll(".", "")}.${next}`);
}

/** @returns such a text as it stands in a field. */
export function asTyped(text: string): string {
  return isGerman() ? text.replace(/^([-+−]?\d+)\.(\d+)(?![\d.])/, "$1,$2") : text;
}

/** @returns what the shop has measured, a number or a range of them, as it is read. */
export function asRead(measure: string): string {
  return measure.split("…").map(asTyped).join("…");
}
