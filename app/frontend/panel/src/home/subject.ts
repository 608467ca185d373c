import { House } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const home: Subject = {
  routes: [
    { path: "/", name: "home", component: () => import("./HomePage.vue"), meta: { title: "home.title" } },
  ],
  entries: [{ to: "home", label: "home.title", icon: House, letter: "h" }],
};
