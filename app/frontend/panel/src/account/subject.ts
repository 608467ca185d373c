import { CircleUser } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const account: Subject = {
  routes: [
    { path: "/account", name: "account", component: () => import("./AccountPage.vue"), meta: { title: "account.title" } },
  ],
  entries: [{ to: "account", label: "account.title", icon: CircleUser, letter: "m" }],
};
