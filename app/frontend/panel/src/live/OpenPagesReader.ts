/** Shows nothing: it asks what customers have open, for a screen that loads it when its rows are there. */
import { defineComponent, toRef, watch, type PropType } from "vue";
import { useOpenPages } from "./openPages.ts";

export default defineComponent({
  props: { ids: { type: Array as PropType<readonly number[]>, required: true } },
  emits: { read: (_counts: ReadonlyMap<number, number>) => true },
  setup(props, { emit }) {
    watch(useOpenPages(toRef(props, "ids")), (counts) => emit("read", counts));
    return () => null;
  },
});
