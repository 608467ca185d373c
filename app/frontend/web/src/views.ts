/** How lists are shown where their address does not say: as they were shown last, in this browser. */
import { ref } from "vue";
import type { View } from "./stores/catalog.ts";

const KEY = "lockstep.view";

export const rememberedView = ref<View>(read());

export function rememberView(view: View): void {
  rememberedView.value = view;
  try {
    localStorage.setItem(KEY, view);
  } catch {
    // Without storage it is remembered until the page is left.
  }
}

function read(): View {
  try {
    return localStorage.getItem(KEY) === "table" ? "table" : "cards";
  } catch {
    return "cards";
  }
}
