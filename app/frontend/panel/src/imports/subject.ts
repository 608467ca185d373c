import { Upload } from "@lucide/vue";
import type { Subject } from "../subject.ts";
import { forgetFiles } from "./kept.ts";

export const imports: Subject = {
  routes: [
    { path: "/imports", name: "imports", component: () => import("./ImportsPage.vue"), meta: { title: "shell.titles.imports" } },
    {
      path: "/imports/:id(\\d+)", name: "import", component: () => import("./ImportPage.vue"), meta: { title: "shell.titles.imports" },
      props: ({ params }) => ({ id: Number(params["id"]) }),
    },
  ],
  entries: [{ to: "imports", label: "shell.titles.imports", icon: Upload, letter: "i" }],
  actions: [{ label: "imports.new", icon: Upload, needs: "editor", run: (router) => router.push({ name: "imports" }) }],
  begin: () => ({ forget: forgetFiles }),
};
