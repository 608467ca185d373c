import { createRouter, createWebHistory, type Router } from "vue-router";
import { allTexts, t } from "../i18n.ts";
import LoginPage from "../session/LoginPage.vue";
import { isAtLeast } from "../session/roles.ts";
import { useSessionStore } from "../session/session.ts";
import { wanted } from "../session/wanted.ts";
import { SUBJECTS } from "../subjects.ts";
import { documentTitle } from "../ui/useDocumentTitle.ts";

export function createPanelRouter(): Router {
  const router = createRouter({
    history: createWebHistory("/panel/"),
    routes: [
      { path: "/login", name: "login", component: LoginPage, meta: { title: "session.title" } },
      ...SUBJECTS.flatMap(({ routes }) => routes),
      { path: "/:path(.*)*", name: "not-found", component: () => import("./NotFoundPage.vue"), meta: { title: "shell.notFound" } },
    ],
    scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
  });

  let asked = false;
  router.beforeEach(async (to) => {
    const session = useSessionStore();
    if (!asked) {
      // If the server cannot be asked, the log-in page is shown, where the user can try again.
      await session.load().then(() => (asked = true), () => undefined);
    }
    if (to.name === "login") return session.user ? wanted(to.query["next"]) : true;
    if (!session.user) return { name: "login", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
    return isAtLeast(session.user.role, to.meta.needs) ? true : { name: "not-found", params: { path: to.path.slice(1).split("/") } };
  });
  // The log-in and the grid, where most people are most of the time, do not wait for what the others say.
  router.beforeResolve(async (to) => {
    if (to.name !== "login" && to.name !== "stock") await allTexts();
  });
  router.afterEach((to) => {
    if (to.meta.title) document.title = documentTitle(t(to.meta.title));
  });
  return router;
}
