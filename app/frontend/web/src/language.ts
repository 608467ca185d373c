/** The language of the page. The server's HTML says it (app/api/site/formats.py); for the bare shell it is decided here, alike. */
export const LANGUAGES = { en: "English", de: "Deutsch" };
/** What the switch of languages has set. */
const CHOSEN = /(?:^|; )language=(en|de)(?:;|$)/;

/** @returns the language tag of the page ("de-AT"), which is then also the document's. */
export function pageLocale(): string {
  const root = document.documentElement;
  if (root.dataset["language"] === "undecided") root.lang = wantedLocale(document.cookie, navigator.languages);
  return root.lang;
}

/** @param wanted the languages that the browser asks for, best first. */
export function wantedLocale(cookie: string, wanted: readonly string[]): string {
  const languageOf = (tag: string): string => tag.split("-")[0] ?? "";
  const language = CHOSEN.exec(cookie)?.[1] ?? wanted.map(languageOf).find((one) => Object.hasOwn(LANGUAGES, one)) ?? "en";
  return wanted.find((tag) => languageOf(tag) === language) ?? language;
}
