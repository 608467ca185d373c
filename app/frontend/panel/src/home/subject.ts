import { House } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const home: Subject = {
  routes: [
    { path: "/", name: "home", component: () => import("./HomePage.vue"), meta: { title: "shell.titles.home" } },
  ],
  entries: [{ to: "home", label: "shell.titles.home", icon: House, letter: "h" }],
};
