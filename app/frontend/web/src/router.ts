import { createRouter, createWebHistory, type Router } from "vue-router";
import CatalogPage from "./pages/CatalogPage.vue";

export function createSiteRouter(): Router {
  return createRouter({
    history: createWebHistory(),
    routes: [
      { path: "/", name: "catalog", component: CatalogPage },
      {
        path: "/parts/:id([1-9]\\d{0,9})/:slug?",
        name: "part",
        component: () => import("./pages/PartPage.vue"),
        props: (route) => ({ id: Number(route.params["id"]) }),
      },
      { path: "/:path(.*)*", name: "not-found", component: () => import("./pages/NotFoundPage.vue") },
    ],
    scrollBehavior: (to, from, saved) => {
      if (saved) return saved;
      return to.path === from.path ? undefined : { top: 0 };
    },
  });
}
