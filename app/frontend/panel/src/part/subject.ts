import type { Handlers, Subject } from "../subject.ts";
import { t } from "../i18n.ts";
import { useDraftsStore } from "./drafts.ts";

/** One part: a screen of its own for each side of it. */
export const part: Subject = {
  routes: [
    {
      path: "/parts/:id(\\d+)",
      component: () => import("./PartPage.vue"),
      props: ({ params }) => ({ id: Number(params["id"]) }),
      children: [
        { path: "", redirect: (to) => ({ name: "part-content", params: to.params }) },
        { path: "content", name: "part-content", component: () => import("./ContentTab.vue") },
        { path: "specifications", name: "part-specifications", component: () => import("./SpecificationsTab.vue") },
        { path: "images", name: "part-images", component: () => import("./ImagesTab.vue") },
        { path: "prices", name: "part-prices", component: () => import("./PricesTab.vue") },
        { path: "stock", name: "part-stock", component: () => import("./StockTab.vue") },
        { path: "history", name: "part-history", component: () => import("./history/HistoryTab.vue") },
        { path: "activity", name: "part-activity", component: () => import("./activity/ActivityTab.vue") },
      ],
    },
  ],
  begin,
};

/** Drafts are kept in the browser for the person who typed them; only those that it could not keep would be lost. */
function begin(): Handlers {
  const drafts = useDraftsStore();
  return {
    unsaved: () => drafts.lost.map((part) => t("part.draft.unsaved", { part })),
    forget: drafts.forget,
  };
}
