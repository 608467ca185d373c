import { createRouter, createWebHistory, type RouteLocationNormalized, type Router } from "vue-router";

const CatalogPage = () => import("./pages/CatalogPage.vue");

/** With what only a category shows, so that it is there when the page is. */
async function CategoryPage(): ReturnType<typeof CatalogPage> {
  const [page] = await Promise.all([CatalogPage(), import("./components/SpecificationPanel.vue")]);
  return page;
}

export function createSiteRouter(): Router {
  return createRouter({
    history: createWebHistory(),
    routes: [
      { path: "/", name: "home", component: () => import("./pages/HomePage.vue") },
      { path: "/parts", name: "catalog", component: CatalogPage },
      { path: "/c/:category", name: "category", component: CategoryPage },
      {
        path: "/parts/:id([1-9]\\d{0,9})/:slug?",
        name: "part",
        component: () => import("./pages/PartPage.vue"),
        props: (route) => ({ id: Number(route.params["id"]) }),
      },
      { path: "/compare", name: "compare", component: () => import("./pages/ComparePage.vue") },
      { path: "/list", name: "list", component: () => import("./pages/ListPage.vue") },
      { path: "/:path(.*)*", name: "not-found", component: () => import("./pages/NotFoundPage.vue") },
    ],
    scrollBehavior: (to, from, saved) => {
      if (saved) return saved;
      if (to.hash) return { el: to.hash };
      return to.path === from.path || isFiltering(to, from) ? undefined : { top: 0 };
    },
  });
}

/** What a step that only narrows a list has in its history state: whoever does that stays where they are. */
export const FILTERING = { filtering: true };

type Place = Pick<RouteLocationNormalized, "name">;

/** @param state the history's, of the page that is left for by now. */
export function isFiltering(to: Place, from: Place, state: unknown = history.state): boolean {
  const areLists = [to, from].every(({ name }) => name === "catalog" || name === "category");
  return areLists && (state as { filtering?: boolean } | null)?.filtering === true;
}
