import { createRouter, createWebHistory, type Router } from "vue-router";
import LoginPage from "../session/LoginPage.vue";
import { useSessionStore } from "../session/session.ts";
import { SUBJECTS } from "../subjects.ts";

export function createPanelRouter(): Router {
  const router = createRouter({
    history: createWebHistory("/panel/"),
    routes: [
      { path: "/login", name: "login", component: LoginPage },
      ...SUBJECTS.flatMap(({ routes }) => routes),
      { path: "/:path(.*)*", name: "not-found", component: () => import("./NotFoundPage.vue") },
    ],
  });

  let asked = false;
  router.beforeEach(async (to) => {
    const session = useSessionStore();
    if (!asked) {
      // A server that cannot be asked shows on the log-in page, where one can try again.
      await session.load().then(() => (asked = true), () => undefined);
    }
    if (to.name === "login") return session.user ? { name: "stock" } : true;
    return session.user ? true : { name: "login", query: to.fullPath === "/" ? {} : { next: to.fullPath } };
  });
  return router;
}
