import { Upload } from "@lucide/vue";
import type { Subject } from "../subject.ts";

export const imports: Subject = {
  routes: [
    { path: "/imports", name: "imports", component: () => import("./ImportsPage.vue"), meta: { title: "imports.title" } },
  ],
  entries: [{ to: "imports", label: "imports.title", icon: Upload, letter: "i" }],
};
