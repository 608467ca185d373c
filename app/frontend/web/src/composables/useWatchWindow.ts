/**
 * Which parts of a long list to watch: all of them as long as the server allows, else those
 * around the ones on screen.
 */
import { MAX_WATCHED_PARTS } from "@lockstep/shared/live/limits.ts";
import { computed, onScopeDispose, ref, watch, type Ref } from "vue";

/** Leaves room for the next page's parts, which are watched just before these are dropped. */
export const WINDOW_SIZE = MAX_WATCHED_PARTS - 20;

export function useWatchWindow(ids: Ref<readonly number[]>, list: Ref<HTMLElement | null>) {
  const center = ref(0);
  const windowed = computed(() => windowAround(ids.value, center.value, WINDOW_SIZE));
  let scheduled = 0;

  function look(): void {
    scheduled = 0;
    const cards = list.value?.children;
    if (!cards) return;
    let low = 0;
    let high = cards.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((cards[middle]?.getBoundingClientRect().bottom ?? 0) < 0) low = middle + 1;
      else high = middle;
    }
    // In steps, so that a little scrolling changes nothing.
    center.value = Math.round(low / 20) * 20;
  }

  function onScroll(): void {
    if (scheduled === 0) scheduled = requestAnimationFrame(look);
  }

  watch(
    () => ids.value.length > WINDOW_SIZE,
    (long) => {
      if (long) window.addEventListener("scroll", onScroll, { passive: true });
      else window.removeEventListener("scroll", onScroll);
    },
    { immediate: true },
  );
  onScopeDispose(() => {
    cancelAnimationFrame(scheduled);
    window.removeEventListener("scroll", onScroll);
  });

  return windowed;
}

export function windowAround(ids: readonly number[], center: number, size: number): readonly number[] {
  if (ids.length <= size) return ids;
  const start = Math.min(Math.max(0, center - Math.floor(size / 2)), ids.length - size);
  return ids.slice(start, start + size);
}
