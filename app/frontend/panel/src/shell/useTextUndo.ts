/**
 * Limits undo to the text being typed. Chromium keeps one undo history for the whole page, so Ctrl+Z in the grid would undo
 * what was typed into the search field long before.
 */
import { onBeforeUnmount, onMounted } from "vue";
import { letterOf } from "../ui/keys.ts";

const TEXT = "textarea, [contenteditable], input:not([type=button], [type=checkbox], [type=color], [type=file], [type=radio], [type=range], [type=reset], [type=submit])";

export function useTextUndo(): void {
  function onKey(event: KeyboardEvent): void {
    const undoes = (event.ctrlKey || event.metaKey) && !event.altKey && ["z", "y"].includes(letterOf(event));
    if (undoes && !(event.target instanceof Element && event.target.closest(TEXT))) event.preventDefault();
  }

  onMounted(() => document.addEventListener("keydown", onKey, true));
  onBeforeUnmount(() => document.removeEventListener("keydown", onKey, true));
}
