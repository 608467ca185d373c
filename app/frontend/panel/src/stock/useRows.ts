/** Which rows are in the document: those on the screen, a few around them, and the one with the focus, wherever it is. */
import { defaultRangeExtractor, useVirtualizer, type Range, type VirtualItem } from "@tanstack/vue-virtual";
import { useMediaQuery } from "@vueuse/core";
import { computed, nextTick, onMounted, ref, shallowRef, watch, type Ref } from "vue";
import { chosenDensity } from "../preferences.ts";
import { useViewStore } from "./view.ts";

const OVERSCAN = 10;
const CARD = 132;
/** Rows that come into the document in one frame while the list is scrolled: with more, the browser would be busy for longer than is felt. */
const MAX_NEW = 12;

/**
 * @param active the row with the focus, which stays in the document.
 * @param frame what scrolls.
 * @param covered how much of the frame's foot is covered, in pixels.
 */
export function useRows(active: Ref<number>, frame: Ref<HTMLElement | null>, covered: () => number) {
  const stock = useViewStore();
  const isCards = useMediaQuery("(width < 600px)");
  const isTouch = useMediaQuery("(pointer: coarse)");

  /** As the style sheet says, in pixels. */
  const rowHeight = computed(() => {
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
    const sizes = isTouch.value ? 2.75 : { compact: 1.75, comfortable: 2.25 }[chosenDensity.value];
    return sizes * rem;
  });
  const headHeight = computed(() => (isCards.value ? 0 : rowHeight.value));

  const initialOffset = stock.firstShown() * rowHeight.value;
  // The same function as long as the list is: another one has the sizes of all rows worked out anew.
  const keys = computed(() => {
    const { ids } = stock;
    return (at: number): number => ids[at] ?? -at;
  });
  const virtualizer = useVirtualizer(computed(() => {
    const focused = active.value;
    return {
      count: stock.ids.length,
      getScrollElement: () => frame.value,
      getItemKey: keys.value,
      estimateSize: () => (isCards.value ? CARD : rowHeight.value),
      overscan: OVERSCAN,
      // The headings stick to the top of the frame, where they take the room of a row.
      scrollPaddingEnd: headHeight.value + covered(),
      initialOffset,
      rangeExtractor: (range: Range) => {
        const near = defaultRangeExtractor(range);
        return near.includes(focused) || focused >= range.count ? near : [...near, focused].sort((a, b) => a - b);
      },
    };
  }));

  const items = shallowRef<readonly VirtualItem[]>([]);
  const frames = ref(0);
  let room = MAX_NEW;
  let isBehind = false;
  watch(() => [virtualizer.value.getVirtualItems(), virtualizer.value.isScrolling, frames.value] as const, ([wanted, isScrolling]) => {
    items.value = isScrolling || isBehind ? admitted(wanted) : wanted;
    isBehind = items.value.length < wanted.length;
  }, { immediate: true });

  /** Those that are there, the one with the focus, and as many others as the frame has room for: on the screen first. */
  function admitted(wanted: readonly VirtualItem[]): readonly VirtualItem[] {
    const there = new Set(items.value.map(({ key }) => key));
    const coming = wanted.filter(({ key, index }) => !there.has(key) && index !== active.value);
    if (coming.length === 0) return wanted;
    const { startIndex = 0, endIndex = 0 } = virtualizer.value.range ?? {};
    const away = ({ index }: VirtualItem): number => Math.max(startIndex - index, index - endIndex, 0);
    const waiting = new Set(coming.sort((a, b) => away(a) - away(b)).slice(room));
    if (room === MAX_NEW) requestAnimationFrame(nextFrame);
    room = Math.max(0, room - coming.length);
    return wanted.filter((item) => !waiting.has(item));
  }

  function nextFrame(): void {
    room = MAX_NEW;
    if (isBehind) frames.value += 1;
  }

  /** Each row, with the room that the rows before it take that are not in the document. */
  const rows = computed(() => {
    let end = 0;
    return items.value.map(({ index, start, size }) => {
      const gap = start - end;
      end = start + size;
      return { at: index, id: stock.ids[index] ?? 0, gap };
    });
  });
  const after = computed(() => Math.max(0, virtualizer.value.getTotalSize() - (items.value.at(-1)?.end ?? 0)));

  watch([rowHeight, isCards], () => virtualizer.value.measure());
  watch(
    () => [virtualizer.value.range?.startIndex, virtualizer.value.range?.endIndex] as const,
    ([first, last]) => {
      if (first !== undefined && last !== undefined) stock.look(first, last);
    },
  );
  onMounted(() => void nextTick(() => virtualizer.value.measure()));

  return {
    rows, after, isCards, headHeight,
    /** For cards, whose heights differ. */
    measure: (element: unknown) => virtualizer.value.measureElement(element instanceof HTMLElement ? element : null),
    pageRows: () => Math.max(1, Math.floor(((frame.value?.clientHeight ?? 0) - headHeight.value) / rowHeight.value) - 1),
    scrollTo: (row: number) => virtualizer.value.scrollToIndex(row, { align: "auto" }),
  };
}
