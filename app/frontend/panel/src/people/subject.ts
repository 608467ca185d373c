import { Users } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const people: Subject = {
  routes: [
    { path: "/people", name: "people", component: () => import("./PeoplePage.vue"), meta: { title: "shell.titles.people", needs: "admin" } },
  ],
  entries: [{ to: "people", label: "shell.titles.people", icon: Users, letter: "e", needs: "admin" }],
};
