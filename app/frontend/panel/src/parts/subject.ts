import { Package, PackagePlus } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const parts: Subject = {
  routes: [
    { path: "/parts", name: "parts", component: () => import("./PartsPage.vue"), meta: { title: "shell.titles.parts" } },
  ],
  entries: [{ to: "parts", label: "shell.titles.parts", icon: Package, letter: "p" }],
  actions: [{ label: "parts.new", icon: PackagePlus, needs: "editor", run: (router) => router.push({ name: "parts", query: { new: "1" } }) }],
};
