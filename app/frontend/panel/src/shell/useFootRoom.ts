/** Keeps overlays at the foot from hiding anything: the page ends above them, and the focused element scrolls clear of them. */
import { onBeforeUnmount, onMounted, ref, watch, type Ref } from "vue";

/** @returns the element's height in pixels. */
export function useFootRoom(foot: Ref<HTMLElement | null>): Ref<number> {
  const room = ref(0);
  const observer = new ResizeObserver(() => (room.value = foot.value?.offsetHeight ?? 0));

  watch(room, (height) => {
    document.documentElement.style.scrollPaddingBottom = `${height + 24}px`;
    const focused = document.activeElement;
    // After a skip link or a removal the page as a whole has the focus: there is nothing to scroll to.
    if (focused && !foot.value?.contains(focused) && !focused.matches("body, main")) focused.scrollIntoView({ block: "nearest" });
  }, { flush: "post" });
  onMounted(() => {
    if (foot.value) observer.observe(foot.value);
  });
  onBeforeUnmount(() => observer.disconnect());
  return room;
}
