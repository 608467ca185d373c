/**
 * The panel's texts, from catalogues: `<folder>/messages/<language>.json` holds what that folder says, under the folder's name.
 * `t("parts.title")` works in templates and in plain modules; i18n.test.ts finds what is missing, unused or not translated.
 */
import { setLocale } from "@lockstep/shared/format.ts";
import { createI18n } from "vue-i18n";
import { chosenLanguage, DEFAULT_LANGUAGE, type Language } from "./preferences.ts";

interface Texts {
  [name: string]: string | Texts;
}

const own = import.meta.glob<Texts>("./*/messages/en.json", { eager: true, import: "default" });
const others = import.meta.glob<Texts>("./*/messages/de.json", { import: "default" });

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

export const i18n = createI18n({
  legacy: false,
  locale: DEFAULT_LANGUAGE,
  fallbackLocale: DEFAULT_LANGUAGE,
  messages: { [DEFAULT_LANGUAGE]: Object.fromEntries(Object.entries(own).map(([path, texts]) => [folderOf(path), texts])) },
});

export const t = i18n.global.t;

/** Shows every text, number and date in a language from now on. */
export async function speak(language: Language): Promise<void> {
  if (!i18n.global.availableLocales.includes(language)) {
    const loaded = await Promise.all(Object.entries(others).map(async ([path, load]) => [folderOf(path), await load()] as const));
    i18n.global.setLocaleMessage(language, Object.fromEntries(loaded));
  }
  i18n.global.locale.value = language;
  document.documentElement.lang = language;
  setLocale(language, navigator.languages);
}

export function speakAsChosen(): Promise<void> {
  return speak(chosenLanguage.value);
}
