/** The order of a list, changed by dragging a handle, or by Alt and an arrow on a row. */
import { useDragAndDrop } from "@formkit/drag-and-drop/vue";
import { nextTick, ref, watch, type Ref } from "vue";
import { t } from "../i18n.ts";
import { moved } from "./rows.ts";

/** @param rows what is shown. @param apply takes the new order. */
export function useOrder<T extends { key: string }>(rows: Ref<T[]>, apply: (rows: T[]) => void, isFixed: () => boolean) {
  const said = ref("");
  const [parent, list] = useDragAndDrop<T>(rows.value, {
    dragHandle: ".handle",
    draggable: (child) => !isFixed() && child.dataset["row"] !== undefined,
    onDragend: () => { if (list.value.some(({ key }, at) => key !== rows.value[at]?.key)) apply([...list.value]); },
  });
  watch(rows, (now) => (list.value = [...now]));

  /** Moves a row by one place; the focus stays where it is. */
  async function move(key: string, by: 1 | -1, focused: HTMLElement | null = null): Promise<void> {
    const from = rows.value.findIndex((row) => row.key === key);
    const to = from + by;
    if (isFixed() || from < 0 || to < 0 || to >= rows.value.length) return;
    apply(moved(rows.value, from, to));
    said.value = t("part.rows.moved", { place: to + 1, of: rows.value.length });
    await nextTick();
    focused?.focus();
  }

  function onKey(event: KeyboardEvent, key: string): void {
    if (!event.altKey || event.ctrlKey || event.metaKey || (event.key !== "ArrowUp" && event.key !== "ArrowDown")) return;
    event.preventDefault();
    void move(key, event.key === "ArrowUp" ? -1 : 1, event.target as HTMLElement);
  }

  /** For the element whose children the rows are. */
  const setParent = (element: unknown): void => { parent.value = element as HTMLElement | undefined; };

  return { setParent, list, move, onKey, said };
}
