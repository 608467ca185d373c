import { FolderTree } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const categories: Subject = {
  routes: [
    { path: "/categories", name: "categories", component: () => import("./CategoriesPage.vue"), meta: { title: "shell.titles.categories" } },
  ],
  entries: [{ to: "categories", label: "shell.titles.categories", icon: FolderTree, letter: "c" }],
};
