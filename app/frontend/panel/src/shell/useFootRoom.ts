/** The page ends above what lies over its foot, so that every row can be scrolled clear of it. */
import { onBeforeUnmount, onMounted, ref, type Ref } from "vue";

/** @returns how much room the element takes, in pixels. */
export function useFootRoom(foot: Ref<HTMLElement | null>): Ref<number> {
  const room = ref(0);
  const observer = new ResizeObserver(() => (room.value = foot.value?.offsetHeight ?? 0));
  onMounted(() => {
    if (foot.value) observer.observe(foot.value);
  });
  onBeforeUnmount(() => observer.disconnect());
  return room;
}
