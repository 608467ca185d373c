import { History } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const activity: Subject = {
  routes: [
    { path: "/activity", name: "activity", component: () => import("./ActivityPage.vue"), meta: { title: "shell.titles.activity" } },
  ],
  entries: [{ to: "activity", label: "shell.titles.activity", icon: History, letter: "a" }],
};
