import { History } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const activity: Subject = {
  routes: [
    { path: "/activity", name: "activity", component: () => import("./ActivityPage.vue"), meta: { title: "activity.title" } },
  ],
  entries: [{ to: "activity", label: "activity.title", icon: History, letter: "a" }],
};
