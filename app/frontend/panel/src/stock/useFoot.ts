/** How much of the page's foot is covered by notices, in pixels: the shell leaves that much room below the page. */
import { useMutationObserver } from "@vueuse/core";
import { onMounted, ref, type Ref } from "vue";

export function useFoot(): Ref<number> {
  const covered = ref(0);
  const main = document.getElementById("main");
  const read = (): void => void (covered.value = parseFloat(main?.style.paddingBottom ?? "") || 0);
  useMutationObserver(main, read, { attributes: true, attributeFilter: ["style"] });
  onMounted(read);
  return covered;
}
