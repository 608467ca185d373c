import { CircleUser, Languages, Moon, Sun, SunMoon } from "@lucide/vue";
import { chosenLanguage, chosenTheme } from "../preferences.ts";
import type { Subject } from "../subject.ts";

export const account: Subject = {
  routes: [
    { path: "/account", name: "account", component: () => import("./AccountPage.vue"), meta: { title: "shell.titles.account" } },
  ],
  entries: [{ to: "account", label: "shell.titles.account", icon: CircleUser, letter: "m" }],
  actions: [
    { label: "account.beLight", icon: Sun, run: () => (chosenTheme.value = "light") },
    { label: "account.beDark", icon: Moon, run: () => (chosenTheme.value = "dark") },
    { label: "account.beAsSystem", icon: SunMoon, run: () => (chosenTheme.value = "system") },
    { label: "account.speakEnglish", icon: Languages, run: () => (chosenLanguage.value = "en") },
    { label: "account.speakGerman", icon: Languages, run: () => (chosenLanguage.value = "de") },
  ],
};
