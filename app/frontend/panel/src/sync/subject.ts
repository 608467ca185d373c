import { RefreshCw } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const sync: Subject = {
  routes: [
    { path: "/sync", name: "sync", component: () => import("./SyncPage.vue"), meta: { title: "sync.title" } },
  ],
  entries: [{ to: "sync", label: "sync.title", icon: RefreshCw, letter: "y" }],
};
