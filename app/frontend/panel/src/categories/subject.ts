import { FolderTree } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const categories: Subject = {
  routes: [
    { path: "/categories", name: "categories", component: () => import("./CategoriesPage.vue"), meta: { title: "categories.title" } },
  ],
  entries: [{ to: "categories", label: "categories.title", icon: FolderTree, letter: "c" }],
};
