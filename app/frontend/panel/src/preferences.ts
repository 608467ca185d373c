/** How this browser shows the panel: language, theme and density. Kept in the browser, for whoever uses it. */
import { useLocalStorage } from "@vueuse/core";
import { computed, watchEffect } from "vue";

export const LANGUAGES = ["en", "de"] as const;
export const THEMES = ["system", "light", "dark"] as const;
export const DENSITIES = ["compact", "comfortable"] as const;
export type Language = (typeof LANGUAGES)[number];
export type Theme = (typeof THEMES)[number];
export type Density = (typeof DENSITIES)[number];
export const DEFAULT_LANGUAGE: Language = "en";

const preferences = useLocalStorage<{ language?: string; theme?: string; density?: string }>("lockstep.preferences", {}, { mergeDefaults: true });

/** What was kept may be of another release. */
function choice<Name extends "language" | "theme" | "density", Value extends string>(name: Name, known: readonly Value[], otherwise: () => Value) {
  return computed<Value>({
    get: () => known.find((value) => value === preferences.value[name]) ?? otherwise(),
    set: (value) => (preferences.value = { ...preferences.value, [name]: value }),
  });
}

function browserLanguage(): Language {
  const wanted = navigator.languages.map((language) => language.slice(0, 2));
  return wanted.map((language) => LANGUAGES.find((known) => known === language)).find(Boolean) ?? DEFAULT_LANGUAGE;
}

export const chosenLanguage = choice("language", LANGUAGES, browserLanguage);
export const chosenTheme = choice("theme", THEMES, () => "system");
export const chosenDensity = choice("density", DENSITIES, () => "compact");

/** Applies theme and density to the page, now and when they change. */
export function applyPreferences(): void {
  watchEffect(() => {
    const { style, dataset } = document.documentElement;
    style.colorScheme = chosenTheme.value === "system" ? "light dark" : chosenTheme.value;
    dataset["density"] = chosenDensity.value;
  });
}
