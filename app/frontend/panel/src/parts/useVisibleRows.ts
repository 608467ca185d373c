/** The parts whose rows are on the screen, once it has come to rest. */
import { useDebounceFn, useEventListener } from "@vueuse/core";
import { onMounted, shallowRef, watch, type Ref } from "vue";

const REST_MS = 200;

/**
 * @param table holds the rows, which name their parts in `data-part-id`.
 * @param ids of all rows, in their order.
 */
export function useVisibleRows(table: Readonly<Ref<HTMLElement | null>>, ids: Readonly<Ref<readonly number[]>>): Readonly<Ref<readonly number[]>> {
  const visible = shallowRef<readonly number[]>([]);

  function look(): void {
    const rows = table.value?.querySelectorAll<HTMLElement>("[data-part-id]") ?? [];
    visible.value = [...rows].filter(isOnScreen).map((row) => Number(row.dataset["partId"]));
  }

  const soon = useDebounceFn(look, REST_MS);
  // Whatever scrolls: the page, or a frame in it.
  useEventListener(window, ["scroll", "resize"], soon, { passive: true, capture: true });
  watch(() => ids.value.join(), soon);
  onMounted(look);
  return visible;
}

function isOnScreen(row: HTMLElement): boolean {
  const { top, bottom } = row.getBoundingClientRect();
  return bottom > 0 && top < window.innerHeight;
}
