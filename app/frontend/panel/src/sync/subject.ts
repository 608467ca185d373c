import { RefreshCw } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const sync: Subject = {
  routes: [
    { path: "/sync", name: "sync", component: () => import("./SyncPage.vue"), meta: { title: "shell.titles.sync" } },
  ],
  entries: [{ to: "sync", label: "shell.titles.sync", icon: RefreshCw, letter: "y" }],
};
