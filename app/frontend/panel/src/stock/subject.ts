/** The stock grid as a subject of the panel. */
import { Boxes } from "@lucide/vue";
import { watch } from "vue";
import type { Handlers, Subject } from "../subject.ts";
import { useDraftsStore } from "./drafts.ts";
import ParkedDrafts from "./ParkedDrafts.vue";
import { useParkedStore } from "./parked.ts";
import { useSelectionStore } from "./selection.ts";
import { useUndoStore } from "./undo.ts";
import { useViewStore } from "./view.ts";
import { describe } from "./write.ts";
import { useWritesStore } from "./writes.ts";

export const stock: Subject = {
  routes: [{ path: "/stock", name: "stock", component: () => import("./StockPage.vue"), meta: { title: "shell.titles.stock" } }],
  entries: [{ to: "stock", label: "shell.titles.stock", icon: Boxes, letter: "s" }],
  everywhere: ParkedDrafts,
  begin,
};

function begin(): Handlers {
  const view = useViewStore();
  const writes = useWritesStore();
  const drafts = useDraftsStore();
  const parked = useParkedStore();
  const selection = useSelectionStore();
  const undo = useUndoStore();

  // Rows do not come and go while the user is typing or deciding a conflict.
  watch(
    () => view.outdated && !view.reading && drafts.draft === null && writes.conflicts.length === 0,
    (due) => {
      if (due) void view.catchUp();
    },
  );

  return {
    heard(event, mine) {
      const aspect = event.type === "stock.updated" ? "stock" : "content";
      if (event.type === "content.updated") drafts.heardContent(event.part_id, event.actor);
      view.receive(event, mine && writes.isOurs(event.part_id, aspect));
    },
    heardOfTree: view.treeChanged,
    missed() {
      void view.readCategories();
      void view.catchUp();
    },
    async save() {
      drafts.leave();
      await writes.settled();
    },
    unsaved() {
      const open = drafts.dirty && drafts.draft ? [drafts.draft] : [];
      const cells = [...open, ...parked.list, ...writes.conflicts.map(({ write }) => write), ...writes.sending];
      return [...new Set(cells.map(describe))];
    },
    forget() {
      drafts.cancel();
      parked.forget();
      writes.forget();
      undo.forget();
      selection.clear();
      view.forget();
    },
  };
}
