import { Users } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const people: Subject = {
  routes: [
    { path: "/people", name: "people", component: () => import("./PeoplePage.vue"), meta: { title: "people.title", needs: "admin" } },
  ],
  entries: [{ to: "people", label: "people.title", icon: Users, letter: "e", needs: "admin" }],
};
