/** What lies over the foot of the page hides nothing: the page ends above it, and what has the focus is scrolled clear of it. */
import { onBeforeUnmount, onMounted, ref, watch, type Ref } from "vue";

/** @returns how much room the element takes, in pixels. */
export function useFootRoom(foot: Ref<HTMLElement | null>): Ref<number> {
  const room = ref(0);
  const observer = new ResizeObserver(() => (room.value = foot.value?.offsetHeight ?? 0));

  watch(room, (height) => {
    document.documentElement.style.scrollPaddingBottom = `${height + 24}px`;
    const focused = document.activeElement;
    // The page as a whole has the focus after a skip or a removal: that is no place to scroll to.
    if (focused && !foot.value?.contains(focused) && !focused.matches("body, main")) focused.scrollIntoView({ block: "nearest" });
  }, { flush: "post" });
  onMounted(() => {
    if (foot.value) observer.observe(foot.value);
  });
  onBeforeUnmount(() => observer.disconnect());
  return room;
}
