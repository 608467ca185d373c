/**
 * Undo belongs to the text that is being typed. Chromium keeps one history of typing for the whole page, so that Ctrl+Z in the
 * grid would take back what was typed into the search field long before.
 */
import { onBeforeUnmount, onMounted } from "vue";

const TEXT = "textarea, [contenteditable], input:not([type=button], [type=checkbox], [type=color], [type=file], [type=radio], [type=range], [type=reset], [type=submit])";

export function useTextUndo(): void {
  function onKey(event: KeyboardEvent): void {
    const undoes = (event.ctrlKey || event.metaKey) && !event.altKey && /^[zy]$/i.test(event.key);
    if (undoes && !(event.target instanceof Element && event.target.closest(TEXT))) event.preventDefault();
  }

  onMounted(() => document.addEventListener("keydown", onKey, true));
  onBeforeUnmount(() => document.removeEventListener("keydown", onKey, true));
}
