/**
 * The panel's texts, from catalogues: `<folder>/messages/<language>.json` holds what that folder says, under the folder's name.
 * `t("parts.new")` works in templates and in plain modules; i18n.test.ts finds what is missing, unused or not translated.
 *
 * What the log-in and the grid say is there from the beginning, in English; the rest, and other languages, are loaded when needed.
 */
import { setLocale } from "@lockstep/shared/format.ts";
import { createI18n } from "vue-i18n";
import { chosenLanguage, DEFAULT_LANGUAGE, type Language } from "./preferences.ts";

interface Texts {
  [name: string]: string | Texts;
}

const first = import.meta.glob<Texts>("./{shell,session,live,ui,stock,journey,palette}/messages/en.json", { eager: true, import: "default" });
const all: Record<Language, Record<string, () => Promise<Texts>>> = {
  en: import.meta.glob<Texts>("./*/messages/en.json", { import: "default" }),
  de: import.meta.glob<Texts>("./*/messages/de.json", { import: "default" }),
};

function folderOf(path: string): string {
  return path.split("/")[1] ?? "";
}

export const i18n = createI18n({
  legacy: false,
  locale: DEFAULT_LANGUAGE,
  fallbackLocale: DEFAULT_LANGUAGE,
  messages: { [DEFAULT_LANGUAGE]: Object.fromEntries(Object.entries(first).map(([path, texts]) => [folderOf(path), texts])) },
});

export const t = i18n.global.t;

const loaded = new Map<Language, Promise<void>>();

/** Loads everything that the panel says in a language; once. */
async function load(language: Language): Promise<void> {
  const texts = await Promise.all(Object.entries(all[language]).map(async ([path, read]) => [folderOf(path), await read()] as const));
  i18n.global.setLocaleMessage(language, Object.fromEntries(texts));
}

function loadOnce(language: Language): Promise<void> {
  const known = loaded.get(language) ?? load(language);
  loaded.set(language, known);
  known.catch(() => loaded.delete(language));
  return known;
}

/** Resolves once every text can be shown in the present language. @throws Error if the server does not answer. */
export async function allTexts(): Promise<void> {
  await Promise.all([loadOnce(DEFAULT_LANGUAGE), loadOnce(chosenLanguage.value)]);
}

/** Shows every text, number and date in a language from now on. */
export async function speak(language: Language): Promise<void> {
  if (language !== DEFAULT_LANGUAGE) await loadOnce(language);
  i18n.global.locale.value = language;
  document.documentElement.lang = language;
  setLocale(language, navigator.languages);
}

export function speakAsChosen(): Promise<void> {
  return speak(chosenLanguage.value);
}
